/// What is sent to create a storage pool.
public struct StoragePoolsPost: WireValue {
    /// Configuration: keys and values. Example: `{"volume.block.filesystem": "ext4", "volume.size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `Local SSD pool`.
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

/// A storage pool.
public struct StoragePool: WireValue {
    /// Configuration: keys and values. Example: `{"volume.block.filesystem": "ext4", "volume.size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `Local SSD pool`.
    @Zero public var description: String
    /// Name. Example: `local`.
    @Zero public var name: String
    /// Driver. Example: `zfs`.
    @Zero public var driver: String
    /// Addresses of what uses it. Example: `["/1.0/profiles/default", "/1.0/instances/c1"]`.
    @Zero public var usedBy: [String]
    /// State for people. Example: `Created`.
    @Zero public var status: String
    /// Cluster members that have it; `null` without a cluster. Example: `["lxd01", "lxd02", "lxd03"]`.
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

/// What a client may change of a storage pool.
public struct StoragePoolPut: WireValue {
    /// Configuration: keys and values. Example: `{"volume.block.filesystem": "ext4", "volume.size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `Local SSD pool`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description
    }
}
