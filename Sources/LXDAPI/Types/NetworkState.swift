/// NetworkState.
public struct NetworkState: WireValue {
    /// Addresses.
    @Zero public var addresses: [NetworkStateAddress]
    /// Counters.
    @Zero public var counters: NetworkStateCounters
    /// Hwaddr. Example: `00:16:3e:5a:83:57`.
    @Zero public var hwaddr: String
    /// Mtu. Example: `1500`.
    @Zero public var mtu: Int
    /// State. Example: `up`.
    @Zero public var state: String
    /// Type. Example: `broadcast`.
    @Zero public var type: String
    /// Bond.
    @Zero public var bond: NetworkStateBond?
    /// Bridge.
    @Zero public var bridge: NetworkStateBridge?
    /// Vlan.
    @Zero public var vlan: NetworkStateVLAN?
    /// Ovn.
    @Zero public var ovn: NetworkStateOVN?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case addresses, counters, hwaddr, mtu, state, type, bond, bridge, vlan, ovn
    }
}

/// NetworkStateAddress.
public struct NetworkStateAddress: WireValue {
    /// Family. Example: `inet`.
    @Zero public var family: String
    /// Address. Example: `10.0.0.1`.
    @Zero public var address: String
    /// Netmask. Example: `24`.
    @Zero public var netmask: String
    /// Scope. Example: `global`.
    @Zero public var scope: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case family, address, netmask, scope
    }
}

/// NetworkStateCounters.
public struct NetworkStateCounters: WireValue {
    /// Bytes received. Example: `250542118`.
    @Zero public var bytesReceived: Int64
    /// Bytes sent. Example: `17524040140`.
    @Zero public var bytesSent: Int64
    /// Packets received. Example: `1182515`.
    @Zero public var packetsReceived: Int64
    /// Packets sent. Example: `1567934`.
    @Zero public var packetsSent: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case bytesReceived = "bytes_received"
        case bytesSent = "bytes_sent"
        case packetsReceived = "packets_received"
        case packetsSent = "packets_sent"
    }
}

/// NetworkStateBond.
public struct NetworkStateBond: WireValue {
    /// Mode. Example: `802.3ad`.
    @Zero public var mode: String
    /// Transmit policy. Example: `layer3+4`.
    @Zero public var transmitPolicy: String
    /// Up delay. Example: `0`.
    @Zero public var upDelay: UInt64
    /// Down delay. Example: `0`.
    @Zero public var downDelay: UInt64
    /// Mii frequency. Example: `100`.
    @Zero public var miiFrequency: UInt64
    /// Mii state. Example: `up`.
    @Zero public var miiState: String
    /// Lower devices. Example: `["eth0", "eth1"]`.
    @Zero public var lowerDevices: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case mode
        case transmitPolicy = "transmit_policy"
        case upDelay = "up_delay"
        case downDelay = "down_delay"
        case miiFrequency = "mii_frequency"
        case miiState = "mii_state"
        case lowerDevices = "lower_devices"
    }
}

/// NetworkStateBridge.
public struct NetworkStateBridge: WireValue {
    /// Id. Example: `8000.0a0f7c6edbd9`.
    @Zero public var id: String
    /// Stp. Example: `false`.
    @Zero public var stp: Bool
    /// Forward delay. Example: `1500`.
    @Zero public var forwardDelay: UInt64
    /// Vlan default. Example: `1`.
    @Zero public var vlanDefault: UInt64
    /// Vlan filtering. Example: `false`.
    @Zero public var vlanFiltering: Bool
    /// Upper devices. Example: `["eth0", "eth1"]`.
    @Zero public var upperDevices: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id, stp
        case forwardDelay = "forward_delay"
        case vlanDefault = "vlan_default"
        case vlanFiltering = "vlan_filtering"
        case upperDevices = "upper_devices"
    }
}

/// NetworkStateVLAN.
public struct NetworkStateVLAN: WireValue {
    /// Lower device. Example: `eth0`.
    @Zero public var lowerDevice: String
    /// Vid. Example: `100`.
    @Zero public var vid: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case lowerDevice = "lower_device"
        case vid
    }
}

/// NetworkStateOVN.
public struct NetworkStateOVN: WireValue {
    /// Chassis.
    @Zero public var chassis: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case chassis
    }
}
