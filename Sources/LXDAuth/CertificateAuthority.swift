internal import Crypto
internal import FoundationEssentials
package import LXDAPI
internal import SwiftASN1
internal import X509

/// An authority that signs clients' certificates, with the list of those it took back: LXD's PKI mode, `server.ca` and
/// `ca.crl`.
package struct CertificateAuthority: Sendable {
    /// What the authority says of a certificate.
    package enum Verdict: Sendable, Equatable {
        case signed
        case revoked
        /// Not one of its own.
        case foreign
    }

    package let pem: String
    private let certificate: X509.Certificate
    private let revoked: Set<[UInt8]>

    /// - Parameters:
    ///   - pem: The authority's certificate.
    ///   - revocations: A list of revoked certificates, PEM or DER; nil: none is revoked.
    /// - Throws: `internalError` that says what cannot be read: who sets up an authority must not silently do without.
    package init(pem: String, revocations: [UInt8]? = nil) throws(LXDError) {
        do {
            certificate = try X509.Certificate(derEncoded: PEMDocument(pemString: pem).derBytes)
        } catch {
            throw .internalError("Invalid certificate of the authority: \(error)", cause: error)
        }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw .internalError("The certificate of the authority is not one of an authority")
        }
        do {
            revoked = try revocations.map(Self.serials) ?? []
        } catch {
            throw .internalError("Invalid list of revoked certificates: \(error)", cause: error)
        }
        self.pem = pem
    }

    /// Reads `server.ca` and `ca.crl` in a folder; nil without the first.
    package static func load(from folder: String) throws(LXDError) -> CertificateAuthority? {
        guard let authority = try read("\(folder)/server.ca") else { return nil }
        let revocations = try read("\(folder)/ca.crl")
        return try CertificateAuthority(pem: String(decoding: authority, as: UTF8.self), revocations: revocations)
    }

    /// - Parameter der: A certificate from outside.
    package func verdict(on der: [UInt8]) -> Verdict {
        // What cannot be read is nobody's.
        guard let other = try? X509.Certificate(derEncoded: der), other.issuer == certificate.subject,
            certificate.publicKey.isValidSignature(other.signature, for: other)
        else { return .foreign }
        return revoked.contains(Self.number(other.serialNumber.bytes)) ? .revoked : .signed
    }

    private static func read(_ path: String) throws(LXDError) -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return Array(try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw .internalError("Failed to read \(path): \(error)", cause: error)
        }
    }

    /// The serial numbers in a CertificateList (RFC 5280, section 5.1).
    private static func serials(_ bytes: [UInt8]) throws -> Set<[UInt8]> {
        let isText = bytes.starts(with: Array("-----".utf8))
        let der = isText ? try PEMDocument(pemString: String(decoding: bytes, as: UTF8.self)).derBytes : bytes
        let lists = try children(DER.parse(der))
        guard let body = lists.first else { throw LXDError.internalError("it is empty") }
        var parts = try children(body)[...]
        if parts.first?.identifier == .integer { parts.removeFirst() }
        // Algorithm, issuer, time of this update, perhaps time of the next.
        parts = parts.dropFirst(3)
        if let next = parts.first, next.identifier == .utcTime || next.identifier == .generalizedTime {
            parts.removeFirst()
        }
        guard let entries = parts.first, entries.identifier == .sequence else { return [] }
        return Set(
            try children(entries).map { entry in
                guard let serial = try children(entry).first else { throw LXDError.internalError("an entry is empty") }
                return number(try ArraySlice<UInt8>(derEncoded: serial))
            })
    }

    private static func children(_ node: ASN1Node) throws -> [ASN1Node] {
        try DER.sequence(node, identifier: .sequence) { nodes in
            var found: [ASN1Node] = []
            while let node = nodes.next() { found.append(node) }
            return found
        }
    }

    /// A number's bytes without leading zeros.
    private static func number(_ bytes: ArraySlice<UInt8>) -> [UInt8] { Array(bytes.drop { $0 == 0 }) }
}
