internal import Crypto
internal import CryptoExtras
package import FoundationEssentials
package import LXDAPI
internal import SwiftASN1
internal import X509

/// What a certificate says, read from outside bytes.
package struct CertificateFacts: Sendable {
    package let der: [UInt8]
    package let fingerprint: String
    package let notBefore: Date
    package let notAfter: Date
    /// The subject's common name; empty when it has none.
    package let commonName: String
    /// DNS names and addresses it is good for.
    package let dnsNames: [String]
    /// Bits of an RSA key; nil for other kinds.
    package let rsaBits: Int?

    /// - Parameter der: One certificate.
    /// - Throws: `badRequest` with LXD's text.
    package init(der: [UInt8]) throws(LXDError) {
        do {
            let certificate = try X509.Certificate(derEncoded: der)
            self.der = der
            fingerprint = CertificateFingerprint.hex(of: der)
            notBefore = certificate.notValidBefore
            notAfter = certificate.notValidAfter
            commonName = Self.commonName(of: certificate.subject)
            dnsNames = try certificate.extensions.subjectAlternativeNames.map(Self.names) ?? []
            rsaBits = _RSA.Signing.PublicKey(certificate.publicKey)?.keySizeInBits
        } catch {
            throw .badRequest("Invalid certificate material: \(error)", cause: error)
        }
    }

    /// - Parameter pem: Text with at least one certificate; the first counts.
    package init(pem: String) throws(LXDError) {
        let der: [UInt8]
        do {
            der = try PEMDocument(pemString: pem).derBytes
        } catch {
            throw .badRequest("Invalid certificate material: not in PEM form", cause: error)
        }
        try self.init(der: der)
    }

    /// - Parameter base64: DER in base64, as `POST /1.0/certificates` carries it.
    package init(base64: String) throws(LXDError) {
        guard let data = Data(base64Encoded: base64, options: .ignoreUnknownCharacters) else {
            throw .badRequest("Invalid certificate material: not in base64 form")
        }
        try self.init(der: Array(data))
    }

    package var pem: String { PEMDocument(type: "CERTIFICATE", derBytes: der).pemString + "\n" }

    /// Refuses a certificate that cannot be trusted whoever vouches for it.
    package func check(at now: Date = Date()) throws(LXDError) {
        guard now >= notBefore else { throw .badRequest("The provided certificate isn't valid yet") }
        guard now <= notAfter else { throw .badRequest("The provided certificate is expired") }
        if let rsaBits, rsaBits < 2048 { throw .badRequest("RSA key is too weak (minimum of 2048bit)") }
    }

    private static func commonName(of name: DistinguishedName) -> String {
        for part in name {
            for attribute in part where attribute.type == .RDNAttributeType.commonName { return "\(attribute.value)" }
        }
        return ""
    }

    private static func names(_ alternatives: SubjectAlternativeNames) -> [String] {
        alternatives.compactMap { if case .dnsName(let name) = $0 { name } else { nil } }
    }
}
