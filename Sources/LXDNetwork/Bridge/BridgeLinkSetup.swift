import Glibc
import LXDAPI
import LXDNetlink
import Logging
import SystemPackage

/// Makes the kernel's side of a bridge what its configuration says: link, kernel parameters, addresses, routes.
///
/// All calls block shortly; each may be made again.
struct BridgeLinkSetup {
    let network: BridgeConfiguration
    let address: MACAddress
    let socket: RouteSocket
    let logger: Logger

    private var ipv6Parameters: String { "net/ipv6/conf/\(network.name)" }

    /// - Returns: Whether the bridge was made now.
    func ensureLink() throws -> Bool {
        let existing = try socket.link(named: network.name)
        if let existing, existing.kind != "bridge" {
            throw LXDError.badRequest("Network interface \(goQuoted(network.name)) already exists")
        }
        if existing == nil {
            // Without forwarding delay a new port works at once; there is no spanning tree to wait for.
            try socket.create(LinkCreation(network.name, .bridge(forwardDelay: 0)))
        }
        return existing == nil
    }

    func configure() throws {
        try prepareIPv6()
        try removeMTUHelper()
        let mtu = network.mtu ?? 1500
        if network.mtu != nil { addMTUHelper(mtu) }
        try socket.change(network.name, LinkChange(mtu: mtu))
        try socket.change(network.name, LinkChange(address: address))
        do {
            try socket.change(network.name, LinkChange(bridgeVLANFiltering: true))
        } catch {
            // Only NICs with VLANs need it; they say so. Some kernels lack it.
            logger.debug(
                "Failed enabling VLAN filtering", metadata: ["network": "\(network.name)", "error": "\(error)"])
        }
        try socket.change(network.name, LinkChange(isUp: true))
        try attachExternalInterfaces()
        guard let link = try socket.link(named: network.name) else {
            throw NetlinkError(.noSuchDevice, "configure", network.name)
        }
        try configureIPv4(link)
        try configureIPv6(link)
    }

    private func prepareIPv6() throws {
        guard network.ipv6 != nil else {
            // Otherwise guests could reach the host by its link-local address, or give it one of theirs.
            return try Sysctl.writeIfPresent("\(ipv6Parameters)/disable_ipv6", "1")
        }
        guard access("/proc/sys/net/ipv6", F_OK) == 0 else {
            throw LXDError.badRequest("Network has ipv6.address but kernel IPv6 support is missing")
        }
        try Sysctl.write("\(ipv6Parameters)/disable_ipv6", "0")
        try Sysctl.write("\(ipv6Parameters)/autoconf", "0")
        try Sysctl.write("\(ipv6Parameters)/accept_dad", "0")
    }

    /// A port that holds the bridge's MTU: a bridge takes the smallest of its ports. Some kernels have no such link;
    /// the MTU then lasts until the first port comes.
    private func addMTUHelper(_ mtu: UInt32) {
        do {
            guard let bridge = try socket.link(named: network.name) else { return }
            try socket.create(
                LinkCreation("\(network.name)-mtu", .dummy, mtu: mtu, isUp: true, masterIndex: bridge.index))
        } catch {
            logger.debug("No helper link for the MTU", metadata: ["network": "\(network.name)", "error": "\(error)"])
        }
    }

    func removeMTUHelper() throws {
        try socket.deleteLinkIfPresent("\(network.name)-mtu")
    }

    private func attachExternalInterfaces() throws {
        for name in network.externalInterfaces {
            guard let link = try socket.link(named: name) else {
                logger.warning("Skipping attaching missing external interface", metadata: ["interface": "\(name)"])
                continue
            }
            let isConfigured = try socket.addresses(linkIndex: link.index).contains {
                $0.linkIndex == link.index && $0.scopeName == "global"
            }
            guard !isConfigured else {
                throw LXDError.badRequest("Only unconfigured network interfaces can be bridged")
            }
            guard let bridge = try socket.link(named: network.name) else { continue }
            try socket.change(name, LinkChange(masterIndex: bridge.index))
        }
    }

    func detachExternalInterfaces(_ names: [String]) throws {
        guard let bridge = try socket.link(named: network.name) else { return }
        // One that sits in another bridge by now is none of ours.
        for name in names where try socket.link(named: name)?.masterIndex == bridge.index {
            try socket.change(name, LinkChange(masterIndex: 0))
        }
    }

    private func configureIPv4(_ link: Link) throws {
        if network.routesV4 { try Sysctl.write("net/ipv4/ip_forward", "1") }
        try replaceAddress(link, network.ipv4, family: UInt8(AF_INET))
    }

    private func configureIPv6(_ link: Link) throws {
        if network.ipv6 != nil && network.routesV6 { try forwardIPv6() }
        try replaceAddress(link, network.ipv6, family: UInt8(AF_INET6))
    }

    /// The kernel drops an interface's routes with its last address: those that instances and others put there
    /// (origin "boot") are kept and put back.
    private func replaceAddress(_ link: Link, _ address: IPPrefix?, family: UInt8) throws {
        let kept = try socket.routes(family: family, linkIndex: link.index, origin: .boot)
        let current = try socket.addresses(linkIndex: link.index, family: family).filter {
            $0.linkIndex == link.index && $0.scope == 0
        }
        let isSame = address != nil && current.map(\.prefix) == [address]
        if !isSame {
            for entry in current { try socket.delete(entry, linkName: link.name) }
        }
        for route in try socket.routes(family: family, linkIndex: link.index, origin: .static) {
            try socket.delete(route, linkName: link.name)
        }
        guard let address else { return }
        if !isSame { try socket.add(address, to: link) }
        for destination in network.routes where destination.address.family == family {
            try addRoute(Route(to: destination, linkIndex: link.index, origin: .static), link)
        }
        // Those without a gateway first: a gateway may be reachable through them only.
        for route in kept.sorted(by: { ($0.gateway == nil ? 0 : 1) < ($1.gateway == nil ? 0 : 1) }) {
            do {
                try addRoute(route, link)
            } catch {
                logger.warning(
                    "Failed to restore route", metadata: ["network": "\(network.name)", "error": "\(error)"])
            }
        }
    }

    private func addRoute(_ route: Route, _ link: Link) throws {
        do {
            try socket.add(route, linkName: link.name)
        } catch where error.errno == .fileExists {
            return
        }
    }

    /// A host that forwards ignores router advertisements unless told otherwise; its own uplink may live by them.
    private func forwardIPv6() throws {
        let links = Sysctl.names(below: "net/ipv6/conf")
        for link in links where Sysctl.read("net/ipv6/conf/\(link)/accept_ra") == "1" {
            try Sysctl.writeIfPresent("net/ipv6/conf/\(link)/accept_ra", "2")
        }
        for link in links { try Sysctl.writeIfPresent("net/ipv6/conf/\(link)/forwarding", "1") }
    }
}
