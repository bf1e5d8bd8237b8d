import LXDAPI
package import LXDNetlink

/// A base chain of our table.
package struct FirewallChain: Sendable, Equatable {
    package enum Family: String, Sendable {
        case inet, bridge
    }

    package var family: Family
    package var name: String
    /// `filter` or `nat`.
    package var type: String
    package var hook: String
    package var priority: Int
    package var rules: [FirewallRule]

    package init(
        _ name: String, family: Family = .inet, type: String = "filter", hook: String, priority: Int,
        rules: [FirewallRule]
    ) {
        self.name = name
        self.family = family
        self.type = type
        self.hook = hook
        self.priority = priority
        self.rules = rules
    }
}

/// One rule: what must hold of a packet, and what becomes of it.
package struct FirewallRule: Sendable, Equatable {
    package enum Match: Sendable, Equatable {
        case inputLink(String)
        case outputLink(String)
        /// `ip version 4` or `ip6 version 6`.
        case version(Int)
        case source(IPPrefix)
        case destination(IPPrefix)
        case notDestination(IPPrefix)
        case port(protocol: String, direction: String, Int)
        /// Type numbers of `icmp` or `icmpv6`.
        case icmpTypes(version: Int, [Int])
        /// Ethernet type by nft's name: `arp`, `ip`, `ip6`.
        case etherType(String)
        case notEtherTypes([String])
        case notHardwareSource(MACAddress)
        case arpNotHardwareSource(MACAddress)
        case arpSource(IPPrefix)
        /// Bits of the network header that have, or do not have, a value. Offset and length in bits.
        case rawHeader(offset: Int, bits: Int, isEqual: Bool, bytes: [UInt8])
    }

    package enum Verdict: Sendable, Equatable {
        case accept, drop, reject, masquerade
        case sourceAddress(IPAddress)

        /// Whether the packet gets no further.
        package var isDenial: Bool { self == .drop || self == .reject }
    }

    package var matches: [Match]
    package var verdict: Verdict

    package init(_ matches: [Match], _ verdict: Verdict) {
        self.matches = matches
        self.verdict = verdict
    }
}

/// The only place where rules become text. Source: libnftables-json(5).
enum FirewallJSON {
    static let table = "lxd"

    /// One transaction that makes the chains `names` be exactly `chains`: those not among them go.
    static func replace(_ names: [(family: FirewallChain.Family, name: String)], with chains: [FirewallChain])
        -> JSONValue
    {
        var commands: [JSONValue] = []
        for family in Set(names.map(\.family) + chains.map(\.family)).sorted(by: { $0.rawValue < $1.rawValue }) {
            commands.append(["add": ["table": ["family": .string(family.rawValue), "name": .string(table)]]])
        }
        // "add" before "delete": a chain that is not there must not fail the transaction.
        for (family, name) in names {
            let chain = reference(family, name)
            commands.append(["add": ["chain": chain]])
            commands.append(["flush": ["chain": chain]])
            commands.append(["delete": ["chain": chain]])
        }
        for chain in chains {
            var description = reference(chain.family, chain.name)
            description["type"] = .string(chain.type)
            description["hook"] = .string(chain.hook)
            description["prio"] = .integer(Int64(chain.priority))
            description["policy"] = "accept"
            commands.append(["add": ["chain": description]])
            for rule in chain.rules {
                commands.append([
                    "add": [
                        "rule": [
                            "family": .string(chain.family.rawValue), "table": .string(table),
                            "chain": .string(chain.name), "expr": .array(expressions(rule)),
                        ]
                    ]
                ])
            }
        }
        return ["nftables": .array(commands)]
    }

    private static func reference(_ family: FirewallChain.Family, _ name: String) -> JSONValue {
        ["family": .string(family.rawValue), "table": .string(table), "name": .string(name)]
    }

    private static func expressions(_ rule: FirewallRule) -> [JSONValue] {
        rule.matches.flatMap(expressions) + [verdict(rule.verdict)]
    }

    private static func verdict(_ verdict: FirewallRule.Verdict) -> JSONValue {
        switch verdict {
        case .accept: ["accept": nil]
        case .drop: ["drop": nil]
        case .reject: ["reject": nil]
        case .masquerade: ["masquerade": nil]
        case .sourceAddress(let address):
            ["snat": ["addr": .string("\(address)"), "family": .string(address.isIPv4 ? "ip" : "ip6")]]
        }
    }

    private static func expressions(_ match: FirewallRule.Match) -> [JSONValue] {
        switch match {
        case .inputLink(let name): [compare(["meta": ["key": "iifname"]], .string(name))]
        case .outputLink(let name): [compare(["meta": ["key": "oifname"]], .string(name))]
        case .version(let version):
            [compare(payload(version == 4 ? "ip" : "ip6", "version"), .integer(Int64(version)))]
        case .source(let prefix): [compare(payload(prefix.protocolName, "saddr"), value(prefix))]
        case .destination(let prefix): [compare(payload(prefix.protocolName, "daddr"), value(prefix))]
        case .notDestination(let prefix):
            [compare(payload(prefix.protocolName, "daddr"), value(prefix), isEqual: false)]
        case .port(let name, let direction, let number):
            [compare(payload(name, direction), .integer(Int64(number)))]
        case .icmpTypes(let version, let types):
            [compare(payload(version == 4 ? "icmp" : "icmpv6", "type"), set(types.map { .integer(Int64($0)) }))]
        case .etherType(let name): [compare(payload("ether", "type"), .string(name))]
        case .notEtherTypes(let names):
            [compare(payload("ether", "type"), set(names.map { .string($0) }), isEqual: false)]
        case .notHardwareSource(let address):
            [compare(payload("ether", "saddr"), .string("\(address)"), isEqual: false)]
        case .arpNotHardwareSource(let address):
            [compare(payload("arp", "saddr ether"), .string("\(address)"), isEqual: false)]
        case .arpSource(let prefix): [compare(payload("arp", "saddr ip"), value(prefix))]
        case .rawHeader(let offset, let bits, let isEqual, let bytes):
            [
                compare(
                    ["payload": ["base": "nh", "offset": .integer(Int64(offset)), "len": .integer(Int64(bits))]],
                    .string("0x" + MACAddress.text(of: bytes).filter { $0 != ":" }), isEqual: isEqual)
            ]
        }
    }

    private static func payload(_ name: String, _ field: String) -> JSONValue {
        ["payload": ["protocol": .string(name), "field": .string(field)]]
    }

    private static func compare(_ left: JSONValue, _ right: JSONValue, isEqual: Bool = true) -> JSONValue {
        ["match": ["op": .string(isEqual ? "==" : "!="), "left": left, "right": right]]
    }

    private static func set(_ elements: [JSONValue]) -> JSONValue { ["set": .array(elements)] }

    private static func value(_ prefix: IPPrefix) -> JSONValue {
        let address = JSONValue.string("\(prefix.network.address)")
        guard prefix.length < prefix.address.bitCount else { return address }
        return ["prefix": ["addr": address, "len": .integer(Int64(prefix.length))]]
    }
}

extension IPPrefix {
    fileprivate var protocolName: String { address.isIPv4 ? "ip" : "ip6" }
}
