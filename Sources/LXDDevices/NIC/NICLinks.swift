import Glibc
import LXDAPI
import LXDLinux
import LXDNetlink
import SystemPackage

/// The kernel's side of a NIC. All calls block shortly.
struct NICLinks {
    struct Made: Sendable {
        /// What moves into the container.
        var movingLink: String
        /// Volatile keys beside `host_name`.
        var notes: [String: String] = [:]
    }

    let plan: NICPlan
    let hostLink: String
    let socket: RouteSocket

    /// The device a NIC sits on: the parent, or the VLAN on it.
    static func hostDevice(_ plan: NICPlan) -> String {
        plan.vlan.isEmpty || plan.kind == .bridged ? plan.parent : "\(plan.parent).\(plan.vlan)"
    }

    /// - Parameter replacingLeftover: The host's end was noted by us: if it is still there, a start was interrupted.
    func make(replacingLeftover: Bool) throws -> Made {
        switch plan.kind {
        case .bridged: return try makeBridged(replacingLeftover)
        case .p2p: return try makePair(replacingLeftover, mtu: plan.mtu) { _ in }
        case .macvlan: return try makeMACVLAN(replacingLeftover)
        case .physical: return try preparePhysical()
        }
    }

    func remove(notes: [String: String]) throws {
        switch plan.kind {
        case .bridged, .p2p:
            // One end takes the other along.
            try socket.deleteLinkIfPresent(hostLink)
            if plan.kind == .bridged { try removeRoutes(plan.routes, plan.parent) }
        case .macvlan:
            try socket.deleteLinkIfPresent(hostLink)
            try removeVLAN(notes)
        case .physical:
            try restorePhysical(notes)
            try removeVLAN(notes)
        }
    }

    /// Applies changes that need no new link.
    func change(from old: NICPlan) throws {
        let device = plan.kind == .bridged ? plan.parent : hostLink
        try removeRoutes(old.routes.filter { !plan.routes.contains($0) }, device)
        try addRoutes(plan.routes.filter { !old.routes.contains($0) }, device)
        if (plan.ingress, plan.egress) != (old.ingress, old.egress) { try limit() }
    }

    // MARK: veth

    private func makeBridged(_ replacingLeftover: Bool) throws -> Made {
        guard let bridge = try socket.link(named: plan.parent) else {
            throw LXDError.badRequest("Parent device \(goQuoted(plan.parent)) doesn't exist")
        }
        return try makePair(replacingLeftover, mtu: plan.mtu ?? bridge.mtu) { _ in
            // The host's end needs no address of its own: it is the bridge's port.
            try Self.setParameter("net/ipv6/conf/\(hostLink)/disable_ipv6", "1")
            try Self.setParameter("net/ipv6/conf/\(hostLink)/accept_ra", "0")
            try plug(into: bridge)
        }
    }

    private func plug(into bridge: Link) throws {
        try socket.change(hostLink, LinkChange(masterIndex: bridge.index))
        if plan.isIsolated { try socket.setBridgePort(hostLink, isIsolated: true) }
        try setVLANs(bridge)
    }

    /// Plugs the host's end into its bridge again when it is in none: the bridge was made anew.
    func plugIn() throws {
        guard let bridge = try socket.link(named: plan.parent), let port = try socket.link(named: hostLink),
            port.masterIndex != bridge.index
        else { return }
        try plug(into: bridge)
        try addRoutes(plan.routes, plan.parent)
        // What has come from another host is still looked for there, at worst until it sends something by itself.
        if let address = plan.hardwareAddress { try? socket.announce(address, at: port, of: bridge) }
    }

    private func makePair(_ replacingLeftover: Bool, mtu: UInt32?, _ plug: (RouteSocket) throws -> Void) throws -> Made
    {
        if replacingLeftover { try socket.deleteLinkIfPresent(hostLink) }
        let peer = LinkName.random("veth")
        let kind = LinkCreation.Kind.veth(peer: peer, peerAddress: plan.hardwareAddress, peerMTU: mtu)
        do {
            try socket.create(LinkCreation(hostLink, kind, mtu: mtu))
        } catch {
            throw LXDError.internalError(
                "Failed to create the veth interfaces \(goQuoted(hostLink)) and \(goQuoted(peer)): \(error)",
                cause: error)
        }
        do {
            try plug(socket)
            try socket.change(hostLink, LinkChange(isUp: true))
            try addRoutes(plan.routes, plan.kind == .bridged ? plan.parent : hostLink)
            if plan.ingress != nil || plan.egress != nil { try limit() }
        } catch {
            try remove(notes: [:])
            throw error
        }
        return Made(movingLink: peer)
    }

    private func setVLANs(_ bridge: Link) throws {
        guard !plan.vlan.isEmpty || !plan.taggedVLANs.isEmpty else { return }
        guard bridge.bridge?.isVLANFiltering == true else {
            throw LXDError.badRequest("VLAN filtering is not enabled in parent bridge \(goQuoted(plan.parent))")
        }
        let usual = bridge.bridge?.defaultVLAN ?? 0
        if !plan.vlan.isEmpty, usual != 0, plan.vlan != "\(usual)" {
            try socket.removeBridgeVLAN(usual, from: hostLink)
        }
        if let id = UInt16(plan.vlan) { try socket.addBridgeVLAN(id, isUntagged: true, to: hostLink) }
        for id in plan.taggedVLANs { try socket.addBridgeVLAN(id, isUntagged: false, to: hostLink) }
    }

