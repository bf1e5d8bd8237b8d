import LXDAPI
import Testing

@testable import LXDNetwork

struct DnsmasqPlanTests {
    private static let files = DnsmasqPlan.Files(directory: "/v/networks/br0")

    private static func arguments(_ config: [String: String]) throws -> [String] {
        try DnsmasqPlan(
            BridgeConfiguration(name: "br0", values: config), files: files,
            identity: DnsmasqPlan.Identity(user: "nobody", group: "nogroup")
        ).arguments
    }

    @Test func theUsualNetworkIsServedAsByLXD() throws {
        let arguments = try Self.arguments(["ipv4.address": "10.1.2.1/24", "ipv6.address": "fd42::1/64"])
        #expect(
            arguments == [
                "--strict-order", "--bind-interfaces", "--except-interface=lo",
                "--pid-file=/v/networks/br0/dnsmasq.run",
                "--no-ping", "--interface=br0", "--dhcp-rapid-commit", "--quiet-dhcp", "--quiet-dhcp6", "--quiet-ra",
                "--listen-address=10.1.2.1", "--dhcp-no-override", "--dhcp-authoritative",
                "--dhcp-leasefile=/v/networks/br0/dnsmasq.leases", "--dhcp-hostsfile=/v/networks/br0/dnsmasq.hosts",
                "--dhcp-range", "10.1.2.2,10.1.2.254,1h", "--listen-address=fd42::1", "--enable-ra", "--dhcp-range",
                "::,constructor:br0,ra-stateless,ra-names", "-s", "lxd", "--interface-name", "_gateway.lxd,br0", "-S",
                "/lxd/", "--conf-file=/v/networks/br0/dnsmasq.raw", "-u", "nobody", "-g", "nogroup",
            ])
    }

    @Test func rangesExpiryGatewayMTUAndSearchAreTold() throws {
        let arguments = try Self.arguments([
            "ipv4.address": "10.1.2.1/24", "ipv4.dhcp.ranges": "10.1.2.10-10.1.2.20, 10.1.2.30-10.1.2.40",
            "ipv4.dhcp.expiry": "2h", "ipv4.dhcp.gateway": "10.1.2.9", "bridge.mtu": "1400", "dns.search": "a.example",
        ])
        for expected in [
            "10.1.2.10,10.1.2.20,2h", "10.1.2.30,10.1.2.40,2h", "--dhcp-option-force=3,10.1.2.9",
            "--dhcp-option-force=26,1400", "--dhcp-option-force=119,a.example",
        ] { #expect(arguments.contains(expected)) }
    }

    @Test func statefulIPv6HasARange() throws {
        let arguments = try Self.arguments(["ipv6.address": "fd42::1/64", "ipv6.dhcp.stateful": "true"])
        #expect(arguments.contains("fd42::2,fd42::ffff:ffff:ffff:ffff,64,1h"))
    }

    @Test func withoutDNSNoNamesAreAnswered() throws {
        let arguments = try Self.arguments(["ipv4.address": "10.1.2.1/24", "dns.mode": "none"])
        #expect(!arguments.contains("-S") && !arguments.contains("-s"))
    }

    @Test(arguments: ["dns.domain", "dns.search", "ipv4.dhcp.expiry"], ["a\nb", "a\rb", "a\0b", "a\u{2028}b"])
    func lineBreaksNeverReachDnsmasq(_ key: String, _ value: String) {
        #expect(throws: LXDError.self) { try Self.arguments(["ipv4.address": "10.1.2.1/24", key: value]) }
    }

    @Test func rawLinesAreKeptAndNULIsNot() throws {
        let network = BridgeConfiguration(name: "br0", values: ["raw.dnsmasq": "a=1\nb=2"])
        #expect(try DnsmasqPlan(network, files: Self.files, identity: nil).rawText == "a=1\nb=2\n")
        let bad = BridgeConfiguration(name: "br0", values: ["raw.dnsmasq": "a\0b"])
        #expect(throws: LXDError.self) { try DnsmasqPlan(bad, files: Self.files, identity: nil) }
    }
}
