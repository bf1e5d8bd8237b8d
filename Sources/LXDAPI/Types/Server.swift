/// What the server runs on.
public struct ServerEnvironment: WireValue {
    /// Addresses and ports that the API listens on. Example: `[":8443"]`.
    @Zero public var addresses: [String]
    /// Architectures that run here, the machine's own first. Example: `["x86_64", "i686"]`.
    @Zero public var architectures: [String]
    /// Certificate in PEM. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// SHA-256 of the server's certificate. Example:
    /// `fd200419b271f1dc2a5591b693cc5774b7f234e1ff8c6b78ad703b6888fe2b69`.
    @Zero public var certificateFingerprint: String
    /// Kinds of instances that run here, separated by ` | `. Example: `lxc | qemu`.
    @Zero public var driver: String
    /// Version of the driver. Example: `4.0.7 | 5.2.0`.
    @Zero public var driverVersion: String
    /// Firewall in use. Example: `nftables`.
    @Zero public var firewall: String
    /// Name of the kernel. Example: `Linux`.
    @Zero public var kernel: String
    /// Architecture of the kernel. Example: `x86_64`.
    @Zero public var kernelArchitecture: String
    /// Kernel features that were looked for, `true` or `false`. Example: `{"netnsid_getifaddrs": "true",
    /// "seccomp_listener": "true"}`.
    @Zero public var kernelFeatures: [String: String]
    /// Version of the kernel. Example: `5.4.0-36-generic`.
    @Zero public var kernelVersion: String
    /// Features of liblxc that were looked for, `true` or `false`. Example: `{"cgroup2": "true", "devpts_fd": "true",
    /// "pidfd": "true"}`.
    @Zero public var lxcFeatures: [String: String]
    /// Whether instances can be saved with the state of their processes: `available`, `criu` with its version, `reason` if not.
    /// Example: `{"available": "true", "criu": "4.2.1"}`.
    @OmitEmpty public var liveMigration: [String: String]
    /// Name of the host's distribution. Example: `Ubuntu`.
    @Zero public var osName: String
    /// Version of the host's distribution. Example: `22.04`.
    @Zero public var osVersion: String
    /// Project. Example: `default`.
    @Zero public var project: String
    /// Name of the server software. Example: `lxd`.
    @Zero public var server: String
    /// Whether the server is in a cluster. Example: `false`.
    @Zero public var serverClustered: Bool
    /// How events travel in the cluster. Example: `full-mesh`.
    @Zero public var serverEventMode: String
    /// Name of the server. Example: `castiana`.
    @Zero public var serverName: String
    /// Process id of the server. Example: `1453969`.
    @Zero public var serverPid: Int
    /// Version of the server software. Example: `4.11`.
    @Zero public var serverVersion: String
    /// Storage drivers in use, separated by ` | `. Example: `dir | zfs`.
    @Zero public var storage: String
    /// Versions of the storage drivers in use, separated by ` | `. Example: `1 | 0.8.4-1ubuntu11`.
    @Zero public var storageVersion: String
    /// Storage drivers that could be used.
    @Zero public var storageSupportedDrivers: [ServerStorageDriverInfo]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case addresses, architectures, certificate
        case certificateFingerprint = "certificate_fingerprint"
        case driver
        case driverVersion = "driver_version"
        case firewall, kernel
        case kernelArchitecture = "kernel_architecture"
        case kernelFeatures = "kernel_features"
        case kernelVersion = "kernel_version"
        case lxcFeatures = "lxc_features"
        case liveMigration = "live_migration"
        case osName = "os_name"
        case osVersion = "os_version"
        case project, server
        case serverClustered = "server_clustered"
        case serverEventMode = "server_event_mode"
        case serverName = "server_name"
        case serverPid = "server_pid"
        case serverVersion = "server_version"
        case storage
        case storageVersion = "storage_version"
        case storageSupportedDrivers = "storage_supported_drivers"
    }
}

/// A storage driver.
public struct ServerStorageDriverInfo: WireValue {
    /// Name. Example: `zfs`.
    @Zero public var name: String
    /// Version. Example: `0.8.4-1ubuntu11`.
    @Zero public var version: String
    /// Whether the driver stores on other machines. Example: `false`.
    @Zero public var remote: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name = "Name"
        case version = "Version"
        case remote = "Remote"
    }
}

/// What a client may change of the server.
public struct ServerPut: WireValue {
    /// Configuration: keys and values. Example: `{"core.https_address": ":8443", "core.trust_password": true}`.
    @Zero public var config: [String: JSONValue]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config
    }
}

/// What anybody may know about the server.
public struct ServerUntrusted: WireValue {
    /// Names of what the server can do beyond version 1.0. Example: `["etag", "patch", "network", "storage"]`.
    @Zero public var apiExtensions: [String]
    /// How stable the API is: `development`, `stable` or `deprecated`. Example: `stable`.
    @Zero public var apiStatus: String
    /// Version of the API. Example: `1.0`.
    @Zero public var apiVersion: String
    /// Whether the client is trusted: `trusted` or `untrusted`. Example: `untrusted`.
    @Zero public var auth: String
    /// Whether anybody may see it. Example: `false`.
    @Zero public var `public`: Bool
    /// Ways in which clients prove who they are. Example: `["tls", "candid"]`.
    @Zero public var authMethods: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case apiExtensions = "api_extensions"
        case apiStatus = "api_status"
        case apiVersion = "api_version"
        case auth, `public`
        case authMethods = "auth_methods"
    }
}

/// The server.
public struct Server: WireValue {
    /// Configuration: keys and values. Example: `{"core.https_address": ":8443", "core.trust_password": true}`.
    @Zero public var config: [String: JSONValue]
    /// Names of what the server can do beyond version 1.0. Example: `["etag", "patch", "network", "storage"]`.
    @Zero public var apiExtensions: [String]
    /// How stable the API is: `development`, `stable` or `deprecated`. Example: `stable`.
    @Zero public var apiStatus: String
    /// Version of the API. Example: `1.0`.
    @Zero public var apiVersion: String
    /// Whether the client is trusted: `trusted` or `untrusted`. Example: `untrusted`.
    @Zero public var auth: String
    /// Whether anybody may see it. Example: `false`.
    @Zero public var `public`: Bool
    /// Ways in which clients prove who they are. Example: `["tls", "candid"]`.
    @Zero public var authMethods: [String]
    /// What the server runs on.
    @Zero public var environment: ServerEnvironment

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config
        case apiExtensions = "api_extensions"
        case apiStatus = "api_status"
        case apiVersion = "api_version"
        case auth, `public`
        case authMethods = "auth_methods"
        case environment
    }

    /// The part that a client may change.
    public var writable: ServerPut {
        get {
            .with {
                $0.config = config
            }
        }
        set {
            config = newValue.config
        }
    }

    /// The fields shared with ``ServerUntrusted``.
    public var serverUntrusted: ServerUntrusted {
        get {
            .with {
                $0.apiExtensions = apiExtensions
                $0.apiStatus = apiStatus
                $0.apiVersion = apiVersion
                $0.auth = auth
                $0.public = `public`
                $0.authMethods = authMethods
            }
        }
        set {
            apiExtensions = newValue.apiExtensions
            apiStatus = newValue.apiStatus
            apiVersion = newValue.apiVersion
            auth = newValue.auth
            `public` = newValue.public
            authMethods = newValue.authMethods
        }
    }
}
