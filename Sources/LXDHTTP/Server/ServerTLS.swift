internal import NIOCore
internal import NIOSSL

/// A server's TLS identity and rules. Client certificates are asked for and handed to the trust decision as they are:
/// whether one is trusted depends on its fingerprint, not on a chain.
package struct ServerTLS: Sendable {
    private let context: NIOSSLContext

    /// - Parameters:
    ///   - certificatePEM: The server's certificate, followed by its chain if it has one.
    ///   - keyPEM: Its private key, unencrypted.
    ///   - allowsTLS12: For clients older than TLS 1.3; only forward-secret AEAD suites.
    ///   - clientAuthorityPEM: The authority whose certificates clients are asked for; nil: any.
    /// - Throws: `HTTPTransportError.invalidIdentity`.
    package init(
        certificatePEM: String, keyPEM: String, allowsTLS12: Bool = false, clientAuthorityPEM: String? = nil
    ) throws {
        do {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8)).map {
                    .certificate($0)
                },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem)))
            configuration.minimumTLSVersion = allowsTLS12 ? .tlsv12 : .tlsv13
            configuration.certificateVerification = .optionalVerification
            // The system's authorities say nothing about clients; without them the context is smaller.
            configuration.trustRoots = .certificates(
                try clientAuthorityPEM.map { try NIOSSLCertificate.fromPEMBytes(Array($0.utf8)) } ?? [])
            configuration.sendCANameList = clientAuthorityPEM != nil
            configuration.applicationProtocols = ["http/1.1"]
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPTransportError.invalidIdentity("Server certificate or key cannot be used: \(error)")
        }
    }

    func makeHandler() -> NIOSSLServerHandler {
        NIOSSLServerHandler(
            context: context, customVerificationCallback: { _, promise in promise.succeed(.certificateVerified) })
    }
}
