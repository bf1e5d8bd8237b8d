import LXDAPI
import LXDNetlink

/// The host's interfaces as the API shows them.
enum HostInterfaces {
    /// An interface that is not ours.
    static func wire(_ link: Link, _ files: KernelFiles, _ uses: NetworkUses) -> Network {
        .with {
            $0.name = link.name
            $0.type = type(of: link, files)
            if $0.type != "loopback" { $0.usedBy = uses.users(project: "default", name: link.name) }
        }
    }

    private static func type(of link: Link, _ files: KernelFiles) -> String {
        let path = "/sys/class/net/" + link.name
        if link.isLoopback { return "loopback" }
        if files.exists(path + "/bridge") { return "bridge" }
        if files.exists("/proc/net/vlan/" + link.name) { return "vlan" }
        if files.exists(path + "/device") { return "physical" }
        if files.exists(path + "/bonding") { return "bond" }
        return "unknown"
    }

    /// State, addresses and counters of an interface; `nil` if there is none of that name. Blocks.
    static func state(of name: String, _ files: KernelFiles) throws -> NetworkState? {
        let socket = try RouteSocket()
        let links = try socket.links(withStatistics: true)
        guard let link = links.first(where: { $0.name == name }) else { return nil }
        let addresses = try socket.addresses(linkIndex: link.index).filter { $0.linkIndex == link.index }
        return .with {
            $0.state = link.isUp ? "up" : "down"
            $0.type = "unknown"
            if link.flags & Link.flagBroadcast != 0 { $0.type = "broadcast" }
            if link.flags & Link.flagPointToPoint != 0 { $0.type = "point-to-point" }
            if link.isLoopback { $0.type = "loopback" }
            $0.hwaddr = link.isLoopback ? "" : link.hardwareAddressText
            $0.mtu = Int(link.mtu)
            $0.addresses = addresses.map { address in
                .with {
                    $0.family = address.prefix.address.isIPv4 ? "inet" : "inet6"
                    $0.address = address.prefix.address.description
                    $0.netmask = String(address.prefix.length)
                    $0.scope = address.scopeName
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
            $0.bridge = bridge(name, files)
            $0.bond = bond(name, files)
            if let vid = link.vlanID, let parent = link.peerIndex, let lower = links.first(where: { $0.index == parent }) {
                $0.vlan = .with {
                    $0.lowerDevice = lower.name
                    $0.vid = UInt64(vid)
                }
            }
        }
    }

    private static func bridge(_ name: String, _ files: KernelFiles) -> NetworkStateBridge? {
        let path = "/sys/class/net/\(name)/bridge"
        guard files.exists(path) else { return nil }
        return .with {
            $0.id = files.text(path + "/bridge_id") ?? ""
            $0.stp = files.unsigned(path + "/stp_state") == 1
            $0.forwardDelay = files.unsigned(path + "/forward_delay") ?? 0
            $0.vlanDefault = files.unsigned(path + "/default_pvid") ?? 0
            $0.vlanFiltering = files.unsigned(path + "/vlan_filtering") == 1
            $0.upperDevices = files.names("/sys/class/net/\(name)/brif")
        }
    }

    private static func bond(_ name: String, _ files: KernelFiles) -> NetworkStateBond? {
        let path = "/sys/class/net/\(name)/bonding"
        guard files.exists(path) else { return nil }
        func first(_ file: String) -> String { files.text("\(path)/\(file)")?.split(separator: " ").first.map(String.init) ?? "" }
        return .with {
            $0.mode = first("mode")
            $0.transmitPolicy = first("xmit_hash_policy")
            $0.upDelay = files.unsigned(path + "/updelay") ?? 0
            $0.downDelay = files.unsigned(path + "/downdelay") ?? 0
            $0.miiFrequency = files.unsigned(path + "/miimon") ?? 0
            $0.miiState = files.text(path + "/mii_status") ?? ""
            $0.lowerDevices = files.text(path + "/slaves")?.split(separator: " ").map(String.init) ?? []
        }
    }
}
