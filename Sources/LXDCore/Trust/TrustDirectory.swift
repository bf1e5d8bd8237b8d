internal import LXDAPI
package import LXDDatabase
internal import LXDAuth
internal import FoundationEssentials
internal import Synchronization

/// The trusted certificates in memory: asked on every TLS request, filled from the database.
package final class TrustDirectory: Sendable {
    /// A trusted certificate as the authorization decision needs it.
    package struct Entry: Sendable, Equatable {
        /// `client`, `server` or `metrics`.
        package var type: String
        package var restricted: Bool
        package var projects: [String]
        fileprivate var notBefore: Date
        fileprivate var notAfter: Date
    }

    private let entries = Mutex<[String: Entry]>([:])

    package init() {}

    /// The trusted client with that certificate; nil when it is not trusted, not valid yet or expired.
    package func client(fingerprint: String) -> Entry? {
        guard let entry = entries.withLock({ $0[fingerprint] }), entry.type == "client" else { return nil }
        let now = Date()
        return now >= entry.notBefore && now <= entry.notAfter ? entry : nil
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
                type: row.type, restricted: row.restricted, projects: row.projects, notBefore: facts.notBefore,
                notAfter: facts.notAfter)
        }
        entries.withLock { $0 = loaded }
        return unreadable
    }
}
