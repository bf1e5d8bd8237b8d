/// ClusterGroupsPost.
public struct ClusterGroupsPost: WireValue {
    /// Description. Example: `amd64 servers`.
    @Zero public var description: String
    /// Members. Example: `["node1", "node3"]`.
    @Zero public var members: [String]
    /// Name. Example: `group1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, members, name
    }

    /// The part that a client may change.
    public var writable: ClusterGroupPut {
        get {
            .with {
                $0.description = description
                $0.members = members
            }
        }
        set {
            description = newValue.description
            members = newValue.members
        }
    }
}

/// ClusterGroup.
public struct ClusterGroup: WireValue {
    /// Description. Example: `amd64 servers`.
    @Zero public var description: String
    /// Members. Example: `["node1", "node3"]`.
    @Zero public var members: [String]
    /// Name. Example: `group1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, members, name
    }

    /// The part that a client may change.
    public var writable: ClusterGroupPut {
        get {
            .with {
                $0.description = description
                $0.members = members
            }
        }
        set {
            description = newValue.description
            members = newValue.members
        }
    }

    /// The fields shared with ``ClusterGroupPost``.
    public var clusterGroupPost: ClusterGroupPost {
        get {
            .with {
                $0.name = name
            }
        }
        set {
            name = newValue.name
        }
    }
}

/// ClusterGroupPost.
public struct ClusterGroupPost: WireValue {
    /// Name. Example: `group1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// ClusterGroupPut.
public struct ClusterGroupPut: WireValue {
    /// Description. Example: `amd64 servers`.
    @Zero public var description: String
    /// Members. Example: `["node1", "node3"]`.
    @Zero public var members: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, members
    }
}
