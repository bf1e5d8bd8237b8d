import LXDAPI
import LXDNetlink
import Testing

@testable import LXDNetwork

struct StaticHostTests {
    private static func host(
        _ instance: String, project: String = "default", device: String = "eth0", mac: String = "00:16:3e:00:00:01",
        ipv4: String? = nil, ipv6: String? = nil
    ) throws -> StaticHost {
        StaticHost(
            project: project, instance: instance, device: device, hardwareAddress: try #require(MACAddress(mac)),
            ipv4: ipv4.flatMap { IPAddress($0) }, ipv6: ipv6.flatMap { IPAddress($0) })
    }

    @Test func theLineNamesAddressesAndTheInstance() throws {
        let host = try Self.host("c1", ipv4: "10.0.0.5", ipv6: "fd42::5")
        #expect(try host.line(.managed) == "00:16:3e:00:00:01,10.0.0.5,[fd42::5],c1")
    }

    @Test func withoutManagedNamesOnlyAddressesAreTold() throws {
        #expect(try Self.host("c1").line(.dynamic) == nil)
        #expect(try Self.host("c1", ipv4: "10.0.0.5").line(.none) == "00:16:3e:00:00:01,10.0.0.5")
    }

    @Test func projectsShowInFileAndName() throws {
        let host = try Self.host("c1", project: "p", device: "my-nic/0")
        #expect(host.fileName == "p_c1.my--nic-0")
        #expect(try host.line(.managed) == "00:16:3e:00:00:01,c1.p")
    }

    @Test func copiesWithTheSameAddressesShareOneLine() throws {
        let first = try Self.host("c1", ipv4: "10.0.0.5")
        let second = try Self.host("c2", mac: "00:16:3e:00:00:02", ipv4: "10.0.0.5")
        let files = try StaticHost.files(for: [first, second], mode: .managed)
        #expect(files == ["c1.eth0": "00:16:3e:00:00:01,00:16:3e:00:00:02,10.0.0.5,c1\n"])
    }

    @Test(arguments: ["c1\ndhcp-script=/x", "c1,set:x", "c1 x", "c1\r", "c1\0"])
    func namesThatWouldBreakTheLineAreRefused(_ name: String) throws {
        let host = try Self.host(name)
        #expect(throws: LXDError.self) { try host.line(.managed) }
    }
}

struct LeaseTests {
    private static let file = """
        1795444202 00:16:3e:11:22:33 10.0.0.77 c1 01:00:16:3e:11:22:33
        1795444202 00:16:3e:99:99:99 10.0.0.78 * *
        duid 00:01:00:01:32:96:fc:59:7a:5e:4d:e4:fd:e2
        1795444202 1054877 fd42::77 c1 00:02:00:00:ab:11
        nonsense
        """

    private static let network = BridgeConfiguration(
        name: "br0",
        values: ["ipv4.address": "10.0.0.1/24", "ipv6.address": "fd42::1/64", "ipv6.dhcp.stateful": "true"])

    @Test func theFileIsReadLineByLine() {
        let leases = LeaseFile.parse(Self.file)
        #expect(leases.map(\.address.description) == ["10.0.0.77", "10.0.0.78", "fd42::77"])
        #expect(leases.map(\.hardwareAddress) == ["00:16:3e:11:22:33", "00:16:3e:99:99:99", ""])
    }

    @Test func othersLeasesAreHidden() throws {
        let nic = ConnectedNIC(instance: "c1", hardwareAddress: MACAddress("00:16:3e:11:22:33"))
        let leases = LeaseListing.leases(
            of: Self.network, nics: [nic], dynamic: LeaseFile.parse(Self.file), isOwnProject: true, serverName: "none")
        #expect(leases.map(\.address) == ["10.0.0.1", "fd42::1", "10.0.0.77", "fd42::77"])
        #expect(leases.map(\.type) == ["gateway", "gateway", "dynamic", "dynamic"])
    }

    @Test func staticAddressesComeWithoutALease() throws {
        let nic = ConnectedNIC(
            instance: "c1", hardwareAddress: MACAddress("00:16:3e:11:22:33"), ipv4: IPAddress("10.0.0.9"))
        let leases = LeaseListing.leases(
            of: Self.network, nics: [nic], dynamic: [], isOwnProject: false, serverName: "none")
        #expect(leases.map { "\($0.type) \($0.address) \($0.hwaddr)" } == ["static 10.0.0.9 00:16:3e:11:22:33"])
    }

    @Test func releasesAreSentInTheClientsName() throws {
        let releases = LeaseRelease.plan(
            leaseFile: Self.file, hardwareAddress: try #require(MACAddress("00:16:3e:11:22:33")), instance: "c1",
            network: Self.network, transaction: 0x0102_0304)
        #expect(releases.map(\.address.description) == ["10.0.0.77", "fd42::77"])
        let v4 = try #require(releases.first).message
        #expect(v4.count == 250 && v4[4...7] == [1, 2, 3, 4] && v4[12...15] == [10, 0, 0, 77])
        #expect(v4[28...33] == [0, 0x16, 0x3e, 0x11, 0x22, 0x33])
        #expect(v4[240...] == [53, 1, 7, 54, 4, 10, 0, 0, 1, 255])
        let v6 = try #require(releases.last).message
        #expect(v6.prefix(8) == [8, 2, 3, 4, 0, 2, 0, 14])
    }
}
