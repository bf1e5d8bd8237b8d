package import FoundationEssentials
internal import LXDAPI
package import LXDAuth
package import LXDDatabase
internal import Synchronization

/// Whom the server trusts, in memory: asked on every TLS request, filled from the database.
///
/// With an authority (LXD's PKI mode) only certificates it signed and did not take back count, also those that were
/// trusted before there was one.
package final class TrustDirectory: Sendable {
    /// A trusted certificate as the authorization decision needs it.
    package struct Entry: Sendable, Equatable {
        /// `client`, `server` or `metrics`.
        package var type = "client"
        package var restricted = false
        package var projects: [String] = []
        fileprivate var validity: Validity
    }

    fileprivate struct Validity: Sendable, Equatable {
        var notBefore: Date
        var notAfter: Date

        func holds(at now: Date) -> Bool { now >= notBefore && now <= notAfter }
    }

    /// What the authority said of a certificate, kept since a signature is dear to check.
    private struct Ruling: Sendable {
        var verdict: CertificateAuthority.Verdict
        var validity: Validity?
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var trustsSigned = false
        var rulings: [String: Ruling] = [:]
    }

    /// Strangers can show any number of certificates.
    private static let rulingsMax = 1024

    private let authority: CertificateAuthority?
    private let state = Mutex(State())

    package init(authority: CertificateAuthority? = nil) { self.authority = authority }

    /// `core.trust_ca_certificates`: whether whoever the authority signed is trusted without an entry.
    package func setTrustsSigned(_ value: Bool) { state.withLock { $0.trustsSigned = value } }

    /// The entry of a client that is trusted now; nil for everybody else.
    ///
    /// - Parameters:
    ///   - fingerprint: Of the certificate shown.
    ///   - der: The certificate.
    ///   - forMetrics: Whether metrics are asked for: certificates of that type are good for nothing else.
    ///   - now: What this host's clock says.
    package func client(fingerprint: String, der: [UInt8], forMetrics: Bool = false, at now: Date = Date()) -> Entry? {
        let (entry, trustsSigned) = state.withLock { ($0.entries[fingerprint], $0.trustsSigned) }
        if let authority {
            let ruling = ruling(of: authority, on: der, fingerprint: fingerprint)
            guard ruling.verdict == .signed else { return nil }
            if entry == nil, trustsSigned, let validity = ruling.validity, validity.holds(at: now) {
                return Entry(validity: validity)
            }
        }
        guard let entry, entry.validity.holds(at: now) else { return nil }
        return entry.type == "client" || entry.type == "metrics" && forMetrics ? entry : nil
    }

    /// Whether a certificate may be added to the trust store at all.
    package func accepts(_ der: [UInt8]) -> Bool {
        authority.map { $0.verdict(on: der) != .foreign } ?? true
    }

    /// Takes over what the database holds. A row that does not decode trusts nobody and is reported.
    ///
    /// - Returns: Names of rows that were left out.
    @discardableResult
    package func reload(from store: Store) async throws -> [String] {
        let rows = try await store.read { try $0.certificates() }
        return replace(with: rows)
    }

    package func replace(with rows: [CertificateRow]) -> [String] {
        var loaded: [String: Entry] = [:]
        var unreadable: [String] = []
        for row in rows {
            guard let facts = try? CertificateFacts(pem: row.certificate) else {
                unreadable.append(row.name)
                continue
            }
            loaded[facts.fingerprint] = Entry(
                type: row.type, restricted: row.restricted, projects: row.projects, validity: Validity(facts))
        }
        state.withLock { $0.entries = loaded }
        return unreadable
    }

    private func ruling(of authority: CertificateAuthority, on der: [UInt8], fingerprint: String) -> Ruling {
        if let known = state.withLock({ $0.rulings[fingerprint] }) { return known }
        // One that cannot be read is foreign, and no more needs to be known of it.
        let ruling = Ruling(verdict: authority.verdict(on: der), validity: (try? CertificateFacts(der: der)).map(Validity.init))
        state.withLock { state in
            if state.rulings.count >= Self.rulingsMax { state.rulings = [:] }
            state.rulings[fingerprint] = ruling
        }
        return ruling
    }
}

extension TrustDirectory.Validity {
    fileprivate init(_ facts: CertificateFacts) { self.init(notBefore: facts.notBefore, notAfter: facts.notAfter) }
}
