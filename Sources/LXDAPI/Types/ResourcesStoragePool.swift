/// Hardware: storage pool.
public struct ResourcesStoragePool: WireValue {
    /// Disk space, in bytes.
    @Zero public var space: ResourcesStoragePoolSpace
    /// Inodes.
    @Zero public var inodes: ResourcesStoragePoolInodes

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case space, inodes
    }
}

/// Hardware: storage pool space.
public struct ResourcesStoragePoolSpace: WireValue {
    /// Used. Example: `343537419776`.
    @OmitEmpty public var used: UInt64
    /// Total. Example: `420100937728`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case used, total
    }
}

/// Hardware: storage pool inodes.
public struct ResourcesStoragePoolInodes: WireValue {
    /// Used. Example: `23937695`.
    @Zero public var used: UInt64
    /// Total. Example: `30709993797`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case used, total
    }
}
