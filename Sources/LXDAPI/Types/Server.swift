/// ServerEnvironment.
public struct ServerEnvironment: WireValue {
    /// Addresses. Example: `[":8443"]`.
    @Zero public var addresses: [String]
    /// Architectures. Example: `["x86_64", "i686"]`.
    @Zero public var architectures: [String]
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Certificate fingerprint. Example: `fd200419b271f1dc2a5591b693cc5774b7f234e1ff8c6b78ad703b6888fe2b69`.
    @Zero public var certificateFingerprint: String
    /// Driver. Example: `lxc | qemu`.
    @Zero public var driver: String
    /// Driver version. Example: `4.0.7 | 5.2.0`.
    @Zero public var driverVersion: String
    /// Firewall. Example: `nftables`.
    @Zero public var firewall: String
    /// Kernel. Example: `Linux`.
    @Zero public var kernel: String
    /// Kernel architecture. Example: `x86_64`.
    @Zero public var kernelArchitecture: String
    /// Kernel features. Example: `{"netnsid_getifaddrs": "true", "seccomp_listener": "true"}`.
    @Zero public var kernelFeatures: [String: String]
    /// Kernel version. Example: `5.4.0-36-generic`.
    @Zero public var kernelVersion: String
    /// Lxc features. Example: `{"cgroup2": "true", "devpts_fd": "true", "pidfd": "true"}`.
    @Zero public var lxcFeatures: [String: String]
    /// Os name. Example: `Ubuntu`.
    @Zero public var osName: String
    /// Os version. Example: `22.04`.
    @Zero public var osVersion: String
    /// Project. Example: `default`.
    @Zero public var project: String
    /// Server. Example: `lxd`.
    @Zero public var server: String
    /// Server clustered. Example: `false`.
    @Zero public var serverClustered: Bool
    /// Server event mode. Example: `full-mesh`.
    @Zero public var serverEventMode: String
    /// Server name. Example: `castiana`.
    @Zero public var serverName: String
    /// Server pid. Example: `1453969`.
    @Zero public var serverPid: Int
    /// Server version. Example: `4.11`.
    @Zero public var serverVersion: String
    /// Storage. Example: `dir | zfs`.
    @Zero public var storage: String
    /// Storage version. Example: `1 | 0.8.4-1ubuntu11`.
    @Zero public var storageVersion: String
    /// Storage supported drivers.
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

/// ServerStorageDriverInfo.
public struct ServerStorageDriverInfo: WireValue {
    /// Name. Example: `zfs`.
    @Zero public var name: String
    /// Version. Example: `0.8.4-1ubuntu11`.
    @Zero public var version: String
    /// Remote. Example: `false`.
    @Zero public var remote: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name = "Name"
        case version = "Version"
        case remote = "Remote"
    }
}

/// ServerPut.
public struct ServerPut: WireValue {
    /// Config. Example: `{"core.https_address": ":8443", "core.trust_password": true}`.
    @Zero public var config: [String: JSONValue]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config
    }
}

/// ServerUntrusted.
public struct ServerUntrusted: WireValue {
    /// Api extensions. Example: `["etag", "patch", "network", "storage"]`.
    @Zero public var apiExtensions: [String]
    /// Api status. Example: `stable`.
    @Zero public var apiStatus: String
    /// Api version. Example: `1.0`.
    @Zero public var apiVersion: String
    /// Auth. Example: `untrusted`.
    @Zero public var auth: String
    /// Public. Example: `false`.
    @Zero public var `public`: Bool
    /// Auth methods. Example: `["tls", "candid"]`.
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

/// Server.
public struct Server: WireValue {
    /// Config. Example: `{"core.https_address": ":8443", "core.trust_password": true}`.
    @Zero public var config: [String: JSONValue]
    /// Api extensions. Example: `["etag", "patch", "network", "storage"]`.
    @Zero public var apiExtensions: [String]
    /// Api status. Example: `stable`.
    @Zero public var apiStatus: String
    /// Api version. Example: `1.0`.
    @Zero public var apiVersion: String
    /// Auth. Example: `untrusted`.
    @Zero public var auth: String
    /// Public. Example: `false`.
    @Zero public var `public`: Bool
    /// Auth methods. Example: `["tls", "candid"]`.
    @Zero public var authMethods: [String]
    /// Environment.
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
