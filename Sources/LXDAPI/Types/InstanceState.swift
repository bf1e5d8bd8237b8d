/// InstanceStatePut.
public struct InstanceStatePut: WireValue {
    /// Action. Example: `start`.
    @Zero public var action: String
    /// Timeout. Example: `30`.
    @Zero public var timeout: Int
    /// Force. Example: `false`.
    @Zero public var force: Bool
    /// Stateful. Example: `false`.
    @Zero public var stateful: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case action, timeout, force, stateful
    }
}

/// InstanceState.
public struct InstanceState: WireValue {
    /// Status. Example: `Running`.
    @Zero public var status: String
    /// Status code. Example: `101`.
    @Zero public var statusCode: StatusCode
    /// Disk.
    @NullIfEmpty public var disk: [String: InstanceStateDisk]
    /// Memory.
    @Zero public var memory: InstanceStateMemory
    /// Network.
    @NullIfEmpty public var network: [String: InstanceStateNetwork]
    /// Pid. Example: `7281`.
    @Zero public var pid: Int64
    /// Processes. Example: `50`.
    @Zero public var processes: Int64
    /// Cpu.
    @Zero public var cpu: InstanceStateCPU

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case status
        case statusCode = "status_code"
        case disk, memory, network, pid, processes, cpu
    }
}

/// InstanceStateDisk.
public struct InstanceStateDisk: WireValue {
    /// Usage. Example: `502239232`.
    @Zero public var usage: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case usage
    }
}

/// InstanceStateCPU.
public struct InstanceStateCPU: WireValue {
    /// Usage. Example: `3637691016`.
    @Zero public var usage: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case usage
    }
}

/// InstanceStateMemory.
public struct InstanceStateMemory: WireValue {
    /// Usage. Example: `73248768`.
    @Zero public var usage: Int64
    /// Usage peak. Example: `73785344`.
    @Zero public var usagePeak: Int64
    /// Swap usage. Example: `12297557`.
    @Zero public var swapUsage: Int64
    /// Swap usage peak. Example: `12297557`.
    @Zero public var swapUsagePeak: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case usage
        case usagePeak = "usage_peak"
        case swapUsage = "swap_usage"
        case swapUsagePeak = "swap_usage_peak"
    }
}

/// InstanceStateNetwork.
public struct InstanceStateNetwork: WireValue {
    /// Addresses.
    @Zero public var addresses: [InstanceStateNetworkAddress]
    /// Counters.
    @Zero public var counters: InstanceStateNetworkCounters
    /// Hwaddr. Example: `00:16:3e:0c:ee:dd`.
    @Zero public var hwaddr: String
    /// Host name. Example: `vethbbcd39c7`.
    @Zero public var hostName: String
    /// Mtu. Example: `1500`.
    @Zero public var mtu: Int
    /// State. Example: `up`.
    @Zero public var state: String
    /// Type. Example: `broadcast`.
    @Zero public var type: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case addresses, counters, hwaddr
        case hostName = "host_name"
        case mtu, state, type
    }
}

/// InstanceStateNetworkAddress.
public struct InstanceStateNetworkAddress: WireValue {
    /// Family. Example: `inet6`.
    @Zero public var family: String
    /// Address. Example: `fd42:4c81:5770:1eaf:216:3eff:fe0c:eedd`.
    @Zero public var address: String
    /// Netmask. Example: `64`.
    @Zero public var netmask: String
    /// Scope. Example: `global`.
    @Zero public var scope: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case family, address, netmask, scope
    }
}

/// InstanceStateNetworkCounters.
public struct InstanceStateNetworkCounters: WireValue {
    /// Bytes received. Example: `192021`.
    @Zero public var bytesReceived: Int64
    /// Bytes sent. Example: `10888579`.
    @Zero public var bytesSent: Int64
    /// Packets received. Example: `1748`.
    @Zero public var packetsReceived: Int64
    /// Packets sent. Example: `964`.
    @Zero public var packetsSent: Int64
    /// Errors received. Example: `14`.
    @Zero public var errorsReceived: Int64
    /// Errors sent. Example: `41`.
    @Zero public var errorsSent: Int64
    /// Packets dropped outbound. Example: `541`.
    @Zero public var packetsDroppedOutbound: Int64
    /// Packets dropped inbound. Example: `179`.
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
