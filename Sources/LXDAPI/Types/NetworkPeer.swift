/// What is sent to create a network peering.
public struct NetworkPeersPost: WireValue {
    /// Text for people. Example: `Peering with network1 in project1`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `project1-network1`.
    @Zero public var name: String
    /// Project of the other side. Example: `project1`.
    @Zero public var targetProject: String
    /// Network on the other side. Example: `network1`.
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

/// What a client may change of a network peering.
public struct NetworkPeerPut: WireValue {
    /// Text for people. Example: `Peering with network1 in project1`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config
    }
}

/// A network peering.
public struct NetworkPeer: WireValue {
    /// Text for people. Example: `Peering with network1 in project1`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `project1-network1`.
    @Zero public var name: String
    /// Project of the other side. Example: `project1`.
    @Zero public var targetProject: String
    /// Network on the other side. Example: `network1`.
    @Zero public var targetNetwork: String
    /// State for people. Example: `Pending`.
    @Zero public var status: String
    /// Addresses of what uses it. Example: `["/1.0/network-acls/test", "/1.0/network-acls/foo"]`.
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
