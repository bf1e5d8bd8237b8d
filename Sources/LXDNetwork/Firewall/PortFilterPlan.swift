package import LXDNetlink

/// What an instance's NIC may send into its bridge: its own addresses only.
///
/// Every rule that drops a forgery stands before any that accepts: a packet accepted by its IP address could
/// otherwise carry another's hardware address (CVE-2025-52890).
package struct PortFilterPlan: Sendable, Equatable {
    /// The host's end of the NIC.
    package var link: String
    package var hardwareAddress: MACAddress
    /// nil lets every address through; empty lets none.
    package var ipv4: [IPPrefix]?
    package var ipv6: [IPPrefix]?

    package init(link: String, hardwareAddress: MACAddress, ipv4: [IPPrefix]?, ipv6: [IPPrefix]?) {
        self.link = link
        self.hardwareAddress = hardwareAddress
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }

    /// - Parameter label: `INSTANCE.DEVICE`, with `PROJECT_` before it outside project default.
    package static func names(label: String) -> [String] { ["in.\(label)", "fwd.\(label)"] }

    package func chains(label: String) -> [FirewallChain] {
        [
            FirewallChain(
                "in.\(label)", family: .bridge, hook: "input", priority: -200, rules: forgeries + toHost + common),
            FirewallChain("fwd.\(label)", family: .bridge, hook: "forward", priority: -200, rules: forgeries + common),
        ]
    }

    private var from: FirewallRule.Match { .inputLink(link) }

    /// Dropped whatever else they are: another's hardware address, router advertisements, odd protocols.
    private var forgeries: [FirewallRule] {
        var rules = [
            FirewallRule([from, .notHardwareSource(hardwareAddress)], .drop),
            FirewallRule([from, .etherType("arp"), .arpNotHardwareSource(hardwareAddress)], .drop),
            // The link-layer option of a neighbour advertisement: 66 bytes into the IPv6 header.
            FirewallRule(
                [
                    from, .etherType("ip6"), .icmpTypes(version: 6, [136]),
                    .rawHeader(offset: 528, bits: 48, isEqual: false, bytes: hardwareAddress.bytes),
                ], .drop),
        ]
        if ipv6 != nil { rules.append(FirewallRule([from, .etherType("ip6"), .icmpTypes(version: 6, [134])], .drop)) }
        if !(ipv4 ?? []).isEmpty || !(ipv6 ?? []).isEmpty {
            rules.append(FirewallRule([from, .notEtherTypes(["arp", "ip", "ip6"])], .drop))
        }
        return rules
    }

    /// Asking the host for an address before one is there.
    private var toHost: [FirewallRule] {
        var rules: [FirewallRule] = []
        if ipv4?.isEmpty == false, let any = IPPrefix("0.0.0.0/32"), let all = IPPrefix("255.255.255.255/32") {
            rules.append(
                FirewallRule(
                    [from, .source(any), .destination(all), .port(protocol: "udp", direction: "dport", 67)], .accept))
        }
        if ipv6?.isEmpty == false, let local = IPPrefix("fe80::/10"), let servers = IPPrefix("ff02::1:2/128"),
            let routers = IPPrefix("ff02::2/128")
        {
            rules.append(
                FirewallRule(
                    [from, .source(local), .destination(servers), .port(protocol: "udp", direction: "dport", 547)],
                    .accept))
            rules.append(
                FirewallRule(
                    [from, .source(local), .destination(routers), .icmpTypes(version: 6, [133])], .accept))
        }
        return rules
    }

    private var common: [FirewallRule] {
        var rules: [FirewallRule] = []
        if let ipv4 {
            for prefix in ipv4 {
                rules.append(FirewallRule([from, .etherType("arp"), .arpSource(prefix)], .accept))
                rules.append(FirewallRule([from, .etherType("ip"), .source(prefix)], .accept))
            }
            rules.append(FirewallRule([from, .etherType("arp")], .drop))
            rules.append(FirewallRule([from, .etherType("ip")], .drop))
        }
        if let ipv6 {
            // The target of a neighbour advertisement, 48 bytes into the header, must be the NIC's own, and all others
            // are dropped here: their source address may be right while the target is another's.
            for prefix in ipv6 { rules.append(contentsOf: advertisements(prefix)) }
            rules.append(FirewallRule([from, .etherType("ip6"), .icmpTypes(version: 6, [136])], .drop))
            for prefix in ipv6 { rules.append(FirewallRule([from, .etherType("ip6"), .source(prefix)], .accept)) }
            rules.append(FirewallRule([from, .etherType("ip6")], .drop))
        }
        return rules
    }

    private func advertisements(_ prefix: IPPrefix) -> [FirewallRule] {
        let whole = prefix.length / 8
        guard prefix.length > 0, prefix.length % 8 == 0 else { return [] }
        let bytes = Array(prefix.network.address.bytes.prefix(whole))
        return [
            FirewallRule(
                [
                    from, .etherType("ip6"), .icmpTypes(version: 6, [136]),
                    .rawHeader(offset: 384, bits: prefix.length, isEqual: true, bytes: bytes),
                ], .accept)
        ]
    }
}
