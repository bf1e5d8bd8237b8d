/// Everything that `lxd init` sets up.
public struct InitPreseed: WireValue {
    /// Configuration: keys and values. Example: `{"core.https_address": ":8443", "core.trust_password": true}`.
    @Zero public var config: [String: JSONValue]
    /// Networks to create. Example: `Network on the "default" project`.
    @Zero public var networks: [InitNetworksProjectPost]
    /// Storage pools to create. Example: `local dir storage pool`.
    @Zero public var storagePools: [StoragePoolsPost]
    /// Profiles to create. Example: `default" profile with a root disk device`.
    @Zero public var profiles: [ProfilesPost]
    /// Projects to create. Example: `default" project`.
    @Zero public var projects: [ProjectsPost]
    /// What makes the server join or form a cluster.
    @Zero public var cluster: InitClusterPreseed?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, networks
        case storagePools = "storage_pools"
        case profiles, projects, cluster
    }

    /// The fields shared with ``InitLocalPreseed``.
    public var initLocalPreseed: InitLocalPreseed {
        get {
            .with {
                $0.config = config
                $0.networks = networks
                $0.storagePools = storagePools
                $0.profiles = profiles
                $0.projects = projects
            }
        }
        set {
            config = newValue.config
            networks = newValue.networks
            storagePools = newValue.storagePools
            profiles = newValue.profiles
            projects = newValue.projects
        }
    }
}

/// What `lxd init` sets up on this server.
public struct InitLocalPreseed: WireValue {
    /// Configuration: keys and values. Example: `{"core.https_address": ":8443", "core.trust_password": true}`.
    @Zero public var config: [String: JSONValue]
    /// Networks to create. Example: `Network on the "default" project`.
    @Zero public var networks: [InitNetworksProjectPost]
    /// Storage pools to create. Example: `local dir storage pool`.
    @Zero public var storagePools: [StoragePoolsPost]
    /// Profiles to create. Example: `default" profile with a root disk device`.
    @Zero public var profiles: [ProfilesPost]
    /// Projects to create. Example: `default" project`.
    @Zero public var projects: [ProjectsPost]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, networks
        case storagePools = "storage_pools"
        case profiles, projects
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
}

/// A network to create in a project.
public struct InitNetworksProjectPost: WireValue {
    /// Configuration: keys and values. Example: `{"ipv4.address": "10.0.0.1/24", "ipv4.nat": "true", "ipv6.address":
    /// "none"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My new LXD bridge`.
    @Zero public var description: String
    /// Name. Example: `lxdbr1`.
    @Zero public var name: String
    /// Kind. Example: `bridge`.
    @Zero public var type: String
    /// Project. Example: `default`.
    @Zero public var project: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name, type
        case project = "Project"
    }

    /// The fields shared with ``NetworksPost``.
    public var networksPost: NetworksPost {
        get {
            .with {
                $0.config = config
                $0.description = description
                $0.name = name
                $0.type = type
            }
        }
        set {
            config = newValue.config
            description = newValue.description
            name = newValue.name
            type = newValue.type
        }
    }
}

/// What makes a server form or join a cluster.
public struct InitClusterPreseed: WireValue {
    /// Name of the server. Example: `lxd01`.
    @Zero public var serverName: String
    /// Whether the server is in a cluster. Example: `true`.
    @Zero public var enabled: Bool
    /// Keys that a joining member must give. Example: `[]`.
    @NullIfEmpty public var memberConfig: [ClusterMemberConfigKey]
    /// Address of a member of the cluster. Example: `10.0.0.1:8443`.
    @Zero public var clusterAddress: String
    /// Certificate of the cluster in PEM. Example: `X509 PEM certificate`.
    @Zero public var clusterCertificate: String
    /// Address of this server. Example: `10.0.0.2:8443`.
    @Zero public var serverAddress: String
    /// Trust password of the cluster. Example: `blah`.
    @Zero public var clusterPassword: String
    /// File that holds the cluster's certificate. Example: `/tmp/cluster.crt`.
    @Zero public var clusterCertificatePath: String
    /// Token with which to join. Example: `BASE64-TOKEN`.
    @Zero public var clusterToken: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
        case enabled
        case memberConfig = "member_config"
        case clusterAddress = "cluster_address"
        case clusterCertificate = "cluster_certificate"
        case serverAddress = "server_address"
        case clusterPassword = "cluster_password"
        case clusterCertificatePath = "cluster_certificate_path"
        case clusterToken = "cluster_token"
    }

    /// The part that a client may change.
    public var writable: ClusterPut {
        get {
            .with {
                $0.serverName = serverName
                $0.enabled = enabled
                $0.memberConfig = memberConfig
                $0.clusterAddress = clusterAddress
                $0.clusterCertificate = clusterCertificate
                $0.serverAddress = serverAddress
                $0.clusterPassword = clusterPassword
            }
        }
        set {
            serverName = newValue.serverName
            enabled = newValue.enabled
            memberConfig = newValue.memberConfig
            clusterAddress = newValue.clusterAddress
            clusterCertificate = newValue.clusterCertificate
            serverAddress = newValue.serverAddress
            clusterPassword = newValue.clusterPassword
        }
    }
}
