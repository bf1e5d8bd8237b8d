/// Hardware: memory.
public struct ResourcesMemory: WireValue {
    /// Nodes. Example: `null`.
    @OmitEmpty public var nodes: [ResourcesMemoryNode]
    /// Bytes in huge pages. Example: `429284917248`.
    @Zero public var hugepagesTotal: UInt64
    /// Bytes in huge pages that are in use. Example: `429284917248`.
    @Zero public var hugepagesUsed: UInt64
    /// Bytes a huge page. Example: `2097152`.
    @Zero public var hugepagesSize: UInt64
    /// Bytes used. Example: `557450502144`.
    @Zero public var used: UInt64
    /// Bytes. Example: `687194767360`.
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

/// Hardware: memory node.
public struct ResourcesMemoryNode: WireValue {
    /// Node that it is nearest to. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Bytes in huge pages that are in use. Example: `214536552448`.
    @Zero public var hugepagesUsed: UInt64
    /// Bytes in huge pages. Example: `214536552448`.
    @Zero public var hugepagesTotal: UInt64
    /// Bytes used. Example: `264880439296`.
    @Zero public var used: UInt64
    /// Bytes. Example: `343597383680`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case numaNode = "numa_node"
        case hugepagesUsed = "hugepages_used"
        case hugepagesTotal = "hugepages_total"
        case used, total
    }
}
