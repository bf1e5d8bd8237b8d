import LXDAPI
import LXDLinux
import LXDNetlink
import LXDRuntimePlan
import SystemPackage

/// A network interface of a container.
package struct NICDevice: Device {
    let settings: DeviceSettings
    package let plan: NICPlan
    let networks: any NetworkProvider
    /// The host's end of a veth pair, or the temporary name of what moves in.
    let hostLink: String

    init(settings: DeviceSettings, plan: NICPlan, networks: any NetworkProvider) {
        self.settings = settings
        self.plan = plan
        self.networks = networks
        let noted = settings.volatile["host_name"].flatMap { $0.isEmpty ? nil : $0 }
        hostLink =
            plan.kind == .physical
            ? NICLinks.hostDevice(plan)
            : plan.hostName ?? noted ?? LinkName.random(plan.kind == .macvlan ? "mac" : "veth")
    }

    package var name: String { settings.name }

    package var updatableKeys: Set<String> {
        switch plan.kind {
        case .bridged:
            [
                "limits.ingress", "limits.egress", "limits.max", "ipv4.routes", "ipv6.routes", "ipv4.routes.external",
                "ipv6.routes.external", "ipv4.address", "ipv6.address", "security.mac_filtering",
                "security.ipv4_filtering", "security.ipv6_filtering",
            ]
        case .p2p: ["limits.ingress", "limits.egress", "limits.max", "ipv4.routes", "ipv6.routes"]
        case .macvlan, .physical: []
        }
    }

    /// The managed bridge that gives the NIC an address.
    private var managedBridge: ManagedNetwork? { plan.kind == .bridged ? plan.network : nil }

    package func add() async throws { try await tellNetwork() }

    package var volatileBeforeStart: [String: String?] {
        plan.kind == .physical ? [:] : [settings.volatileKey("host_name"): hostLink]
    }

    package func start() async throws -> DeviceStart {
        guard !plan.interfaceName.isEmpty else { throw LXDError.badRequest("Requires name property to start") }
        if let network = plan.network, !settings["network"].isEmpty, await !networks.isAvailable(network.name) {
            throw LXDError.unavailable("Network \(goQuoted(network.name)) unavailable on this server")
        }
        if let bridge = managedBridge,
            await !networks.hasHost(device: name, of: settings.owner, on: bridge.name)
        {
            try await tellNetwork()
        }
        var start = DeviceStart()
        do {
            let (plan, link, isNoted) = (plan, hostLink, settings.volatile["host_name"]?.isEmpty == false)
            let made = try await BlockingPool.shared.run {
                try NICLinks(plan: plan, hostLink: link, socket: RouteSocket()).make(replacingLeftover: isNoted)
            }
            start.networkInterfaces = [
                NetworkInterfaceEntry(
                    hostLinkName: made.movingLink, name: plan.interfaceName,
                    hardwareAddress: plan.hardwareAddress.map(\.description) ?? "", mtu: 0)
            ]
            start.volatile[settings.volatileKey("host_name")] = hostLink
            for (key, value) in made.notes { start.volatile[settings.volatileKey(key)] = value }
            if let filter = try await filter() {
                try await networks.applyFilter(filter, device: name, of: settings.owner)
            }
        } catch {
            // The first error tells why.
            _ = try? await stop()
            throw error
        }
        return start
    }

    package func stop() async throws -> [String: String?] {
        let (plan, link, notes) = (plan, hostLink, settings.volatile)
        try await BlockingPool.shared.run {
            try NICLinks(plan: plan, hostLink: link, socket: RouteSocket()).remove(notes: notes)
        }
        if plan.filter(link: link) != nil { try await networks.removeFilter(device: name, of: settings.owner) }
        let keys = ["host_name", "last_state.hwaddr", "last_state.mtu", "last_state.created"]
        return Dictionary(uniqueKeysWithValues: keys.map { (settings.volatileKey($0), nil) })
    }

    package func detach(from target: any HotplugTarget) async throws {
        switch plan.kind {
        case .bridged, .p2p: return  // goes with the host's end
        case .macvlan: try await NICMove.delete(plan.interfaceName, in: target.initPID)
        case .physical:
            throw LXDError.notImplemented("A physical network device cannot be removed from a running container")
        }
    }

    package func update(from old: any Device, isRunning: Bool) async throws {
        guard let old = old as? NICDevice else { return }
        if let bridge = managedBridge, let address = plan.hardwareAddress, plan.ipv6 != old.plan.ipv6 {
            await networks.releaseIPv6Leases(of: address, owner: settings.owner, on: bridge.name)
        }
        if isRunning {
            let (plan, link, oldPlan) = (plan, hostLink, old.plan)
            try await BlockingPool.shared.run {
                let links = NICLinks(plan: plan, hostLink: link, socket: try RouteSocket())
                try links.change(from: oldPlan)
            }
            if let filter = try await filter() {
                try await networks.applyFilter(filter, device: name, of: settings.owner)
            } else if old.plan.filter(link: hostLink) != nil {
                try await networks.removeFilter(device: name, of: settings.owner)
            }
        }
        try await tellNetwork()
        if isRunning, plan.ipv6 != old.plan.ipv6 {
            // The container notices that its cable was out, and asks for an address again.
            let link = hostLink
            try await BlockingPool.shared.run {
                let socket = try RouteSocket()
                try socket.change(link, LinkChange(isUp: false))
                try socket.change(link, LinkChange(isUp: true))
            }
        }
    }

    package func remove() async throws {
        guard let bridge = managedBridge else { return }
        await networks.removeHost(
            device: name, of: settings.owner, hardwareAddress: plan.hardwareAddress, on: bridge.name)
    }

    package func repair() async throws {
        guard plan.kind == .bridged else { return }
        let (plan, link) = (plan, hostLink)
        try await BlockingPool.shared.run {
            try NICLinks(plan: plan, hostLink: link, socket: RouteSocket()).plugIn()
        }
        if let filter = try await filter() {
            try await networks.applyFilter(filter, device: name, of: settings.owner)
        }
    }

    private func tellNetwork() async throws {
        guard let bridge = managedBridge, let address = plan.hardwareAddress else { return }
        let host = NICAddress(device: name, hardwareAddress: address, ipv4: plan.ipv4, ipv6: plan.ipv6)
        if plan.reservesIPv4 || plan.reservesIPv6 {
            _ = try await reserve(host, bridge)
        } else {
            try await networks.setHost(host, of: settings.owner, on: bridge.name)
        }
    }

    private func reserve(_ host: NICAddress, _ bridge: ManagedNetwork) async throws -> NICAddress {
        try await networks.reserveHost(
            host, of: settings.owner, on: bridge.name, wantsIPv4: plan.reservesIPv4, wantsIPv6: plan.reservesIPv6)
    }

    /// What it may send, with the addresses that are kept for it; without DHCP there are none, and nothing passes.
    private func filter() async throws -> NICFilter? {
        guard var filter = plan.filter(link: hostLink) else { return nil }
        guard plan.reservesIPv4 || plan.reservesIPv6, let bridge = managedBridge else { return filter }
        let own = NICAddress(device: name, hardwareAddress: filter.hardwareAddress, ipv4: plan.ipv4, ipv6: plan.ipv6)
        let host = try await reserve(own, bridge)
        func whole(_ address: IPAddress?) -> [IPPrefix] {
            address.flatMap { IPPrefix($0, length: $0.bitCount) }.map { [$0] } ?? []
        }
        if plan.reservesIPv4 { filter.ipv4 = whole(host.ipv4) + plan.routes.filter(\.address.isIPv4) }
        if plan.reservesIPv6 { filter.ipv6 = whole(host.ipv6) + plan.routes.filter(\.address.isIPv6) }
        return filter
    }
}
