import LXDAPI

/// How a server is reached and known, as `config.yml` keeps it.
public struct Remote: Sendable, Hashable {
    /// `unix://`, `unix:///path/to/unix.socket` or `https://host:port`.
    public var address: String
    /// `tls` for servers that know us by certificate; empty otherwise.
    public var authType = ""
    public var domain = ""
    /// The project used when none is named; empty for the server's default.
    public var project = ""
    /// `lxd` or `simplestreams`; empty means `lxd`.
    public var `protocol` = ""
    /// Whether only public images are used, without a client certificate.
    public var isPublic = false
    /// Whether the remote is defined for all users of the machine; such remotes are never written to a user's file.
    public var isGlobal = false
    /// Whether the remote is built in and cannot be removed.
    public var isStatic = false
    /// What else the file says about it, which is none of ours and is written back as it was.
    var otherFields: [String: JSONValue] = [:]

    public init(address: String) {
        self.address = address
    }

    /// Whether the server is reached over a unix socket.
    public var isLocalSocket: Bool { address.hasPrefix("unix:") }
}

extension Remote {
    static func builtIn(_ address: String, protocol: String = "", isPublic: Bool = false, isStatic: Bool = true) -> Remote {
        var remote = Remote(address: address)
        remote.protocol = `protocol`
        remote.isPublic = isPublic
        remote.isStatic = isStatic
        return remote
    }

    static let images = builtIn(
        "https://images.linuxcontainers.org", protocol: "simplestreams", isPublic: true, isStatic: false)

    /// The remotes that always exist and can be neither changed nor removed.
    static let statics: [String: Remote] = [
        "local": builtIn("unix://"),
        "ubuntu": builtIn("https://cloud-images.ubuntu.com/releases", protocol: "simplestreams", isPublic: true),
        "ubuntu-daily": builtIn("https://cloud-images.ubuntu.com/daily", protocol: "simplestreams", isPublic: true),
    ]
}
