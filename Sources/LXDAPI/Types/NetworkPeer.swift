/// NetworkPeersPost.
public struct NetworkPeersPost: WireValue {
    /// Description. Example: `Peering with network1 in project1`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `project1-network1`.
    @Zero public var name: String
    /// Target project. Example: `project1`.
    @Zero public var targetProject: String
    /// Target network. Example: `network1`.
    @Zero public var targetNetwork: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, name
        case targetProject = "target_project"
        case targetNetwork = "target_network"
    }

    /// The part that a client may change.
    public var writable: NetworkPeerPut {
        get {
            .with {
                $0.description = description
                $0.config = config
            }
        }
        set {
            description = newValue.description
            config = newValue.config
        }
    }
}

/// NetworkPeerPut.
public struct NetworkPeerPut: WireValue {
    /// Description. Example: `Peering with network1 in project1`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config
    }
}

/// NetworkPeer.
public struct NetworkPeer: WireValue {
    /// Description. Example: `Peering with network1 in project1`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `project1-network1`.
    @Zero public var name: String
    /// Target project. Example: `project1`.
    @Zero public var targetProject: String
    /// Target network. Example: `network1`.
    @Zero public var targetNetwork: String
    /// Status. Example: `Pending`.
    @Zero public var status: String
    /// Used by. Example: `["/1.0/network-acls/test", "/1.0/network-acls/foo"]`.
    @Zero public var usedBy: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, name
        case targetProject = "target_project"
        case targetNetwork = "target_network"
        case status
        case usedBy = "used_by"
    }

    /// The part that a client may change.
    public var writable: NetworkPeerPut {
        get {
            .with {
                $0.description = description
                $0.config = config
            }
        }
        set {
            description = newValue.description
            config = newValue.config
        }
    }
}
