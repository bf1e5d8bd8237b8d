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

/// What is sent to let a member join.
public struct ClusterMembersPost: WireValue {
    /// Name of the server. Example: `lxd02`.
    @Zero public var serverName: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
    }
}

/// A token with which a member can join.
public struct ClusterMemberJoinToken: WireValue {
    /// Name of the server. Example: `lxd02`.
    @Zero public var serverName: String
    /// SHA-256 in hexadecimal digits. Example: `57bb0ff4340b5bb28517e062023101adf788c37846dc8b619eb2c3cb4ef29436`.
    @Zero public var fingerprint: String
    /// Where the cluster can be reached. Example: `["10.98.30.229:8443"]`.
    @Zero public var addresses: [String]
    /// Secret that proves the right. Example: `2b2284d44db32675923fe0d2020477e0e9be11801ff70c435e032b97028c35cd`.
    @Zero public var secret: String
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
        case fingerprint, addresses, secret
        case expiresAt = "expires_at"
    }
}

/// What is sent to rename or move a cluster member.
public struct ClusterMemberPost: WireValue {
    /// Name of the server. Example: `lxd02`.
    @Zero public var serverName: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
    }
}

/// A cluster member.
public struct ClusterMember: WireValue {
    /// Roles of the member. Example: `["database"]`.
    @Zero public var roles: [String]
    /// Members of one domain are likely to fail together. Example: `rack1`.
    @Zero public var failureDomain: String
    /// Text for people. Example: `AMD Epyc 32c/64t`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"scheduler.instance": "all"}`.
    @Zero public var config: [String: String]
    /// Groups that the member is in. Example: `["group1", "group2"]`.
    @NullIfEmpty public var groups: [String]
    /// Name of the server. Example: `lxd01`.
    @Zero public var serverName: String
    /// Address. Example: `https://10.0.0.1:8443`.
    @Zero public var url: String
    /// Whether the member takes part in the database. Example: `true`.
    @Zero public var database: Bool
    /// State for people. Example: `Online`.
    @Zero public var status: String
    /// Message. Example: `fully operational`.
    @Zero public var message: String
    /// Processor architecture. Example: `x86_64`.
    @Zero public var architecture: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case roles
        case failureDomain = "failure_domain"
        case description, config, groups
        case serverName = "server_name"
        case url, database, status, message, architecture
    }

    /// The part that a client may change.
    public var writable: ClusterMemberPut {
        get {
            .with {
                $0.roles = roles
                $0.failureDomain = failureDomain
                $0.description = description
                $0.config = config
                $0.groups = groups
            }
        }
        set {
            roles = newValue.roles
            failureDomain = newValue.failureDomain
            description = newValue.description
            config = newValue.config
            groups = newValue.groups
        }
    }
}

/// What a client may change of a cluster member.
public struct ClusterMemberPut: WireValue {
    /// Roles of the member. Example: `["database"]`.
    @Zero public var roles: [String]
    /// Members of one domain are likely to fail together. Example: `rack1`.
    @Zero public var failureDomain: String
    /// Text for people. Example: `AMD Epyc 32c/64t`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"scheduler.instance": "all"}`.
    @Zero public var config: [String: String]
    /// Groups that the member is in. Example: `["group1", "group2"]`.
    @NullIfEmpty public var groups: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case roles
        case failureDomain = "failure_domain"
        case description, config, groups
    }
}

/// What a client may change of the cluster's certificate.
public struct ClusterCertificatePut: WireValue {
    /// Certificate of the cluster in PEM. Example: `X509 PEM certificate`.
    @Zero public var clusterCertificate: String
    /// Key of that certificate in PEM. Example: `X509 PEM certificate key`.
    @Zero public var clusterCertificateKey: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case clusterCertificate = "cluster_certificate"
        case clusterCertificateKey = "cluster_certificate_key"
    }
}

/// A change of state of a member.
public struct ClusterMemberStatePost: WireValue {
    /// `evacuate` or `restore`. Example: `evacuate`.
    @Zero public var action: String
    /// How instances are moved away. Example: `stop`.
    @Zero public var mode: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case action, mode
    }
}
