/// Hardware: CPU.
public struct ResourcesCPU: WireValue {
    /// Processor architecture. Example: `x86_64`.
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

/// Hardware: CPU socket.
public struct ResourcesCPUSocket: WireValue {
    /// Name. Example: `Intel(R) Core(TM) i5-7300U CPU @ 2.60GHz`.
    @OmitEmpty public var name: String
    /// Vendor. Example: `GenuineIntel`.
    @OmitEmpty public var vendor: String
    /// Number of the socket. Example: `0`.
    @Zero public var socket: UInt64
    /// Caches, by level.
    @OmitEmpty public var cache: [ResourcesCPUCache]
    /// Cores.
    @Zero public var cores: [ResourcesCPUCore]
    /// MHz at the moment. Example: `3499`.
    @OmitEmpty public var frequency: UInt64
    /// Lowest MHz. Example: `400`.
    @OmitEmpty public var frequencyMinimum: UInt64
    /// Highest MHz. Example: `3500`.
    @OmitEmpty public var frequencyTurbo: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, vendor, socket, cache, cores, frequency
        case frequencyMinimum = "frequency_minimum"
        case frequencyTurbo = "frequency_turbo"
    }
}

/// Hardware: CPU cache.
public struct ResourcesCPUCache: WireValue {
    /// Level. Example: `1`.
    @Zero public var level: UInt64
    /// Kind. Example: `Data`.
    @Zero public var type: String
    /// Bytes. Example: `32768`.
    @Zero public var size: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case level, type, size
    }
}

/// Hardware: CPU core.
public struct ResourcesCPUCore: WireValue {
    /// Number of the core in its socket. Example: `0`.
    @Zero public var core: UInt64
    /// Number of the die. Example: `0`.
    @Zero public var die: UInt64
    /// Threads.
    @Zero public var threads: [ResourcesCPUThread]
    /// MHz at the moment. Example: `3500`.
    @OmitEmpty public var frequency: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case core, die, threads, frequency
    }
}

/// Hardware: CPU thread.
public struct ResourcesCPUThread: WireValue {
    /// Number that the kernel gives it. Example: `0`.
    @Zero public var id: Int64
    /// Node that it is nearest to. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Number of the thread in its core. Example: `0`.
    @Zero public var thread: UInt64
    /// Whether it is in use. Example: `true`.
    @Zero public var online: Bool
    /// Whether the scheduler leaves it alone. Example: `false`.
    @Zero public var isolated: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id
        case numaNode = "numa_node"
        case thread, online, isolated
    }
}
