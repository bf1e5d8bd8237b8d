import LXDAPI
import LXDNetlink
import Testing

@testable import LXDNetwork

struct FirewallTests {
    private static let network = BridgeConfiguration(
        name: "br0",
        values: [
            "ipv4.address": "10.0.0.1/24", "ipv4.nat": "true", "ipv6.address": "fd42::1/64", "ipv6.nat": "true",
            "ipv6.nat.address": "2001:db8::5", "ipv4.routing": "false",
        ])

    @Test func oneTransactionReplacesAllChainsOfANetwork() throws {
        let names = NetworkFirewallPlan.names(of: "br0").map { (FirewallChain.Family.inet, $0) }
        let request = FirewallJSON.replace(names, with: NetworkFirewallPlan.chains(for: Self.network))
        let commands = try #require(request["nftables"].arrayValue)
        let steps = commands.prefix(4).map { $0.objectValue?.keys.first ?? "" }
        #expect(steps == ["add", "add", "flush", "delete"])
        let made = commands.compactMap { command -> String? in
            let chain = command["add"]["chain"]
            return chain["hook"].stringValue == nil ? nil : chain["name"].stringValue
        }
        #expect(made == ["pstrt.br0", "fwd.br0", "in.br0", "out.br0"])
    }

    @Test func translationKeepsToTheSubnet() {
        let chain = NetworkFirewallPlan.chains(for: Self.network).first
        #expect(chain?.type == "nat" && chain?.rules.count == 2)
        #expect(chain?.rules.first?.verdict == .masquerade)
        #expect(chain?.rules.last?.verdict == IPAddress("2001:db8::5").map { .sourceAddress($0) })
    }

    @Test func denialsStandBeforePermissions() throws {
        let chain = try #require(NetworkFirewallPlan.chains(for: Self.network).first { $0.name == "fwd.br0" })
        #expect(chain.rules.map(\.verdict) == [.reject, .reject, .accept, .accept])
    }

    @Test func withoutAddressesThereAreNoChains() {
        let network = BridgeConfiguration(name: "br0", values: ["ipv4.address": "none", "ipv6.address": "none"])
        #expect(NetworkFirewallPlan.chains(for: network).isEmpty)
    }

    /// CVE-2025-52890: what is accepted by its address must have passed the checks for forged ones.
    @Test func everyForgeryIsDroppedBeforeAnythingIsAccepted() throws {
        let plan = PortFilterPlan(
            link: "veth0", hardwareAddress: try #require(MACAddress("00:16:3e:11:22:33")),
            ipv4: [try #require(IPPrefix("10.0.0.5/32"))], ipv6: [try #require(IPPrefix("fd42::5/128"))])
        for chain in plan.chains(label: "c1.eth0") {
            let firstAccept = try #require(chain.rules.firstIndex { $0.verdict == .accept })
            let mac = plan.hardwareAddress
            let forgeries: [FirewallRule.Match] = [
                .notHardwareSource(mac), .arpNotHardwareSource(mac), .icmpTypes(version: 6, [134]),
                .rawHeader(offset: 528, bits: 48, isEqual: false, bytes: mac.bytes),
                .notEtherTypes(["arp", "ip", "ip6"]),
            ]
            for forgery in forgeries {
                let position = try #require(
                    chain.rules.firstIndex { $0.matches.contains(forgery) && $0.verdict == .drop })
                #expect(position < firstAccept)
            }
            let advertised = try #require(
                chain.rules.firstIndex { $0.verdict == .drop && $0.matches.last == .icmpTypes(version: 6, [136]) })
            let bySource = try #require(
                chain.rules.firstIndex {
                    $0.verdict == .accept && $0.matches.last == IPPrefix("fd42::5/128").map { .source($0) }
                })
            #expect(advertised < bySource)
            for type in ["arp", "ip", "ip6"] {
                #expect(chain.rules.contains(FirewallRule([.inputLink("veth0"), .etherType(type)], .drop)))
            }
        }
    }

    @Test func filterAllLetsNothingOfAVersionThrough() throws {
        let plan = PortFilterPlan(
            link: "veth0", hardwareAddress: try #require(MACAddress("00:16:3e:11:22:33")), ipv4: [], ipv6: nil)
        let verdicts = plan.chains(label: "c1.eth0").flatMap(\.rules).map(\.verdict)
        #expect(!verdicts.contains(.accept))
    }
}

struct FreeSubnetTests {
    private struct Fixed: RandomNumberGenerator {
        var state: UInt64 = 1
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    @Test func aSubnetThatIsTakenIsNotChosen() throws {
        var generator = Fixed()
        let first = try FreeSubnet.ipv4(avoiding: [], using: &generator)
        generator = Fixed()
        let second = try FreeSubnet.ipv4(avoiding: [first], using: &generator)
        #expect(first != second && second.length == 24 && second.address.bytes.first == 10)
    }

    @Test func whenAllIsTakenTheErrorSaysWhatToDo() throws {
        var generator = Fixed()
        let all = try #require(IPPrefix("10.0.0.0/8"))
        #expect(throws: LXDError.self) { try FreeSubnet.ipv4(avoiding: [all], using: &generator) }
    }

    @Test func ipv6IsUniqueLocal() throws {
        var generator = Fixed()
        let prefix = try FreeSubnet.ipv6(avoiding: [], using: &generator)
        #expect(prefix.length == 64 && "\(prefix)".hasPrefix("fd42:") && "\(prefix)".hasSuffix("::1/64"))
    }
}

struct BridgeValidationTests {
    @Test(arguments: [
        ["ipv4.address": "10.0.0.0/24"], ["ipv4.nat": "perhaps"], ["unknown": "1"], ["bridge.mtu": "10"],
        ["dns.domain": "a\nb"], ["dns.zone.forward": "z"], ["bridge.hwaddr": "1"],
    ])
    func whatIsWrongIsRefused(_ config: [String: String]) {
        #expect(throws: LXDError.self) { try BridgeValidation.validate("br0", config) }
    }

    @Test func aStaticAddressNeedsASegmentOfItsOwn() {
        #expect(throws: LXDError.self) {
            try BridgeValidation.validate(
                "br0",
                [
                    "bridge.hwaddr": "00:16:3e:00:00:01", "bridge.external_interfaces": "eth1", "ipv4.address": "none",
                    "ipv6.address": "none",
                ])
        }
    }

    @Test func theHardwareAddressIsStablePerHostAndNetwork() {
        let first = BridgeAddress.stable(seed: "a", networkID: 1)
        #expect(first == BridgeAddress.stable(seed: "a", networkID: 1))
        #expect(first != BridgeAddress.stable(seed: "b", networkID: 1))
        #expect(first != BridgeAddress.stable(seed: "a", networkID: 2))
        #expect("\(first)".hasPrefix("00:16:3e:"))
    }
}
