import Foundation
import Glibc
import LXDAPI
import LXDAuth
import LXDCore
import LXDHTTP
import LXDServer
import Logging
import Synchronization

/// The sockets the API is served on: always the unix one, and those on the network whose addresses are configured.
final class Listeners: ServerConfigEffects {
    private struct Network {
        var address: String
        var listener: HTTPListener
    }

    private let server: HTTPServer
    private let api: APIServer
    private let tls: ServerTLS
    private let trust: TrustDirectory
    private let proxies = TrustedProxies()
    private let logger: Logger
    private let networks = Mutex<[NetworkEndpoint: Network]>([:])

    init(
        api: APIServer, identity: KeyPair, authority: CertificateAuthority?, trust: TrustDirectory, logger: Logger
    ) throws {
        self.api = api
        self.trust = trust
        self.logger = logger
        // LXD's way to let clients in that do not speak TLS 1.3.
        let allowsOld = isTrue(ProcessInfo.processInfo.environment["LXD_INSECURE_TLS"])
        tls = try ServerTLS(
            certificatePEM: identity.certificatePEM, keyPEM: identity.keyPEM, allowsTLS12: allowsOld,
            clientAuthorityPEM: authority?.pem)
        server = HTTPServer(logger: logger, responder: api.responder)
    }

    /// Listens on the unix socket: the one systemd holds, or one of our own.
    ///
    /// - Parameter group: The name of the group that may talk to the daemon.
    func listenLocally(path: String, group: String?, environment: [String: String]) async throws {
        let inherited = ListeningSocket.inherited(environment: environment).filter(\.isUnix)
        if !inherited.isEmpty {
            for socket in inherited { _ = try await server.listen(on: socket) }
            return
        }
        var groupID: gid_t?
        if let group, !group.isEmpty {
            guard let entry = getgrnam(group) else { throw LXDError.badRequest("Group \"\(group)\" does not exist") }
            groupID = entry.pointee.gr_gid
        }
        do {
            _ = try await server.listen(on: .unix(path: path, mode: 0o660, group: groupID))
        } catch let error as ListenError {
            throw LXDError.internalError("Cannot listen on the local socket: \(error)", cause: error)
        }
    }

    func listen(_ endpoint: NetworkEndpoint, on address: String) async throws {
        let old = networks.withLock { $0[endpoint] }
        guard old?.address ?? "" != address else { return }
        guard !address.isEmpty else { return await stop(endpoint) }
        do {
            try await start(endpoint, address)
            if let old { await server.drop(old.listener) }
        } catch {
            // The new address may be in use by the old listener: the same port, here or on all addresses.
            guard let old, Self.isTaken(error), ListenAddress.split(old.address)?.port == ListenAddress.split(address)?.port
            else { throw Self.failure(endpoint, address, error) }
            await stop(endpoint)
            do { try await start(endpoint, address) } catch {
                await restore(endpoint, old.address)
                throw Self.failure(endpoint, address, error)
            }
        }
    }

    private func start(_ endpoint: NetworkEndpoint, _ address: String) async throws {
        guard let (host, port) = ListenAddress.split(address) else { throw ListenError.unknownHost(address) }
        let listener = try await server.listen(
            on: .tcp(host: host, port: port), tls: tls, proxies: endpoint == .api ? proxies : nil,
            answer: endpoint == .metrics ? api.metricsResponder : nil)
        networks.withLock { $0[endpoint] = Network(address: address, listener: listener) }
    }

    private func stop(_ endpoint: NetworkEndpoint) async {
        if let old = networks.withLock({ $0.removeValue(forKey: endpoint) }) { await server.drop(old.listener) }
    }

    private func restore(_ endpoint: NetworkEndpoint, _ address: String) async {
        do { try await start(endpoint, address) } catch {
            logger.error(
                "Cannot listen on the former address again", metadata: ["address": "\(address)", "err": "\(error)"])
        }
    }

    private static func isTaken(_ error: any Error) -> Bool {
        if case .system(_, EADDRINUSE)? = error as? ListenError { true } else { false }
    }

    private static func failure(_ endpoint: NetworkEndpoint, _ address: String, _ error: any Error) -> LXDError {
        let what = endpoint == .api ? "network HTTPS socket \(goQuoted(address))" : "http socket"
        return .internalError("Cannot listen on \(what): \(error)", cause: error)
    }

    func configChanged(_ config: [String: String]) async {
        var rules = CrossOriginRules()
        rules.origin = config["core.https_allowed_origin"] ?? ""
        rules.methods = config["core.https_allowed_methods"] ?? ""
        rules.headers = config["core.https_allowed_headers"] ?? ""
        rules.credentials = isTrue(config["core.https_allowed_credentials"])
        api.apply(rules)
        api.setMetricsOpen(isFalse(config["core.metrics_authentication"]))
        trust.setTrustsSigned(isTrue(config["core.trust_ca_certificates"]))
        proxies.replace(with: config["core.https_trusted_proxy"] ?? "")
    }

    /// Stops accepting, lets running requests end, then closes what is open.
    func shutdown() async { await server.shutdown(grace: .seconds(2)) }
}