    private func limit() throws {
        do {
            // What the host sends into the pair is what the container receives.
            try socket.limitSending(of: hostLink, bitsPerSecond: plan.ingress)
        } catch { throw LXDError.internalError("Failed to create limit tc class: \(error)", cause: error) }
        do {
            try socket.limitReceiving(of: hostLink, bitsPerSecond: plan.egress)
        } catch { throw LXDError.internalError("Failed to create ingress tc filter: \(error)", cause: error) }
    }

    private func addRoutes(_ routes: [IPPrefix], _ device: String) throws {
        guard !routes.isEmpty else { return }
        guard let link = try socket.link(named: device) else {
            throw LXDError.internalError("Route interface missing \(goQuoted(device))")
        }
        for (position, route) in routes.enumerated() {
            do {
                // "boot" tells them from a network's own routes.
                try socket.add(Route(to: route, linkIndex: link.index, origin: .boot), linkName: device)
            } catch {
                try removeRoutes(Array(routes[..<position]), device)
                throw error
            }
        }
    }

    private func removeRoutes(_ routes: [IPPrefix], _ device: String) throws {
        guard !routes.isEmpty, let link = try socket.link(named: device) else { return }
        for route in routes {
            try socket.delete(Route(to: route, linkIndex: link.index, origin: .boot), linkName: device)
        }
    }

    // MARK: macvlan, physical

    private func makeMACVLAN(_ replacingLeftover: Bool) throws -> Made {
        if replacingLeftover { try socket.deleteLinkIfPresent(hostLink) }
        var made = Made(movingLink: hostLink)
        let (parent, isCreated) = try ensureVLAN()
        made.notes["last_state.created"] = "\(isCreated)"
        do {
            try socket.create(
                LinkCreation(
                    hostLink, .macvlan(parentIndex: parent.index), address: plan.hardwareAddress, mtu: plan.mtu))
        } catch {
            try removeVLAN(made.notes)
            throw error
        }
        return made
    }

    private func preparePhysical() throws -> Made {
        let (link, isCreated) = try ensureVLAN()
        var made = Made(movingLink: link.name)
        made.notes["last_state.created"] = "\(isCreated)"
        if !isCreated {
            made.notes["last_state.mtu"] = "\(link.mtu)"
            made.notes["last_state.hwaddr"] = link.hardwareAddressText
        }
        if let address = plan.hardwareAddress { try socket.change(link.name, LinkChange(address: address)) }
        if let mtu = plan.mtu { try socket.change(link.name, LinkChange(mtu: mtu)) }
        return made
    }

    private func restorePhysical(_ notes: [String: String]) throws {
        let name = Self.hostDevice(plan)
        guard !isTrue(notes["last_state.created"]), try socket.link(named: name) != nil else { return }
        guard let mtu = notes["last_state.mtu"].flatMap({ UInt32($0) }) else { return }
        try socket.change(name, LinkChange(isUp: false))
        try socket.change(name, LinkChange(mtu: mtu))
        if let address = MACAddress(notes["last_state.hwaddr"] ?? "") {
            try socket.change(name, LinkChange(address: address))
        }
    }

    private func ensureVLAN() throws -> (link: Link, isCreated: Bool) {
        guard let parent = try socket.link(named: plan.parent) else {
            throw LXDError.badRequest("Parent device '\(plan.parent)' doesn't exist")
        }
        guard let id = UInt16(plan.vlan) else { return (parent, false) }
        let name = Self.hostDevice(plan)
        if let existing = try socket.link(named: name) { return (existing, false) }
        try socket.change(plan.parent, LinkChange(isUp: true))
        try socket.create(LinkCreation(name, .vlan(parentIndex: parent.index, id: id), isUp: true))
        guard let made = try socket.link(named: name) else { throw NetlinkError(.noSuchDevice, "create vlan", name) }
        return (made, true)
    }

    /// A VLAN that was made for this NIC goes with it, unless other links sit on it still.
    private func removeVLAN(_ notes: [String: String]) throws {
        guard isTrue(notes["last_state.created"]), let link = try socket.link(named: Self.hostDevice(plan)) else {
            return
        }
        let isUsed = try socket.links().contains { $0.peerIndex == link.index && $0.kind == "macvlan" }
        if !isUsed { try socket.deleteLinkIfPresent(link.name) }
    }

    private static func setParameter(_ key: String, _ value: String) throws {
        do {
            let descriptor = open("/proc/sys/" + key, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw Errno(rawValue: errno) }
            let parameter = OwnedDescriptor(adopting: FileDescriptor(rawValue: descriptor))
            try writeAll(Array(value.utf8), to: parameter.descriptor)
        } catch Errno.noSuchFileOrDirectory {
            return  // no IPv6 in this kernel
        }
    }
}
