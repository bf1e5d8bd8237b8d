/// What is sent to create a cluster group.
public struct ClusterGroupsPost: WireValue {
    /// Text for people. Example: `amd64 servers`.
    @Zero public var description: String
    /// Members of the group. Example: `["node1", "node3"]`.
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

/// A cluster group.
public struct ClusterGroup: WireValue {
    /// Text for people. Example: `amd64 servers`.
    @Zero public var description: String
    /// Members of the group. Example: `["node1", "node3"]`.
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

/// What is sent to rename or move a cluster group.
public struct ClusterGroupPost: WireValue {
    /// Name. Example: `group1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// What a client may change of a cluster group.
public struct ClusterGroupPut: WireValue {
    /// Text for people. Example: `amd64 servers`.
    @Zero public var description: String
    /// Members of the group. Example: `["node1", "node3"]`.
    @Zero public var members: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, members
    }
}
