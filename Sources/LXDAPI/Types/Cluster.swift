/// Cluster.
public struct Cluster: WireValue {
    /// Server name. Example: `lxd01`.
    @Zero public var serverName: String
    /// Enabled. Example: `true`.
    @Zero public var enabled: Bool
    /// Member config. Example: `[]`.
    @NullIfEmpty public var memberConfig: [ClusterMemberConfigKey]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
        case enabled
        case memberConfig = "member_config"
    }
}

/// ClusterMemberConfigKey.
public struct ClusterMemberConfigKey: WireValue {
    /// Entity. Example: `storage-pool`.
    @Zero public var entity: String
    /// Name. Example: `local`.
    @Zero public var name: String
    /// Key. Example: `source`.
    @Zero public var key: String
    /// Value. Example: `/dev/sdb`.
    @Zero public var value: String
    /// Description. Example: `source" property for storage pool "local`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case entity, name, key, value, description
    }
}

/// ClusterPut.
public struct ClusterPut: WireValue {
    /// Server name. Example: `lxd01`.
    @Zero public var serverName: String
    /// Enabled. Example: `true`.
    @Zero public var enabled: Bool
    /// Member config. Example: `[]`.
    @NullIfEmpty public var memberConfig: [ClusterMemberConfigKey]
    /// Cluster address. Example: `10.0.0.1:8443`.
    @Zero public var clusterAddress: String
    /// Cluster certificate. Example: `X509 PEM certificate`.
    @Zero public var clusterCertificate: String
    /// Server address. Example: `10.0.0.2:8443`.
    @Zero public var serverAddress: String
    /// Cluster password. Example: `blah`.
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

/// ClusterMembersPost.
public struct ClusterMembersPost: WireValue {
    /// Server name. Example: `lxd02`.
    @Zero public var serverName: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
    }
}

/// ClusterMemberJoinToken.
public struct ClusterMemberJoinToken: WireValue {
    /// Server name. Example: `lxd02`.
    @Zero public var serverName: String
    /// Fingerprint. Example: `57bb0ff4340b5bb28517e062023101adf788c37846dc8b619eb2c3cb4ef29436`.
    @Zero public var fingerprint: String
    /// Addresses. Example: `["10.98.30.229:8443"]`.
    @Zero public var addresses: [String]
    /// Secret. Example: `2b2284d44db32675923fe0d2020477e0e9be11801ff70c435e032b97028c35cd`.
    @Zero public var secret: String
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
        case fingerprint, addresses, secret
        case expiresAt = "expires_at"
    }
}

/// ClusterMemberPost.
public struct ClusterMemberPost: WireValue {
    /// Server name. Example: `lxd02`.
    @Zero public var serverName: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case serverName = "server_name"
    }
}

/// ClusterMember.
public struct ClusterMember: WireValue {
    /// Roles. Example: `["database"]`.
    @Zero public var roles: [String]
    /// Failure domain. Example: `rack1`.
    @Zero public var failureDomain: String
    /// Description. Example: `AMD Epyc 32c/64t`.
    @Zero public var description: String
    /// Config. Example: `{"scheduler.instance": "all"}`.
    @Zero public var config: [String: String]
    /// Groups. Example: `["group1", "group2"]`.
    @NullIfEmpty public var groups: [String]
    /// Server name. Example: `lxd01`.
    @Zero public var serverName: String
    /// Url. Example: `https://10.0.0.1:8443`.
    @Zero public var url: String
    /// Database. Example: `true`.
    @Zero public var database: Bool
    /// Status. Example: `Online`.
    @Zero public var status: String
    /// Message. Example: `fully operational`.
    @Zero public var message: String
    /// Architecture. Example: `x86_64`.
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

/// ClusterMemberPut.
public struct ClusterMemberPut: WireValue {
    /// Roles. Example: `["database"]`.
    @Zero public var roles: [String]
    /// Failure domain. Example: `rack1`.
    @Zero public var failureDomain: String
    /// Description. Example: `AMD Epyc 32c/64t`.
    @Zero public var description: String
    /// Config. Example: `{"scheduler.instance": "all"}`.
    @Zero public var config: [String: String]
    /// Groups. Example: `["group1", "group2"]`.
    @NullIfEmpty public var groups: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case roles
        case failureDomain = "failure_domain"
        case description, config, groups
    }
}

/// ClusterCertificatePut.
public struct ClusterCertificatePut: WireValue {
    /// Cluster certificate. Example: `X509 PEM certificate`.
    @Zero public var clusterCertificate: String
    /// Cluster certificate key. Example: `X509 PEM certificate key`.
    @Zero public var clusterCertificateKey: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case clusterCertificate = "cluster_certificate"
        case clusterCertificateKey = "cluster_certificate_key"
    }
}

/// ClusterMemberStatePost.
public struct ClusterMemberStatePost: WireValue {
    /// Action. Example: `evacuate`.
    @Zero public var action: String
    /// Mode. Example: `stop`.
    @Zero public var mode: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case action, mode
    }
}
