/// ResourcesCPU.
public struct ResourcesCPU: WireValue {
    /// Architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Sockets.
    @Zero public var sockets: [ResourcesCPUSocket]
    /// Total. Example: `1`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case architecture, sockets, total
    }
}

/// ResourcesCPUSocket.
public struct ResourcesCPUSocket: WireValue {
    /// Name. Example: `Intel(R) Core(TM) i5-7300U CPU @ 2.60GHz`.
    @OmitEmpty public var name: String
    /// Vendor. Example: `GenuineIntel`.
    @OmitEmpty public var vendor: String
    /// Socket. Example: `0`.
    @Zero public var socket: UInt64
    /// Cache.
    @OmitEmpty public var cache: [ResourcesCPUCache]
    /// Cores.
    @Zero public var cores: [ResourcesCPUCore]
    /// Frequency. Example: `3499`.
    @OmitEmpty public var frequency: UInt64
    /// Frequency minimum. Example: `400`.
    @OmitEmpty public var frequencyMinimum: UInt64
    /// Frequency turbo. Example: `3500`.
    @OmitEmpty public var frequencyTurbo: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, vendor, socket, cache, cores, frequency
        case frequencyMinimum = "frequency_minimum"
        case frequencyTurbo = "frequency_turbo"
    }
}

/// ResourcesCPUCache.
public struct ResourcesCPUCache: WireValue {
    /// Level. Example: `1`.
    @Zero public var level: UInt64
    /// Type. Example: `Data`.
    @Zero public var type: String
    /// Size. Example: `32768`.
    @Zero public var size: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case level, type, size
    }
}

/// ResourcesCPUCore.
public struct ResourcesCPUCore: WireValue {
    /// Core. Example: `0`.
    @Zero public var core: UInt64
    /// Die. Example: `0`.
    @Zero public var die: UInt64
    /// Threads.
    @Zero public var threads: [ResourcesCPUThread]
    /// Frequency. Example: `3500`.
    @OmitEmpty public var frequency: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case core, die, threads, frequency
    }
}

/// ResourcesCPUThread.
public struct ResourcesCPUThread: WireValue {
    /// Id. Example: `0`.
    @Zero public var id: Int64
    /// Numa node. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Thread. Example: `0`.
    @Zero public var thread: UInt64
    /// Online. Example: `true`.
    @Zero public var online: Bool
    /// Isolated. Example: `false`.
    @Zero public var isolated: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id
        case numaNode = "numa_node"
        case thread, online, isolated
    }
}
