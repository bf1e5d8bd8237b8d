/// StoragePoolsPost.
public struct StoragePoolsPost: WireValue {
    /// Config. Example: `{"volume.block.filesystem": "ext4", "volume.size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `Local SSD pool`.
    @Zero public var description: String
    /// Name. Example: `local`.
    @Zero public var name: String
    /// Driver. Example: `zfs`.
    @Zero public var driver: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name, driver
    }

    /// The part that a client may change.
    public var writable: StoragePoolPut {
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

/// StoragePool.
public struct StoragePool: WireValue {
    /// Config. Example: `{"volume.block.filesystem": "ext4", "volume.size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `Local SSD pool`.
    @Zero public var description: String
    /// Name. Example: `local`.
    @Zero public var name: String
    /// Driver. Example: `zfs`.
    @Zero public var driver: String
    /// Used by. Example: `["/1.0/profiles/default", "/1.0/instances/c1"]`.
    @Zero public var usedBy: [String]
    /// Status. Example: `Created`.
    @Zero public var status: String
    /// Locations. Example: `["lxd01", "lxd02", "lxd03"]`.
    @NullIfEmpty public var locations: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name, driver
        case usedBy = "used_by"
        case status, locations
    }

    /// The part that a client may change.
    public var writable: StoragePoolPut {
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

/// StoragePoolPut.
public struct StoragePoolPut: WireValue {
    /// Config. Example: `{"volume.block.filesystem": "ext4", "volume.size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `Local SSD pool`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description
    }
}
