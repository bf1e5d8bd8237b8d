package import FoundationEssentials
internal import Crypto
package import LXDAPI

/// The name of a certificate: SHA-256 of its DER form, lower-case hex.
package enum CertificateFingerprint {
    /// The digest of any bytes in that form.
    package static func hex(of bytes: some DataProtocol) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in SHA256.hash(data: bytes) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The fingerprint of the first certificate in a PEM text.
    /// - Throws: `badRequest` when there is none.
    package static func of(pem: String) throws(LXDError) -> String {
        try CertificateFacts(pem: pem).fingerprint
    }
}
