import Glibc
import LXDAPI
import LXDAuth
import LXDCore
import LXDHTTP
import LXDServer
import Logging
import Synchronization

/// The sockets the API is served on: always the unix one, and the network one while an address is configured.
final class Listeners: ServerConfigEffects {
    private let server: HTTPServer
    private let api: APIServer
    private let tls: ServerTLS
    private let logger: Logger
    private let network = Mutex<(address: String, listener: HTTPListener)?>(nil)

    init(api: APIServer, identity: KeyPair, logger: Logger) throws {
        self.api = api
        self.logger = logger
        tls = try ServerTLS(certificatePEM: identity.certificatePEM, keyPEM: identity.keyPEM)
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

    func listen(on address: String) async throws {
        let old = network.withLock { $0 }
        guard old?.address ?? "" != address else { return }
        // The same port on another address of the host could not be bound beside the old one.
        if let old {
            await server.drop(old.listener)
            network.withLock { $0 = nil }
        }
        guard let (host, port) = ListenAddress.split(address) else { return }
        do {
            let listener = try await server.listen(on: .tcp(host: host, port: port), tls: tls)
            network.withLock { $0 = (address, listener) }
        } catch {
            let failure = LXDError.internalError("Cannot listen on network HTTPS socket: \(error)", cause: error)
            if let old, let (host, port) = ListenAddress.split(old.address) {
                do {
                    let listener = try await server.listen(on: .tcp(host: host, port: port), tls: tls)
                    network.withLock { $0 = (old.address, listener) }
                } catch {
                    logger.error("Cannot listen on the former address again", metadata: ["address": "\(old.address)", "err": "\(error)"])
                }
            }
            throw failure
        }
    }

    func configChanged(_ config: [String: String]) async {
        var rules = CrossOriginRules()
        rules.origin = config["core.https_allowed_origin"] ?? ""
        rules.methods = config["core.https_allowed_methods"] ?? ""
        rules.headers = config["core.https_allowed_headers"] ?? ""
        rules.credentials = isTrue(config["core.https_allowed_credentials"])
        api.apply(rules)
    }

    /// Stops accepting, lets running requests end, then closes what is open.
    func shutdown() async { await server.shutdown(grace: .seconds(2)) }
}
