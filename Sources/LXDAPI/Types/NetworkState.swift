/// What a network does at the moment.
public struct NetworkState: WireValue {
    /// Addresses, each with its family and scope.
    @Zero public var addresses: [NetworkStateAddress]
    /// What went through.
    @Zero public var counters: NetworkStateCounters
    /// Hardware address. Example: `00:16:3e:5a:83:57`.
    @Zero public var hwaddr: String
    /// Largest packet. Example: `1500`.
    @Zero public var mtu: Int
    /// `up` or `down`. Example: `up`.
    @Zero public var state: String
    /// Kind. Example: `broadcast`.
    @Zero public var type: String
    /// What only bonds have.
    @Zero public var bond: NetworkStateBond?
    /// What only bridges have.
    @Zero public var bridge: NetworkStateBridge?
    /// What only VLAN interfaces have.
    @Zero public var vlan: NetworkStateVLAN?
    /// What only OVN networks have.
    @Zero public var ovn: NetworkStateOVN?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case addresses, counters, hwaddr, mtu, state, type, bond, bridge, vlan, ovn
    }
}

/// An address of an interface.
public struct NetworkStateAddress: WireValue {
    /// `inet` or `inet6`. Example: `inet`.
    @Zero public var family: String
    /// Address. Example: `10.0.0.1`.
    @Zero public var address: String
    /// Length of the prefix. Example: `24`.
    @Zero public var netmask: String
    /// `local`, `link` or `global`. Example: `global`.
    @Zero public var scope: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case family, address, netmask, scope
    }
}

/// What went through a network.
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

/// What only bonds have.
public struct NetworkStateBond: WireValue {
    /// Mode. Example: `802.3ad`.
    @Zero public var mode: String
    /// How packets are spread. Example: `layer3+4`.
    @Zero public var transmitPolicy: String
    /// Milliseconds before a link counts as up. Example: `0`.
    @Zero public var upDelay: UInt64
    /// Milliseconds before a link counts as down. Example: `0`.
    @Zero public var downDelay: UInt64
    /// Milliseconds between looks at the link. Example: `100`.
    @Zero public var miiFrequency: UInt64
    /// State of the link. Example: `up`.
    @Zero public var miiState: String
    /// Interfaces below. Example: `["eth0", "eth1"]`.
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

/// What only bridges have.
public struct NetworkStateBridge: WireValue {
    /// Identity of the bridge. Example: `8000.0a0f7c6edbd9`.
    @Zero public var id: String
    /// Whether the spanning tree protocol is on. Example: `false`.
    @Zero public var stp: Bool
    /// Hundredths of a second before a port forwards. Example: `1500`.
    @Zero public var forwardDelay: UInt64
    /// VLAN of untagged packets. Example: `1`.
    @Zero public var vlanDefault: UInt64
    /// Whether VLANs are kept apart. Example: `false`.
    @Zero public var vlanFiltering: Bool
    /// Interfaces in the bridge. Example: `["eth0", "eth1"]`.
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

/// What only VLAN interfaces have.
public struct NetworkStateVLAN: WireValue {
    /// Interface below. Example: `eth0`.
    @Zero public var lowerDevice: String
    /// VLAN number. Example: `100`.
    @Zero public var vid: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case lowerDevice = "lower_device"
        case vid
    }
}

/// What only OVN networks have.
public struct NetworkStateOVN: WireValue {
    /// Chassis that is active.
    @Zero public var chassis: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case chassis
    }
}
