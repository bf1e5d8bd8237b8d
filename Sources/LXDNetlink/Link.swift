/// A network interface as the kernel describes it.
package struct Link: Sendable, Hashable {
    package var index: Int32 = 0
    package var name = ""
    /// `ARPHRD_…`: 1 Ethernet, 772 loopback.
    package var hardwareType: UInt16 = 0
    /// `IFF_…`.
    package var flags: UInt32 = 0
    package var mtu: UInt32 = 0
    /// Six bytes for Ethernet; may be empty or longer for others.
    package var hardwareAddress: [UInt8] = []
    /// `bridge`, `veth`, `macvlan`…; nil for hardware.
    package var kind: String?
    package var masterIndex: Int32?
    /// The other end of a veth pair, or the parent of a VLAN or macvlan; 0 when it is none.
    package var peerIndex: Int32?
    /// Our number for the namespace that `peerIndex` counts in; nil when it is the same.
    package var peerNamespaceID: Int32?
    /// RFC 2863: 6 is up.
    package var operationalState: UInt8 = 0
    package var statistics: LinkStatistics?
    package var bridge: BridgeState?
    package var vlanID: UInt16?

    package init() {}

    package static let flagUp: UInt32 = 0x1
    package static let flagBroadcast: UInt32 = 0x2
    package static let flagLoopback: UInt32 = 0x8
    package static let flagPointToPoint: UInt32 = 0x10
    package static let flagRunning: UInt32 = 0x40

    package var isUp: Bool { flags & Self.flagUp != 0 }
    package var isLoopback: Bool { flags & Self.flagLoopback != 0 }
    package var hardwareAddressText: String { MACAddress.text(of: hardwareAddress) }
}

/// Counters of a link since it exists.
package struct LinkStatistics: Sendable, Hashable {
    package var receivedPackets: UInt64 = 0
    package var sentPackets: UInt64 = 0
    package var receivedBytes: UInt64 = 0
    package var sentBytes: UInt64 = 0
    package var receiveErrors: UInt64 = 0
    package var sendErrors: UInt64 = 0
    package var receiveDropped: UInt64 = 0
    package var sendDropped: UInt64 = 0
}

/// What a bridge says about itself.
package struct BridgeState: Sendable, Hashable {
    /// `PRIORITY.MAC` as sysfs prints it: `8000.00163e000001`.
    package var id = ""
    package var isSpanningTreeOn = false
    /// Hundredths of a second.
    package var forwardDelay: UInt32 = 0
    package var isVLANFiltering = false
    package var defaultVLAN: UInt16 = 0
}

/// A link to be made.
package struct LinkCreation: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// - Parameters:
        ///   - spanningTree: Whether the bridge speaks STP.
        ///   - forwardDelay: Hundredths of a second a new port waits; nil leaves the kernel's 15 s.
        case bridge(spanningTree: Bool = false, forwardDelay: UInt32? = nil, vlanFiltering: Bool? = nil)
        /// Both ends come into this namespace.
        case veth(peer: String, peerAddress: MACAddress? = nil, peerMTU: UInt32? = nil)
        /// In bridge mode, on a parent.
        case macvlan(parentIndex: Int32)
        case vlan(parentIndex: Int32, id: UInt16)
        case dummy
    }

    /// 1–15 characters.
    package var name: String
    package var kind: Kind
    package var address: MACAddress?
    package var mtu: UInt32?
    package var isUp: Bool
    package var masterIndex: Int32?

    package init(
        _ name: String, _ kind: Kind, address: MACAddress? = nil, mtu: UInt32? = nil, isUp: Bool = false,
        masterIndex: Int32? = nil
    ) {
        self.name = name
        self.kind = kind
        self.address = address
        self.mtu = mtu
        self.isUp = isUp
        self.masterIndex = masterIndex
    }
}

/// A change to an existing link; nil leaves a property alone.
package struct LinkChange: Sendable, Hashable {
    package enum Namespace: Sendable, Hashable {
        /// The network namespace of a process.
        case ofProcess(Int32)
        /// An open descriptor of the namespace, or a pidfd of a process in it is not accepted: `/proc/PID/ns/net`.
        case descriptor(Int32)
    }

    package var name: String?
    package var isUp: Bool?
    package var mtu: UInt32?
    package var address: MACAddress?
    /// 0 takes the link out of its bridge.
    package var masterIndex: Int32?
    package var namespace: Namespace?
    package var bridgeVLANFiltering: Bool?

    package init(
        name: String? = nil, isUp: Bool? = nil, mtu: UInt32? = nil, address: MACAddress? = nil,
        masterIndex: Int32? = nil, namespace: Namespace? = nil, bridgeVLANFiltering: Bool? = nil
    ) {
        self.name = name
        self.isUp = isUp
        self.mtu = mtu
        self.address = address
        self.masterIndex = masterIndex
        self.namespace = namespace
        self.bridgeVLANFiltering = bridgeVLANFiltering
    }
}
