extension DeviceKeys {
    /// The properties of network interfaces, by `nictype`.
    static let nicTables: [String: KeyTable] = [
        "bridged": table(bridged), "macvlan": table(macvlan), "p2p": table(p2p), "physical": table(macvlan),
    ]

    private static func table(_ names: [String]) -> KeyTable {
        KeyTable(all.filter { names.contains($0.name) } + [ConfigKey("user.*", .blob, "Free for users.")])
    }

    private static let p2p = [
        "boot.priority", "host_name", "hwaddr", "ipv4.routes", "ipv6.routes", "limits.egress", "limits.ingress",
        "limits.max", "mtu", "name",
    ]

    private static let macvlan = [
        "boot.priority", "gvrp", "hwaddr", "maas.subnet.ipv4", "maas.subnet.ipv6", "mtu", "name", "network", "parent",
        "vlan",
    ]

    private static let bridged =
        p2p + [
            "ipv4.address", "ipv4.routes.external", "ipv6.address", "ipv6.routes.external", "maas.subnet.ipv4",
            "maas.subnet.ipv6",
            "network", "parent", "security.ipv4_filtering", "security.ipv6_filtering", "security.mac_filtering",
            "security.port_isolation", "vlan", "vlan.tagged",
        ]

    private static let all: [ConfigKey] = [
        .init("boot.priority", .uint32, "Boot order; higher values come first."),
        .init("gvrp", .bool, default: "false", "Register the VLAN by GVRP."),
        .init("host_name", "Name of the interface on the host."),
        .init("hwaddr", check: .mac.optional, "Hardware address in the instance."),
        .init("ipv4.address", check: .addressV4.or("none").optional, "Address that DHCP gives."),
        .init(
            "ipv4.routes", .list, check: .list(of: .networkV4).optional,
            "Subnets to route to the interface, separated by commas."),
        .init("ipv4.routes.external", .list, check: .list(of: .networkV4).optional, "The same, announced to uplinks."),
        .init("ipv6.address", check: .addressV6.or("none").optional, "Address that DHCP gives."),
        .init(
            "ipv6.routes", .list, check: .list(of: .networkV6).optional,
            "Subnets to route to the interface, separated by commas."),
        .init("ipv6.routes.external", .list, check: .list(of: .networkV6).optional, "The same, announced to uplinks."),
        .init("limits.egress", "Most bits a second that leave the instance."),
        .init("limits.ingress", "Most bits a second that enter the instance."),
        .init("limits.max", "Both of these."),
        .init("maas.subnet.ipv4", "MAAS subnet to register the instance in."),
        .init("maas.subnet.ipv6", "MAAS subnet to register the instance in."),
        .init("mtu", .integer, check: .mtu.optional, "Largest packet."),
        .init("name", check: .interfaceName.optional, "Name of the interface in the instance."),
        .init("network", "Managed network to connect to."),
        .init("parent", .string, privilege: .host, "Host interface to connect to."),
        .init("security.ipv4_filtering", .bool, default: "false", "Refuse packets with another's IPv4 address."),
        .init("security.ipv6_filtering", .bool, default: "false", "Refuse packets with another's IPv6 address."),
        .init("security.mac_filtering", .bool, default: "false", "Refuse packets with another's hardware address."),
        .init("security.port_isolation", .bool, default: "false", "Refuse packets to other isolated interfaces."),
        .init("vlan", .integer, check: .vlan.or("none").optional, "VLAN of untagged packets."),
        .init(
            "vlan.tagged", .list,
            check: ConfigCheck { value in ConfigList.values(value).lazy.compactMap { ConfigCheck.vlanRange($0) }.first
            }, "VLANs of tagged packets, separated by commas."),
    ]
}
