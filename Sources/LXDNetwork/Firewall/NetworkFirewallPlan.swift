import LXDNetlink

/// The chains of one managed bridge. Names are LXD's, so that people find what they know.
package enum NetworkFirewallPlan {
    /// Every chain a network may have.
    package static func names(of network: String) -> [String] {
        ["fwd", "pstrt", "in", "out"].map { "\($0).\(network)" }
    }

    /// - Returns: Chains in the order they are made; within each, denials stand before permissions.
    package static func chains(for network: BridgeConfiguration) -> [FirewallChain] {
        var chains: [FirewallChain] = []
        let translation = translations(network)
        if !translation.isEmpty {
            chains.append(
                FirewallChain(
                    "pstrt.\(network.name)", type: "nat", hook: "postrouting", priority: 100, rules: translation))
        }
        guard network.hasFirewallV4 || network.hasFirewallV6 else { return chains }
        chains.append(
            FirewallChain("fwd.\(network.name)", hook: "forward", priority: 0, rules: forwarding(network)))
        chains.append(FirewallChain("in.\(network.name)", hook: "input", priority: 0, rules: input(network)))
        chains.append(FirewallChain("out.\(network.name)", hook: "output", priority: 0, rules: output(network)))
        return chains
    }

    private static func translations(_ network: BridgeConfiguration) -> [FirewallRule] {
        [(network.ipv4, "ipv4"), (network.ipv6, "ipv6")].compactMap { address, key in
            guard let subnet = address?.network, network.isTrue("\(key).nat") else { return nil }
            let verdict = IPAddress(network["\(key).nat.address"]).map { FirewallRule.Verdict.sourceAddress($0) }
            return FirewallRule([.source(subnet), .notDestination(subnet)], verdict ?? .masquerade)
        }
    }

    private static func forwarding(_ network: BridgeConfiguration) -> [FirewallRule] {
        var rules: [FirewallRule] = []
        for (version, isOn, mayPass) in [
            (4, network.hasFirewallV4, network.routesV4), (6, network.hasFirewallV6, network.routesV6),
        ] where isOn {
            let verdict: FirewallRule.Verdict = mayPass ? .accept : .reject
            rules.append(FirewallRule([.version(version), .outputLink(network.name)], verdict))
            rules.append(FirewallRule([.version(version), .inputLink(network.name)], verdict))
        }
        return rules.filter { $0.verdict.isDenial } + rules.filter { !$0.verdict.isDenial }
    }

    private static func input(_ network: BridgeConfiguration) -> [FirewallRule] {
        let link = FirewallRule.Match.inputLink(network.name)
        var rules = [
            FirewallRule([link, .port(protocol: "tcp", direction: "dport", 53)], .accept),
            FirewallRule([link, .port(protocol: "udp", direction: "dport", 53)], .accept),
        ]
        if network.hasFirewallV4 && network.dhcpv4Subnet != nil {
            rules.append(FirewallRule([link, .icmpTypes(version: 4, [3, 11, 12])], .accept))
            rules.append(FirewallRule([link, .port(protocol: "udp", direction: "dport", 67)], .accept))
        }
        if network.hasFirewallV6 && network.dhcpv6Subnet != nil {
            rules.append(FirewallRule([link, .icmpTypes(version: 6, [1, 2, 3, 4, 133, 135, 136, 143])], .accept))
            rules.append(FirewallRule([link, .port(protocol: "udp", direction: "dport", 547)], .accept))
        }
        return rules
    }

    private static func output(_ network: BridgeConfiguration) -> [FirewallRule] {
        let link = FirewallRule.Match.outputLink(network.name)
        var rules = [
            FirewallRule([link, .port(protocol: "tcp", direction: "sport", 53)], .accept),
            FirewallRule([link, .port(protocol: "udp", direction: "sport", 53)], .accept),
        ]
        if network.hasFirewallV4 && network.dhcpv4Subnet != nil {
            rules.append(FirewallRule([link, .icmpTypes(version: 4, [3, 11, 12])], .accept))
            rules.append(FirewallRule([link, .port(protocol: "udp", direction: "sport", 67)], .accept))
        }
        if network.hasFirewallV6 && network.dhcpv6Subnet != nil {
            rules.append(FirewallRule([link, .icmpTypes(version: 6, [1, 2, 3, 4, 128, 134, 135, 136, 143])], .accept))
            rules.append(FirewallRule([link, .port(protocol: "udp", direction: "sport", 547)], .accept))
        }
        return rules
    }
}
