/// ResourcesMemory.
public struct ResourcesMemory: WireValue {
    /// Nodes. Example: `null`.
    @OmitEmpty public var nodes: [ResourcesMemoryNode]
    /// Hugepages total. Example: `429284917248`.
    @Zero public var hugepagesTotal: UInt64
    /// Hugepages used. Example: `429284917248`.
    @Zero public var hugepagesUsed: UInt64
    /// Hugepages size. Example: `2097152`.
    @Zero public var hugepagesSize: UInt64
    /// Used. Example: `557450502144`.
    @Zero public var used: UInt64
    /// Total. Example: `687194767360`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case nodes
        case hugepagesTotal = "hugepages_total"
        case hugepagesUsed = "hugepages_used"
        case hugepagesSize = "hugepages_size"
        case used, total
    }
}

/// ResourcesMemoryNode.
public struct ResourcesMemoryNode: WireValue {
    /// Numa node. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Hugepages used. Example: `214536552448`.
    @Zero public var hugepagesUsed: UInt64
    /// Hugepages total. Example: `214536552448`.
    @Zero public var hugepagesTotal: UInt64
    /// Used. Example: `264880439296`.
    @Zero public var used: UInt64
    /// Total. Example: `343597383680`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case numaNode = "numa_node"
        case hugepagesUsed = "hugepages_used"
        case hugepagesTotal = "hugepages_total"
        case used, total
    }
}
