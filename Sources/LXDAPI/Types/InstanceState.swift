/// A change of state of an instance.
public struct InstanceStatePut: WireValue {
    /// `start`, `stop`, `restart`, `freeze` or `unfreeze`. Example: `start`.
    @Zero public var action: String
    /// Seconds to wait; -1 for ever. Example: `30`.
    @Zero public var timeout: Int
    /// Whether to kill rather than to ask. Example: `false`.
    @Zero public var force: Bool
    /// Whether the running state is kept. Example: `false`.
    @Zero public var stateful: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case action, timeout, force, stateful
    }
}

/// What an instance does and uses at the moment.
public struct InstanceState: WireValue {
    /// State for people. Example: `Running`.
    @Zero public var status: String
    /// State as a number. Example: `101`.
    @Zero public var statusCode: StatusCode
    /// Use of disks, by device.
    @Zero public var disk: [String: InstanceStateDisk]
    /// Use of memory, in bytes.
    @Zero public var memory: InstanceStateMemory
    /// Interfaces, by name; `null` when stopped.
    @NullIfEmpty public var network: [String: InstanceStateNetwork]
    /// Process id of the instance's first process on the host; 0 when stopped. Example: `7281`.
    @Zero public var pid: Int64
    /// Number of processes. Example: `50`.
    @Zero public var processes: Int64
    /// Use of processors.
    @Zero public var cpu: InstanceStateCPU

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case status
        case statusCode = "status_code"
        case disk, memory, network, pid, processes, cpu
    }
}

/// Use of a disk.
public struct InstanceStateDisk: WireValue {
    /// Bytes used. Example: `502239232`.
    @Zero public var usage: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case usage
    }
}

/// Use of processors.
public struct InstanceStateCPU: WireValue {
    /// Nanoseconds of processor time used. Example: `3637691016`.
    @Zero public var usage: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case usage
    }
}

/// Use of memory.
public struct InstanceStateMemory: WireValue {
    /// Bytes used. Example: `73248768`.
    @Zero public var usage: Int64
    /// Most bytes used so far. Example: `73785344`.
    @Zero public var usagePeak: Int64
    /// Bytes in swap. Example: `12297557`.
    @Zero public var swapUsage: Int64
    /// Most bytes in swap so far. Example: `12297557`.
    @Zero public var swapUsagePeak: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case usage
        case usagePeak = "usage_peak"
        case swapUsage = "swap_usage"
        case swapUsagePeak = "swap_usage_peak"
    }
}

/// An interface of a running instance.
public struct InstanceStateNetwork: WireValue {
    /// Addresses, each with its family and scope.
    @Zero public var addresses: [InstanceStateNetworkAddress]
    /// What went through.
    @Zero public var counters: InstanceStateNetworkCounters
    /// Hardware address. Example: `00:16:3e:0c:ee:dd`.
    @Zero public var hwaddr: String
    /// Name of the interface on the host. Example: `vethbbcd39c7`.
    @Zero public var hostName: String
    /// Largest packet. Example: `1500`.
    @Zero public var mtu: Int
    /// `up` or `down`. Example: `up`.
    @Zero public var state: String
    /// Kind. Example: `broadcast`.
    @Zero public var type: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case addresses, counters, hwaddr
        case hostName = "host_name"
        case mtu, state, type
    }
}

/// An address of an interface.
public struct InstanceStateNetworkAddress: WireValue {
    /// `inet` or `inet6`. Example: `inet6`.
    @Zero public var family: String
    /// Address. Example: `fd42:4c81:5770:1eaf:216:3eff:fe0c:eedd`.
    @Zero public var address: String
    /// Length of the prefix. Example: `64`.
    @Zero public var netmask: String
    /// `local`, `link` or `global`. Example: `global`.
    @Zero public var scope: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case family, address, netmask, scope
    }
}

/// What went through an interface.
public struct InstanceStateNetworkCounters: WireValue {
    /// Bytes received. Example: `192021`.
    @Zero public var bytesReceived: Int64
    /// Bytes sent. Example: `10888579`.
    @Zero public var bytesSent: Int64
    /// Packets received. Example: `1748`.
    @Zero public var packetsReceived: Int64
    /// Packets sent. Example: `964`.
    @Zero public var packetsSent: Int64
    /// Packets that arrived damaged. Example: `14`.
    @Zero public var errorsReceived: Int64
    /// Packets that could not be sent. Example: `41`.
    @Zero public var errorsSent: Int64
    /// Packets dropped on the way out. Example: `541`.
    @Zero public var packetsDroppedOutbound: Int64
    /// Packets dropped on the way in. Example: `179`.
    @Zero public var packetsDroppedInbound: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case bytesReceived = "bytes_received"
        case bytesSent = "bytes_sent"
        case packetsReceived = "packets_received"
        case packetsSent = "packets_sent"
        case errorsReceived = "errors_received"
        case errorsSent = "errors_sent"
        case packetsDroppedOutbound = "packets_dropped_outbound"
        case packetsDroppedInbound = "packets_dropped_inbound"
    }
}
