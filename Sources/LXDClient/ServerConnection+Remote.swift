import FoundationEssentials
public import LXDAPI
import LXDHTTP

extension ServerConnection {
    /// The server of a configured remote.
    ///
    /// - Throws: `.notFound` for an unknown remote, `.badRequest` for one that is no LXD server of ours or lacks keys.
    public init(remote name: String, of configuration: ClientConfiguration, allowPublic: Bool = false) throws(LXDError) {
        guard let remote = configuration.remotes[name] else {
            throw .notFound("The remote \"\(name)\" doesn't exist")
        }
        if remote.protocol == "simplestreams" || (remote.isPublic && !allowPublic) {
            throw .badRequest("The remote isn't a private LXD server")
        }
        let project = configuration.projectOverride.isEmpty ? remote.project : configuration.projectOverride
        if remote.isLocalSocket {
            self.init(socketPath: Self.socketPath(remote.address), project: project)
            return
        }
        let (host, port) = try Self.hostAndPort(remote.address)
        let tls = try Self.tls(name, remote, configuration)
        var url = remote.address
        while url.hasSuffix("/") { url.removeLast() }
        let pinned = Self.text(configuration.serverCertificatePath(name)) ?? ""
        self.init(.tcp(host: host, port: port, tls: tls), url: url, project: project, pinnedCertificate: pinned)
    }

    /// `unix://` means the socket that `LXD_SOCKET` or `LXD_DIR` names.
    static func socketPath(_ address: String) -> String {
        var path = address.dropFirst("unix:".count)
        if path.hasPrefix("//") { path = path.dropFirst(2) }
        if !path.isEmpty { return String(path) }
        if let socket = environmentValue("LXD_SOCKET") { return socket }
        return "\(environmentValue("LXD_DIR") ?? "/var/lib/lxd")/unix.socket"
    }

    private static func environmentValue(_ name: String) -> String? {
        let value = ProcessInfo.processInfo.environment[name]
        return value?.isEmpty == false ? value : nil
    }

    package static func hostAndPort(_ address: String) throws(LXDError) -> (host: String, port: UInt16) {
        guard let url = URL(string: address), url.scheme == "https", var host = url.host() else {
            throw .badRequest("Invalid URL \"\(address)\"")
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host, UInt16(exactly: url.port ?? 443) ?? 443)
    }

    private static func tls(
        _ name: String, _ remote: Remote, _ configuration: ClientConfiguration
    ) throws(LXDError) -> ClientTLS {
        let pinned = text(configuration.serverCertificatePath(name))
        let authority = text(configuration.clientAuthorityPath)
        let certificate = remote.isPublic ? nil : text(configuration.clientCertificatePath)
        let key = remote.isPublic ? nil : text(configuration.clientKeyPath)
        if !remote.isPublic, certificate == nil || key == nil {
            throw .badRequest("Missing TLS client certificate and key")
        }
        do {
            let verification: ClientTLS.Verification =
                if let pinned {
                    .pinned(der: try PEM.certificate(pinned))
                } else if let authority {
                    .authority(pem: authority)
                } else {
                    .system
                }
            return try ClientTLS(verification: verification, certificatePEM: certificate, keyPEM: key)
        } catch {
            throw .badRequest("\(error)", cause: error)
        }
    }

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
