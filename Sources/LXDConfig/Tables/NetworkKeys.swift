package import LXDAPI

/// The keys of managed bridges.
package enum NetworkKeys {
    package static let table = KeyTable(general + addresses + tunnels + security)

    /// The key that rules a name.
    package static func key(_ name: String) -> ConfigKey? { table.key(name) }

    /// Checks names, values and how they go together; what other networks hold is the caller's concern.
    ///
    /// - Throws: `.badRequest` with LXD's text.
    package static func validate(_ config: [String: String], network: String) throws(LXDError) {
        for name in config.keys.sorted() {
            let fields = name.split(separator: ".", omittingEmptySubsequences: false)
            let isMalformed =
                name.hasPrefix("tunnel.") && fields.count != 3 || name.hasPrefix("bgp.peers.") && fields.count != 4
            if isMalformed { throw .badRequest("Invalid network configuration key: \(name)") }
            if name.hasPrefix("tunnel."), network.utf8.count + fields[1].utf8.count > 14 {
                throw .badRequest("Network name too long for tunnel interface: \(network)-\(fields[1])")
            }
        }
        switch table.firstProblem(in: config) {
        case nil: break
        case .unknown(let name):
            throw .badRequest("Invalid option for network \(goQuoted(network)) option \(goQuoted(name))")
        case .invalid(let name, let text):
            throw .badRequest("Invalid value for network \(goQuoted(network)) option \(goQuoted(name)): \(text)")
        }
        try validateMode(config, network)
    }

    private static func validateMode(_ config: [String: String], _ network: String) throws(LXDError) {
        let isFan = config["bridge.mode"] == "fan"
        if isFan, network.utf8.count > 11 {
            throw .badRequest("Network name too long to use with the FAN (must be 11 characters or less)")
        }
        let allowedWithFan = ["ipv4.dhcp.expiry", "ipv4.firewall", "ipv4.nat", "ipv4.nat.order"]
        for (name, value) in config.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            if isFan, name.hasPrefix("ipv4."), !allowedWithFan.contains(name) {
                throw .badRequest("IPv4 configuration may not be set when in 'fan' mode")
            }
            if isFan, name.hasPrefix("ipv6.") {
                throw .badRequest("IPv6 configuration may not be set when in 'fan' mode")
            }
            if !isFan, name.hasPrefix("fan.") {
                throw .badRequest("FAN configuration may only be set when in 'fan' mode")
            }
        }
        guard isFan, let mtu = config["bridge.mtu"].flatMap({ Int($0) }) else { return }
        if config["fan.type"] == "ipip" {
            if mtu > 1480 { throw .badRequest("Maximum MTU for an IPIP FAN bridge is 1480") }
        } else if mtu > 1450 {
            throw .badRequest("Maximum MTU for a VXLAN FAN bridge is 1450")
        }
    }

    private static let interfaces = ConfigCheck { value in
        for name in ConfigList.split(value) {
            if let problem = ConfigCheck.interfaceName(name) {
                return "Invalid interface name \(goQuoted(name)): \(problem)"
            }
        }
        return nil
    }

    private static let general: [ConfigKey] = [
        .init("bgp.ipv4.nexthop", check: .addressV4.optional, "Next hop to announce for IPv4 prefixes."),
        .init("bgp.ipv6.nexthop", check: .addressV6.optional, "Next hop to announce for IPv6 prefixes."),
        .init("bgp.peers.NAME.address", check: .address.optional, "Address of a BGP peer."),
        .init(
            "bgp.peers.NAME.asn", .integer, check: .range(1...4_294_967_294).optional,
            "Autonomous system of a BGP peer."),
        .init("bgp.peers.NAME.password", "Password of the session with a BGP peer."),
        .init(
            "bridge.driver", default: "native", check: .oneOf("native", "openvswitch").optional,
            "Kernel bridge or Open vSwitch."),
        .init(
            "bridge.external_interfaces", .list, privilege: .host, check: interfaces.optional,
            "Unconfigured host interfaces to put into the bridge, separated by commas."),
        .init("bridge.hwaddr", check: .mac.optional, "Hardware address of the bridge."),
        .init("bridge.mode", default: "standard", check: .oneOf("standard", "fan").optional, "`standard` or `fan`."),
        .init("bridge.mtu", .integer, default: "1500", check: .mtu.optional, "Largest packet."),
        .init("dns.domain", default: "lxd", "Domain of the instances' names."),
        .init(
            "dns.mode", default: "managed", check: .oneOf("dynamic", "managed", "none").optional,
            "Names as the server knows the instances, as they call themselves, or none."),
        .init("dns.search", .list, "Domains to search, separated by commas."),
        .init("dns.zone.forward", "Zone for names."),
        .init("dns.zone.reverse.ipv4", "Zone for IPv4 addresses."),
        .init("dns.zone.reverse.ipv6", "Zone for IPv6 addresses."),
        .init("fan.overlay_subnet", default: "240.0.0.0/8", check: .networkV4.optional, "Subnet of the instances."),
        .init("fan.type", default: "vxlan", check: .oneOf("vxlan", "ipip").optional, "Tunnel of the fan."),
        .init("fan.underlay_subnet", default: "auto", check: .networkV4.or("auto").optional, "Subnet of the hosts."),
        .init("maas.subnet.ipv4", "MAAS subnet to register instances in."),
        .init("maas.subnet.ipv6", "MAAS subnet to register instances in."),
        .init("raw.dnsmasq", .blob, privilege: .host, "Lines added to the configuration of dnsmasq."),
        .init("user.*", .blob, "Free for users."),
    ]

    private static let addresses: [ConfigKey] = [
        .init(
            "ipv4.address", default: "auto", check: .interfaceAddressV4.or("none", "auto").optional,
            "Address of the bridge with the length of the prefix, `none`, or `auto` for a free subnet."),
        .init("ipv4.dhcp", .bool, default: "true", "Give out addresses."),
        .init("ipv4.dhcp.expiry", default: "1h", "How long a lease lasts."),
        .init("ipv4.dhcp.gateway", check: .addressV4.optional, "Gateway to tell the instances."),
        .init(
            "ipv4.dhcp.ranges", .list, check: .list(of: .addressRangeV4).optional,
            "Addresses to give out: `FIRST-LAST`, separated by commas."),
        .init("ipv4.firewall", .bool, default: "true", "Make firewall rules for the network."),
        .init("ipv4.nat", .bool, default: "false", "Translate addresses of outgoing packets."),
        .init("ipv4.nat.address", check: .addressV4.optional, "Address that outgoing packets are given."),
        .init(
            "ipv4.nat.order", default: "before", check: .oneOf("before", "after").optional,
            "Whether the rules come before or after others."),
        .init(
            "ipv4.ovn.ranges", .list, check: .list(of: .addressRangeV4).optional,
            "Addresses for OVN routers: `FIRST-LAST`, separated by commas."),
        .init(
            "ipv4.routes", .list, check: .list(of: .networkV4).optional,
            "More subnets to route to the bridge, separated by commas."),
        .init("ipv4.routing", .bool, default: "true", "Route packets in and out of the network."),
        .init(
            "ipv6.address", default: "auto", check: .interfaceAddressV6.or("none", "auto").optional,
            "Address of the bridge with the length of the prefix, `none`, or `auto` for a free subnet."),
        .init("ipv6.dhcp", .bool, default: "true", "Give out configuration."),
        .init("ipv6.dhcp.expiry", default: "1h", "How long a lease lasts."),
        .init(
            "ipv6.dhcp.ranges", .list, check: .list(of: .addressRangeV6).optional,
            "Addresses to give out: `FIRST-LAST`, separated by commas."),
        .init("ipv6.dhcp.stateful", .bool, default: "false", "Give out addresses."),
        .init("ipv6.firewall", .bool, default: "true", "Make firewall rules for the network."),
        .init("ipv6.nat", .bool, default: "false", "Translate addresses of outgoing packets."),
        .init("ipv6.nat.address", check: .addressV6.optional, "Address that outgoing packets are given."),
        .init(
            "ipv6.nat.order", default: "before", check: .oneOf("before", "after").optional,
            "Whether the rules come before or after others."),
        .init(
            "ipv6.ovn.ranges", .list, check: .list(of: .addressRangeV6).optional,
            "Addresses for OVN routers: `FIRST-LAST`, separated by commas."),
        .init(
            "ipv6.routes", .list, check: .list(of: .networkV6).optional,
            "More subnets to route to the bridge, separated by commas."),
        .init("ipv6.routing", .bool, default: "true", "Route packets in and out of the network."),
    ]

    private static let tunnels: [ConfigKey] = [
        .init("tunnel.NAME.group", check: .address.optional, "Multicast group of a vxlan tunnel."),
        .init("tunnel.NAME.id", .integer, "Id of a vxlan tunnel."),
        .init("tunnel.NAME.interface", check: .interfaceName.optional, "Host interface of a tunnel."),
        .init("tunnel.NAME.local", check: .address.optional, "Address of this end."),
        .init("tunnel.NAME.port", .integer, check: .tunnelPort.optional, "Port of a vxlan tunnel."),
        .init("tunnel.NAME.protocol", check: .oneOf("gre", "vxlan").optional, "`gre` or `vxlan`."),
        .init("tunnel.NAME.remote", check: .address.optional, "Address of the other end."),
        .init("tunnel.NAME.ttl", .integer, default: "1", check: .uint8.optional, "Hops of multicast packets."),
    ]

    private static let action = ConfigCheck.oneOf("allow", "drop", "reject").optional

    private static let security: [ConfigKey] = [
        .init("security.acls", .list, "Access lists of the interfaces on the network, separated by commas."),
        .init(
            "security.acls.default.egress.action", default: "reject", check: action,
            "What happens to outgoing packets that no rule names."),
        .init("security.acls.default.egress.logged", .bool, default: "false", "Whether they are logged."),
        .init(
            "security.acls.default.ingress.action", default: "reject", check: action,
            "What happens to incoming packets that no rule names."),
        .init("security.acls.default.ingress.logged", .bool, default: "false", "Whether they are logged."),
    ]
}
