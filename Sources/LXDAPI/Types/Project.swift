/// ProjectsPost.
public struct ProjectsPost: WireValue {
    /// Config. Example: `{"features.profiles": "true", "features.networks": "false"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My new project`.
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

/// ProjectPost.
public struct ProjectPost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// ProjectPut.
public struct ProjectPut: WireValue {
    /// Config. Example: `{"features.profiles": "true", "features.networks": "false"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My new project`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description
    }
}

/// Project.
public struct Project: WireValue {
    /// Config. Example: `{"features.profiles": "true", "features.networks": "false"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My new project`.
    @Zero public var description: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Used by. Example: `["/1.0/images/0e60015346f06627f10580d56ac7fffd9ea775f6d4f25987217d5eed94910a20",
    /// "/1.0/instances/c1", "/1.0/networks/lxdbr0", "/1.0/profiles/default",
    /// "/1.0/storage-pools/default/volumes/custom/blah"]`.
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

/// ProjectState.
public struct ProjectState: WireValue {
    /// Resources. Example: `{"containers": {"limit": 10, "usage": 4}, "cpu": {"limit": 20, "usage": 16}}`.
    @Zero public var resources: [String: ProjectStateResource]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case resources
    }
}

/// ProjectStateResource.
public struct ProjectStateResource: WireValue {
    /// Limit. Example: `10`.
    @Zero public var limit: Int64
    /// Usage. Example: `4`.
    @Zero public var usage: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case limit = "Limit"
        case usage = "Usage"
    }
}
