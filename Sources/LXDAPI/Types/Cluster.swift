/// The cluster.
public struct Cluster: WireValue {
    /// Name of the server. Example: `lxd01`.
    @Zero public var serverName: String
    /// Whether the server is in a cluster. Example: `true`.
    @Zero public var enabled: Bool
    /// Keys that a joining member must give. Example: `[]`.
    @NullIfEmpty public var memberConfig: [ClusterMemberConfigKey]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
        case enabled
        case memberConfig = "member_config"
    }
}

/// A key that a joining member must give.
public struct ClusterMemberConfigKey: WireValue {
    /// Kind of thing that the key belongs to. Example: `storage-pool`.
    @Zero public var entity: String
    /// Name. Example: `local`.
    @Zero public var name: String
    /// Name of the configuration key. Example: `source`.
    @Zero public var key: String
    /// Value. Example: `/dev/sdb`.
    @Zero public var value: String
    /// What the key is about, for people. Example: `source" property for storage pool "local`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case entity, name, key, value, description
    }
}

/// What a client may change of the cluster.
public struct ClusterPut: WireValue {
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

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
        case enabled
        case memberConfig = "member_config"
        case clusterAddress = "cluster_address"
        case clusterCertificate = "cluster_certificate"
        case serverAddress = "server_address"
        case clusterPassword = "cluster_password"
    }

    /// The fields shared with ``Cluster``.
    public var cluster: Cluster {
        get {
            .with {
                $0.serverName = serverName
                $0.enabled = enabled
                $0.memberConfig = memberConfig
            }
        }
        set {
            serverName = newValue.serverName
            enabled = newValue.enabled
            memberConfig = newValue.memberConfig
        }
    }
}
