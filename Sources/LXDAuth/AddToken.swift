internal import FoundationEssentials
package import LXDAPI

/// The text form of a certificate add token: base64 of its JSON.
extension CertificateAddToken {
    /// - Throws: `badRequest` with LXD's text for what is missing.
    package init(tokenText: String) throws(LXDError) {
        guard let data = Data(base64Encoded: tokenText) else {
            throw .badRequest("illegal base64 data in certificate add token")
        }
        self = try LXDJSON.decode(from: data)
        if clientName.isEmpty { throw .badRequest("No client name in certificate add token") }
        if addresses.isEmpty { throw .badRequest("No server addresses in certificate add token") }
        if secret.isEmpty { throw .badRequest("No secret in certificate add token") }
        if fingerprint.isEmpty { throw .badRequest("No certificate fingerprint in certificate add token") }
    }

    package var tokenText: String {
        get throws(LXDError) { try LXDJSON.encode(self).base64EncodedString() }
    }
}
