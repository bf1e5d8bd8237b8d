import LXDAPI
import LXDNetlink
import Testing

@testable import LXDDevices

struct DeviceRulesTests {
    private static let bridge = ManagedNetwork(
        name: "br0", type: "bridge", config: ["ipv4.address": "10.0.0.1/24", "ipv6.address": "fd42::1/64"])

    private static func message(_ config: [String: String], siblings: [String: [String: String]] = [:]) -> String? {
        let surroundings = DeviceSurroundings(
            project: "default", instance: "c1", networks: [bridge], pools: ["p"], isExpanded: true, siblings: siblings)
        do {
            try DeviceValidation.validate("d", config, in: surroundings)
            return nil
        } catch { return "\(error)" }
    }

    @Test(arguments: [
        ["type": "nic", "network": "br0", "name": "eth0"],
        ["type": "nic", "nictype": "bridged", "parent": "br9", "name": "eth0"],
        ["type": "nic", "network": "br0", "ipv4.address": "10.0.0.9"],
        ["type": "nic", "nictype": "p2p", "limits.ingress": "1Mbit", "ipv4.routes": "192.0.2.1/32"],
        ["type": "nic", "nictype": "macvlan", "parent": "eth0", "vlan": "5"],
        ["type": "disk", "path": "/", "pool": "p"], ["type": "disk", "path": "/mnt", "source": "/tmp"],
        ["type": "unix-char", "path": "/dev/zero"], ["type": "none"],
        ["type": "nic", "network": "br0", "user.note": "x"],
    ])
    func whatLXDTakesIsTaken(_ config: [String: String]) {
        #expect(Self.message(config) == nil)
    }

    @Test(arguments: [
        (["type": "nic", "nictype": "bridged"], "Invalid value for device option \"parent\": Required value"),
        (
            ["type": "nic", "network": "br0", "parent": "x"],
            "Cannot use \"parent\" property in conjunction with \"network\" property"
        ),
        (["type": "nic", "nictype": "p2p", "parent": "x"], "Invalid device option \"parent\""),
        (
            ["type": "nic", "network": "br0", "ipv4.address": "10.9.9.9"],
            "Device IP address \"10.9.9.9\" not within network \"br0\" subnet"
        ),
        (
            ["type": "nic", "network": "br0", "ipv4.address": "10.0.0.1"],
            "IP address \"10.0.0.1\" is assigned to parent managed network device \"br0\""
        ),
        (
            ["type": "nic", "network": "br0", "ipv6.address": "fd42::5"],
            "Cannot specify \"ipv6.address\" when DHCP or \"ipv6.dhcp.stateful\" are disabled (unless using security.ipv6_filtering) on network \"br0\""
        ),
        (
            ["type": "nic", "nictype": "bridged", "parent": "br9", "ipv4.address": "10.0.0.5"],
            "Cannot use manually specified ipv4.address when using unmanaged parent bridge"
        ),
        (["type": "disk", "path": "/mnt"], "Disk entry is missing the required \"source\" or \"path\" property"),
        (["type": "disk", "path": "/"], "Root disk entry must have a \"pool\" property set"),
        (["type": "disk", "path": "/mnt", "source": "tmp"], "Source path must be absolute for local sources"),
        (
            ["type": "disk", "path": "/mnt", "source": "/tmp", "size": "1GB"],
            "Only the root disk may have a size quota"
        ),
        (
            ["type": "disk", "path": "/mnt", "source": "/no/such"], "Missing source path \"/no/such\" for disk \"d\""
        ),
        (
            ["type": "unix-char", "required": "false"],
            "Unix device entry is missing the required \"source\" or \"path\" property"
        ),
        (["type": "pci"], "Unsupported device type"),
        (["type": "gpu"], "Devices of type \"gpu\" are not supported by this server"),
        (
            ["type": "nic", "nictype": "routed", "parent": "eth0"],
            "Network devices of type \"routed\" are not supported by this server"
        ),
    ])
    func whatIsWrongIsSaidInLXDsWords(_ config: [String: String], _ expected: String) {
        #expect(Self.message(config) == expected)
    }

    @Test(arguments: ["/../etc", "/a/../../b", ".."])
    func pathsDoNotClimbOutOfTheContainer(_ path: String) {
        #expect(Self.message(["type": "disk", "path": path, "source": "/tmp"]) != nil)
        #expect(Self.message(["type": "unix-char", "path": path, "source": "/dev/zero"]) != nil)
    }

