/// What is sent to create a project.
public struct ProjectsPost: WireValue {
    /// Configuration: keys and values. Example: `{"features.profiles": "true", "features.networks": "false"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My new project`.
    @Zero public var description: String
    /// Name. Example: `foo`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name
    }

    /// The part that a client may change.
    public var writable: ProjectPut {
        get {
            .with {
                $0.config = config
                $0.description = description
            }
        }
        set {
            config = newValue.config
            description = newValue.description
        }
    }
}

/// What is sent to rename or move a project.
public struct ProjectPost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// What a client may change of a project.
public struct ProjectPut: WireValue {
    /// Configuration: keys and values. Example: `{"features.profiles": "true", "features.networks": "false"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My new project`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description
    }
}

/// A project.
public struct Project: WireValue {
    /// Configuration: keys and values. Example: `{"features.profiles": "true", "features.networks": "false"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My new project`.
    @Zero public var description: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Addresses of what uses it. Example:
    /// `["/1.0/images/0e60015346f06627f10580d56ac7fffd9ea775f6d4f25987217d5eed94910a20", "/1.0/instances/c1",
    /// "/1.0/networks/lxdbr0", "/1.0/profiles/default", "/1.0/storage-pools/default/volumes/custom/blah"]`.
    @Zero public var usedBy: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name
        case usedBy = "used_by"
    }

    /// The part that a client may change.
    public var writable: ProjectPut {
        get {
            .with {
                $0.config = config
                $0.description = description
            }
        }
        set {
            config = newValue.config
            description = newValue.description
        }
    }
}

/// What a project uses of what it may.
public struct ProjectState: WireValue {
    /// Limits and use, by kind. Example: `{"containers": {"limit": 10, "usage": 4}, "cpu": {"limit": 20, "usage":
    /// 16}}`.
    @Zero public var resources: [String: ProjectStateResource]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case resources
    }
}

/// A limit and what is used of it.
public struct ProjectStateResource: WireValue {
    /// Most that is allowed; -1 for no limit. Example: `10`.
    @Zero public var limit: Int64
    /// How much is used. Example: `4`.
    @Zero public var usage: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case limit = "Limit"
        case usage = "Usage"
    }
}
