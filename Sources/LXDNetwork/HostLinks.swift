import Glibc
package import LXDAPI
import LXDLinux
package import LXDNetlink

/// Interfaces of the host as the API shows them, managed or not.
package enum HostLinks {
    /// Names of all interfaces but the host's ends of NICs of instances.
    package static func names() async throws(LXDError) -> [String] {
        try await blocking { try RouteSocket().links().map(\.name).filter { !$0.hasPrefix("veth") } }
    }

    /// LXD's word for what an unmanaged interface is; nil when there is no such interface.
    package static func type(of name: String) async throws(LXDError) -> String? {
        try await blocking {
            guard let link = try RouteSocket().link(named: name) else { return nil }
            return type(of: link)
        }
    }

    static func type(of link: Link) -> String {
        if link.isLoopback { return "loopback" }
        switch link.kind {
        case "bridge": return "bridge"
        case "vlan": return "vlan"
        case "bond": return "bond"
        default: break
        }
        return access("/sys/class/net/\(link.name)/device", F_OK) == 0 ? "physical" : "unknown"
    }

    /// The state of an interface.
    /// - Throws: `notFound`.
    package static func state(of name: String) async throws(LXDError) -> NetworkState {
        let found = try await blocking { () -> (Link, [LinkAddress], [Link])? in
            let socket = try RouteSocket()
            guard let link = try socket.link(named: name) else { return nil }
            let addresses = try socket.addresses(linkIndex: link.index).filter { $0.linkIndex == link.index }
            return (link, addresses, link.kind == "bridge" || link.kind == "vlan" ? try socket.links() : [])
        }
        guard let (link, addresses, links) = found else {
            throw .notFound("Network interface \(goQuoted(name)) not found")
        }
        return state(link, addresses: addresses, links: links)
    }

    static func state(_ link: Link, addresses: [LinkAddress], links: [Link]) -> NetworkState {
        .with {
            $0.addresses = addresses.map { entry in
                .with {
                    $0.family = entry.prefix.address.isIPv4 ? "inet" : "inet6"
                    $0.address = "\(entry.prefix.address)"
                    $0.netmask = "\(entry.prefix.length)"
                    $0.scope = entry.scopeName
                }
            }
            if let statistics = link.statistics {
                $0.counters = .with {
                    $0.bytesReceived = Int64(clamping: statistics.receivedBytes)
                    $0.bytesSent = Int64(clamping: statistics.sentBytes)
                    $0.packetsReceived = Int64(clamping: statistics.receivedPackets)
                    $0.packetsSent = Int64(clamping: statistics.sentPackets)
                }
            }
            $0.hwaddr = link.isLoopback ? "" : link.hardwareAddressText
            $0.mtu = Int(link.mtu)
            $0.state = link.isUp ? "up" : "down"
            $0.type = typeWord(link)
            if let bridge = link.bridge { $0.bridge = bridgeState(bridge, link, links) }
            if link.kind == "vlan", let id = link.vlanID {
                $0.vlan = .with {
                    $0.lowerDevice = links.first { $0.index == link.peerIndex }?.name ?? ""
                    $0.vid = UInt64(id)
                }
            }
        }
    }

    private static func bridgeState(_ bridge: BridgeState, _ link: Link, _ links: [Link]) -> NetworkStateBridge {
        .with {
            $0.id = bridge.id
            $0.stp = bridge.isSpanningTreeOn
            $0.forwardDelay = UInt64(bridge.forwardDelay)
            $0.vlanDefault = UInt64(bridge.defaultVLAN)
            $0.vlanFiltering = bridge.isVLANFiltering
            $0.upperDevices = links.filter { $0.masterIndex == link.index }.map(\.name).sorted()
        }
    }

    /// LXD's word for how a link reaches others.
    package static func typeWord(_ link: Link) -> String {
        if link.flags & Link.flagLoopback != 0 { return "loopback" }
        if link.flags & Link.flagPointToPoint != 0 { return "point-to-point" }
        return link.flags & Link.flagBroadcast != 0 ? "broadcast" : "unknown"
    }

    private static func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws(LXDError)
        -> Result
    {
        do { return try await BlockingPool.shared.run(body) } catch { throw .from(error) }
    }
}
