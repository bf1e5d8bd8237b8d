internal import Crypto
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// Where an HTTP client connects.
package enum HTTPEndpoint: Sendable {
    case unix(path: String)
    /// `host` is a name or an address without brackets; `tls` nil means plain HTTP.
    case tcp(host: String, port: UInt16, tls: ClientTLS?)

    /// For messages: the path or "host:port".
    package var description: String {
        switch self {
        case .unix(let path): path
        case .tcp(let host, let port, _): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// The Host header.
    var hostHeader: String {
        switch self {
        case .unix: "unix.socket"
        case .tcp: description
        }
    }
}

/// A client's TLS rules.
package struct ClientTLS: Sendable {
    /// How the server proves itself.
    package enum Verification: Sendable {
        /// Its leaf certificate is exactly this one (DER). LXD's certificates are self-signed and pinned.
        case pinned(der: [UInt8])
        /// Signed by one of these (PEM), for the host's name.
        case authority(pem: String)
        /// Signed by an authority of the system, for the host's name.
        case system
        /// Anything goes: to fetch a certificate for the user to look at. Never send secrets this way.
        case none
    }

    private let context: NIOSSLContext
    let verification: Verification
    let serverName: String?

    /// - Parameters:
    ///   - certificatePEM, keyPEM: The client's own identity; both or neither.
    ///   - serverName: Name to ask for and to check; nil: the endpoint's host.
    /// - Throws: `HTTPTransportError.invalidIdentity`.
    package init(
        verification: Verification, certificatePEM: String? = nil, keyPEM: String? = nil, serverName: String? = nil
    ) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            if let certificatePEM, let keyPEM {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8)).map {
                    .certificate($0)
                }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem))
            }
            switch verification {
            case .authority(let pem):
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)))
            case .pinned, .none:
                // The callback below decides; BoringSSL would refuse a self-signed leaf as a root.
                configuration.certificateVerification = .noHostnameVerification
                // Nobody asks the system's authorities, and reading them all takes longer than the handshake.
                configuration.trustRoots = .certificates([])
            case .system: break
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPTransportError.invalidIdentity("Client certificate or key cannot be used: \(error)")
        }
        self.verification = verification
        self.serverName = serverName
    }

    func makeHandler(host: String, shown: ShownCertificate) throws -> NIOSSLClientHandler {
        let name = serverName ?? host
        let serverHostname = Self.isAddress(name) ? nil : name
        switch verification {
        case .authority, .system:
            return try NIOSSLClientHandler(context: context, serverHostname: serverHostname)
        case .pinned(let der):
            return try NIOSSLClientHandler(context: context, serverHostname: serverHostname) { chain, promise in
                let leaf = try? chain.first?.toDERBytes()  // A certificate that cannot be read is not the pinned one.
                shown.der = leaf
                promise.succeed(leaf == der ? .certificateVerified : .failed)
            }
        case .none:
            return try NIOSSLClientHandler(context: context, serverHostname: serverHostname) { chain, promise in
                shown.der = try? chain.first?.toDERBytes()  // Shown to the user, who decides.
                promise.succeed(.certificateVerified)
            }
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        host.contains(":") || (try? SocketAddress(ipAddress: host, port: 0)) != nil  // Throws for names.
    }
}

/// The leaf a server showed, kept for error messages and first contact.
final class ShownCertificate: Sendable {
    private let value = Mutex<[UInt8]?>(nil)

    var der: [UInt8]? {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }

    var fingerprint: String? { der.map { PeerCertificate(der: $0).fingerprint } }
}