    @Test(arguments: ["\n", "\r", "\0"])
    func lineBreaksAreRefusedInEveryValue(_ character: String) {
        let devices: [[String: String]] = [
            ["type": "nic", "network": "br0", "host_name": "a\(character)b"],
            ["type": "disk", "path": "/mnt\(character)x", "source": "/tmp"],
            ["type": "disk", "path": "/mnt", "source": "/tmp", "raw.mount.options": "a\(character)b"],
            ["type": "unix-char", "path": "/dev/x\(character)y"],
        ]
        for device in devices { #expect(Self.message(device) != nil) }
    }

    @Test func twoInterfacesCannotHaveOneName() {
        let nic = ["type": "nic", "network": "br0", "name": "eth0"]
        #expect(Self.message(nic, siblings: ["d": nic, "e": nic]) != nil)
    }

    @Test(arguments: ["127.0.0.1", "::1", "_valid-name", "/foo"])
    func deviceNamesOfLXDAreTaken(_ name: String) throws {
        let surroundings = DeviceSurroundings(
            project: "default", instance: "c1", networks: [Self.bridge], pools: [], isExpanded: false)
        try DeviceValidation.validate(name, ["type": "none"], in: surroundings)
    }
}

struct NICPlanTests {
    private static let owner = DeviceOwner(
        project: "default", instance: "c1", isPrivileged: false, devicesDirectory: "/v/devices/c1")
    private static let bridge = ManagedNetwork(
        name: "br0", type: "bridge", config: ["ipv4.address": "10.0.0.1/24", "bridge.mtu": "1400"])

    private static func plan(_ config: [String: String], noted: [String: String] = [:]) throws -> NICPlan {
        let settings = DeviceSettings(name: "eth0", config: config, instanceConfig: noted, owner: owner)
        return try NICPlan(settings, kind: .bridged, networks: [bridge])
    }

    @Test func whatIsNotConfiguredComesFromTheNotes() throws {
        let plan = try Self.plan(
            ["type": "nic", "network": "br0"],
            noted: ["volatile.eth0.name": "eth7", "volatile.eth0.hwaddr": "00:16:3E:00:00:01"])
        #expect(plan.interfaceName == "eth7" && plan.hardwareAddress?.description == "00:16:3e:00:00:01")
        #expect(plan.parent == "br0" && plan.mtu == 1400)
    }

    @Test func theLimitForBothDirectionsWins() throws {
        let plan = try Self.plan([
            "type": "nic", "network": "br0", "limits.max": "1Mbit", "limits.ingress": "5Mbit",
        ])
        #expect(plan.ingress == 1_000_000 && plan.egress == 1_000_000)
    }

    @Test func aFilterAllowsItsAddressAndItsRoutes() throws {
        let plan = try Self.plan(
            [
                "type": "nic", "network": "br0", "security.ipv4_filtering": "true", "ipv4.address": "10.0.0.5",
                "ipv4.routes": "192.0.2.0/24",
            ], noted: ["volatile.eth0.hwaddr": "00:16:3e:00:00:01"])
        #expect(plan.filter(link: "veth0")?.ipv4?.map(\.description) == ["10.0.0.5/32", "192.0.2.0/24"])
        #expect(plan.filter(link: "veth0")?.ipv6 == nil)
    }

    @Test(
        arguments: [("1", 1), ("8bit", 8), ("1kbit", 1000), ("3Mbit", 3_000_000), ("1Gibit", 1 << 30)]
            as [(String, UInt64)])
    func ratesAreBitsPerSecond(_ text: String, _ expected: UInt64) {
        #expect(LinkRate.bitsPerSecond(text) == expected)
    }

    @Test(arguments: ["", "Mbit", "1MB", "1.5Mbit", "99999999999999999999", "99999999999Ebit", "-1Mbit"])
    func otherRatesAreNone(_ text: String) {
        #expect(LinkRate.bitsPerSecond(text) == nil)
    }

    @Test func conflictsAreFoundOnOneBridgeOnly() throws {
        func nic(_ instance: String, _ config: [String: String]) -> NeighbourNIC {
            NeighbourNIC(
                project: "default", instance: instance, device: "eth0",
                config: config.merging(["type": "nic", "network": "br0"]) { $1 }, notedAddress: "00:16:3e:00:00:01")
        }
        let networks = [Self.bridge]
        #expect(throws: LXDError.self) {
            try NICConflicts.check(nic("c1", [:]), against: [nic("c2", [:])], networks: networks)
        }
        #expect(throws: LXDError.self) {
            try NICConflicts.check(
                nic("c1", ["ipv4.address": "10.0.0.5", "hwaddr": "00:16:3e:00:00:02"]),
                against: [nic("c2", ["ipv4.address": "10.0.0.5"])], networks: networks)
        }
        try NICConflicts.check(nic("c1", [:]), against: [nic("c1", [:])], networks: networks)
        try NICConflicts.check(nic("c1", ["vlan": "5"]), against: [nic("c2", [:])], networks: networks)
    }
}
