import Glibc
import LXDAPI
import LXDDevices
import LXDLinux
import LXDNetlink
import LXDRuntimePlan
import Logging
import SystemPackage
import Testing

@testable import LXDNetwork

/// A real bridge with dnsmasq and nftables, a network namespace as the container, busybox as its DHCP client.
@Suite(
    .enabled(if: geteuid() == 0 && ProcessRunner.locate("dnsmasq") != nil && ProcessRunner.locate("busybox") != nil),
    .serialized)
struct BridgeSystemTests {
    @Test(.timeLimit(.minutes(1)))
    func aGuestGetsItsAddressAndFindsItselfByName() async throws {
        try await BridgeFixture.with { fixture in
            let owner = fixture.owner("ntc1")
            let config = ["type": "nic", "network": fixture.name, "name": "eth0"]
            let notes = ["volatile.eth0.hwaddr": "00:16:3e:4e:54:01"]
            let device = try fixture.device(config, notes, owner)
            try await device.add()
            let start = try await device.start()
            let guest = try ProcessSpawner.spawn(
                SpawnRequest(executable: "/usr/bin/unshare", arguments: ["unshare", "-n", "sleep", "60"]))
            defer { try? guest.signal(SIGKILL) }
            try await fixture.waitForNamespace(of: guest.pid)
            try await device.attach(start, to: NamespaceTarget(initPID: guest.pid))

            let clock = ContinuousClock()
            let begin = clock.now
            let client = try await fixture.run(
                in: guest.pid,
                "ip link set eth0 up && busybox udhcpc -f -i eth0 -n -q -t5 -s \(fixture.directory)/dhcp.sh")
            #expect(client.exit.isSuccess, "\(String(decoding: client.errorOutput, as: UTF8.self))")
            #expect(clock.now - begin < .seconds(5))

            let gateway = try #require(fixture.network.configuration.ipv4?.address)
            let name = try await fixture.run(in: guest.pid, "busybox nslookup ntc1.lxd \(gateway)")
            #expect(name.outputText.contains("Name:\tntc1.lxd"))

            let nic = ConnectedNIC(instance: "ntc1", hardwareAddress: MACAddress("00:16:3e:4e:54:01"))
            let leases = fixture.network.leases(nics: [nic], isOwnProject: true, serverName: "none")
            #expect(leases.contains { $0.type == "dynamic" && $0.hostname == "ntc1" && !$0.address.contains(":") })

            let namespace = open("/proc/\(guest.pid)/ns/net", O_RDONLY | O_CLOEXEC)
            defer { close(namespace) }
            let view = try RouteSocket().view(ofNamespace: namespace)
            let inside = try #require(view.links.first { $0.name == "eth0" })
            #expect(inside.hardwareAddressText == "00:16:3e:4e:54:01" && inside.isUp)
            #expect(view.addresses.contains { $0.linkIndex == inside.index && $0.prefix.address.isIPv4 })

            let noted = notes.merging(start.volatile.compactMapValues { $0 }) { $1 }
            let again = try fixture.device(config, noted, owner)
            try await again.stop()
            try await again.stop()
            try await again.remove()
            #expect(try RouteSocket().link(named: noted["volatile.eth0.host_name"] ?? "") == nil)
            #expect(!fixture.network.hasStaticHost(project: "default", instance: "ntc1", device: "eth0"))
            try await fixture.eventually("the lease is given back") {
                fixture.network.leasedAddresses(of: MACAddress("00:16:3e:4e:54:01") ?? .randomForInstance()).isEmpty
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func dnsmasqComesBackWhenItDiesAndIsFoundAfterARestart() async throws {
        try await BridgeFixture.with { fixture in
            let first = try #require(fixture.dnsmasqPID())
            fixture.network.abandon()
            let successor = BridgeNetwork(
                name: fixture.name, id: 1, config: fixture.config, environment: fixture.environment)
            try await successor.start(hosts: [])
            #expect(fixture.dnsmasqPID() == first)
            kill(first, SIGKILL)
            try await fixture.eventually("dnsmasq is back") {
                fixture.dnsmasqPID().map { $0 != first } == true && successor.isDHCPRunning
            }
            successor.abandon()
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aFailedUpdateLeavesTheOldNetwork() async throws {
        try await BridgeFixture.with { fixture in
            var config = fixture.config
            config["raw.dnsmasq"] = "no-such-option=1"
            config["ipv4.nat"] = "false"
            await #expect(throws: LXDError.self) { try await fixture.network.update(to: config, hosts: []) }
            #expect(fixture.network.configuration.values == fixture.config)
            #expect(fixture.network.isDHCPRunning)
            let chains = try await fixture.environment.firewall.chainNames(.inet)
            #expect(chains.contains("pstrt.\(fixture.name)"))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func routesOfInstancesOutliveAChangeOfTheNetwork() async throws {
        try await BridgeFixture.with { fixture in
            let socket = try RouteSocket()
            let link = try #require(try socket.link(named: fixture.name))
            let prefix = try #require(IPPrefix("198.51.100.7/32"))
            try socket.add(Route(to: prefix, linkIndex: link.index, origin: .boot), linkName: link.name)
            var config = fixture.config
            config["ipv4.address"] = "10.254.253.1/24"
            try await fixture.network.update(to: config, hosts: [])
            let routes = try socket.routes(family: UInt8(AF_INET), linkIndex: link.index)
            #expect(routes.contains { $0.destination == prefix })
            #expect(routes.contains { $0.destination?.description == "10.254.253.0/24" })
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aFailedNICStartLeavesNoLink() async throws {
        try await BridgeFixture.with { fixture in
            // The second route lies inside no address: the kernel takes it; the first one again is refused.
            let config = [
                "type": "nic", "network": fixture.name, "name": "eth0", "host_name": "ntveth0",
                "ipv4.routes": "198.51.100.9/32,198.51.100.9/32",
            ]
            let device = try fixture.device(
                config, ["volatile.eth0.hwaddr": "00:16:3e:4e:54:02"], fixture.owner("ntc2"))
            await #expect(throws: (any Error).self) { try await device.start() }
            let socket = try RouteSocket()
            #expect(try socket.link(named: "ntveth0") == nil)
            let routes = try socket.routes(family: UInt8(AF_INET))
            #expect(!routes.contains { $0.destination?.description == "198.51.100.9/32" })
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aFilteredGuestCannotSendAsSomebodyElse() async throws {
        try await BridgeFixture.with { fixture in
            let gateway = try #require(fixture.network.configuration.ipv4)
            let own = try #require(gateway.host(50))
            let config = [
                "type": "nic", "network": fixture.name, "name": "eth0", "security.mac_filtering": "true",
                "security.ipv4_filtering": "true", "security.ipv6_filtering": "true", "ipv4.address": "\(own)",
                "ipv6.address": "none",
            ]
            let notes = ["volatile.eth0.hwaddr": "00:16:3e:4e:54:05"]
            let device = try fixture.device(config, notes, fixture.owner("ntc5"))
            let start = try await device.start()
            let guest = try ProcessSpawner.spawn(
                SpawnRequest(executable: "/usr/bin/unshare", arguments: ["unshare", "-n", "sleep", "60"]))
            defer { try? guest.signal(SIGKILL) }
            try await fixture.waitForNamespace(of: guest.pid)
            try await device.attach(start, to: NamespaceTarget(initPID: guest.pid))
            func reaches(_ setUp: String) async throws -> Bool {
                try await fixture.run(
                    in: guest.pid, "\(setUp); ip neigh flush all; ping -c1 -W1 \(gateway.address)"
                ).exit.isSuccess
            }
            #expect(try await reaches("ip link set lo up; ip link set eth0 up; ip addr add \(own)/24 dev eth0"))
            #expect(try await !reaches("ip link set eth0 address 00:16:3e:4e:54:99"))
            #expect(try await reaches("ip link set eth0 address 00:16:3e:4e:54:05"))
            let other = try #require(gateway.host(51))
            #expect(try await !reaches("ip addr flush dev eth0; ip addr add \(other)/24 dev eth0"))
            #expect(try await reaches("ip addr flush dev eth0; ip addr add \(own)/24 dev eth0"))
            let noted = notes.merging(start.volatile.compactMapValues { $0 }) { $1 }
            try await fixture.device(config, noted, fixture.owner("ntc5")).stop()
            #expect(try await fixture.environment.firewall.chainNames(.bridge).filter { $0.contains("ntc5") } == [])
        }
    }

    @Test(.enabled(if: ProcessRunner.locate("python3") != nil, "needs python3 to make frames"), .timeLimit(.minutes(1)))
    func forgedFramesDoNotPassTheirPort() async throws {
        try await BridgeFixture.with { fixture in
            let own4 = try #require(fixture.network.configuration.ipv4?.host(50))
            let own6 = try #require(fixture.network.configuration.ipv6?.host(0x50))
            let script = fixture.directory + "/frames.py"
            try AtomicFile.write(ForgedFrames.script, to: script, mode: 0o644, sync: false)
            let sender = try await fixture.guest(
                "ntc8", "00:16:3e:4e:54:08",
                [
                    "security.mac_filtering": "true", "security.ipv4_filtering": "true", "security.ipv6_filtering": "true",
                    "ipv4.address": "\(own4)", "ipv6.address": "\(own6)",
                ])
            let listener = try await fixture.guest("ntc9", "00:16:3e:4e:54:09", [:])
            let words = "eth0 00:16:3e:4e:54:08 \(own4) \(own6) 00:16:3e:4e:54:09"
            async let heard = fixture.run(
                in: listener.process.pid, "ip link set eth0 up && python3 \(script) listen \(words)")
            let sent = try await fixture.run(
                in: sender.process.pid, "ip link set eth0 up && sleep 1.5 && python3 \(script) send \(words)")
            #expect(sent.exit.isSuccess, "\(String(decoding: sent.errorOutput, as: UTF8.self))")
            let result = try await heard
            let seen = Set(result.outputText.split { $0 == " " || $0 == "\n" }.map(String.init))
            #expect(seen == ["listening", "own4", "own6", "ownarp", "ownna", "last"])
            for guest in [sender, listener] {
                try guest.process.signal(SIGKILL)
                try await guest.device.stop()
                try await guest.device.remove()
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aFilteredGuestWithoutAnAddressGetsOneOfItsOwn() async throws {
        try await BridgeFixture.with { fixture in
            let filters = ["security.ipv4_filtering": "true", "security.ipv6_filtering": "true"]
            let first = try await fixture.guest("ntca", "00:16:3e:4e:54:0a", filters)
            let second = try await fixture.guest("ntcb", "00:16:3e:4e:54:0b", filters)
            func reserved(_ instance: String) -> [IPAddress] {
                fixture.network.reservedAddresses(project: "default", instance: instance, device: "eth0")
            }
            let addresses = reserved("ntca")
            #expect(addresses.count == 2 && Set(addresses).isDisjoint(with: reserved("ntcb")))
            let subnet = try #require(fixture.network.configuration.ipv4)
            #expect(addresses.contains { subnet.contains($0) && $0 != subnet.address })
            // The same again, not another one.
            try await first.device.add()
            #expect(reserved("ntca") == addresses)
            for guest in [first, second] {
                try guest.process.signal(SIGKILL)
                try await guest.device.stop()
                try await guest.device.remove()
            }
            #expect(reserved("ntca") == [])
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func rulesThatOthersRemovedComeBack() async throws {
        try await BridgeFixture.with { fixture in
            let firewall = fixture.environment.firewall
            let watch = try ChangeWatch(.firewall)
            let filter = PortFilterPlan(
                link: "ntnone0", hardwareAddress: .randomForInstance(), ipv4: [], ipv6: nil)
            try await firewall.apply(filter, label: "\(fixture.name).eth0")
            #expect(try await firewall.repair() == [])
            let before = watch.version
            try await ProcessRunner.runChecked("nft", ["flush", "chain", "inet", "lxd", "pstrt.\(fixture.name)"])
            #expect(watch.version != before)
            #expect(try await firewall.repair() == [fixture.name])
            for chain in PortFilterPlan.names(label: "\(fixture.name).eth0") {
                try await ProcessRunner.runChecked("nft", ["delete", "chain", "bridge", "lxd", chain])
            }
            #expect(try await firewall.repair() == ["\(fixture.name).eth0"])
            #expect(try await firewall.repair() == [])
            try await firewall.removeFilter(label: "\(fixture.name).eth0")
        }
    }

    @Test func addressesAndLinksThatChangeAreNoticed() async throws {
        let links = try ChangeWatch(.links)
        let addresses = try ChangeWatch(.addresses)
        let before = (links.version, addresses.version)
        try await BridgeFixture.with { _ in
            #expect(links.version != before.0)
            #expect(addresses.version != before.1)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func deletingLeavesNothing() async throws {
        var name = ""
        var directory = ""
        try await BridgeFixture.with { fixture in
            (name, directory) = (fixture.name, fixture.network.files.directory)
            try await fixture.network.delete()
            try await fixture.network.delete()
            let chains = try await fixture.environment.firewall.chainNames(.inet)
            #expect(!chains.contains { $0.hasSuffix(".\(fixture.name)") })
        }
        #expect(try RouteSocket().link(named: name) == nil)
        #expect(access(directory, F_OK) != 0)
    }
}

/// One bridge with a name and folder of its own, gone when the test ends, however it ends.
private struct BridgeFixture: Sendable {
    let name: String
    let directory: String
    let config: [String: String]
    let environment: NetworkEnvironment
    let network: BridgeNetwork

    static func with(_ body: (BridgeFixture) async throws -> Void) async throws {
        let name = "nt\(UInt32.random(in: 0...0xffff))"
        let directory = "/tmp/\(name)-test"
        mkdir(directory, 0o711)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let environment = try NetworkEnvironment(directory: directory + "/networks", addressSeed: name, logger: logger)
        let config = try await BridgeDefaults.fill([:])
        let network = BridgeNetwork(name: name, id: 1, config: config, environment: environment)
        let fixture = BridgeFixture(
            name: name, directory: directory, config: config, environment: environment, network: network)
        let script = "#!/bin/sh\n[ \"$1\" = bound ] && ip addr add $ip/$mask dev $interface\nexit 0\n"
        try AtomicFile.write(script, to: directory + "/dhcp.sh", mode: 0o755, sync: false)
        do {
            try await network.start(hosts: [])
            try await body(fixture)
            try await fixture.tearDown()
        } catch {
            try await fixture.tearDown()
            throw error
        }
    }

    private func tearDown() async throws {
        try await network.delete()
        try await ProcessRunner.runChecked("rm", ["-rf", "--", directory])
    }

    func owner(_ instance: String) -> DeviceOwner {
        DeviceOwner(
            project: "default", instance: instance, isPrivileged: false,
            devicesDirectory: "\(directory)/devices/\(instance)")
    }

    func device(_ config: [String: String], _ notes: [String: String], _ owner: DeviceOwner) throws -> any Device {
        let managed = ManagedNetwork(name: name, type: "bridge", config: network.configuration.values)
        let devices = DeviceEnvironment(
            networks: OneNetwork(network: network, firewall: environment.firewall), storage: NoStorage())
        return try DeviceFactory.device(
            "eth0", config, volatile: notes, owner: owner, networks: [managed], environment: devices)
    }

    /// A network namespace with a NIC on the bridge; the device knows what was noted of it.
    func guest(
        _ instance: String, _ address: String, _ more: [String: String]
    ) async throws -> (process: ProcessHandle, device: any Device) {
        let config = ["type": "nic", "network": name, "name": "eth0"].merging(more) { $1 }
        let notes = ["volatile.eth0.hwaddr": address]
        let device = try device(config, notes, owner(instance))
        try await device.add()
        let start = try await device.start()
        let process = try ProcessSpawner.spawn(
            SpawnRequest(executable: "/usr/bin/unshare", arguments: ["unshare", "-n", "sleep", "60"]))
        try await waitForNamespace(of: process.pid)
        try await device.attach(start, to: NamespaceTarget(initPID: process.pid))
        let noted = notes.merging(start.volatile.compactMapValues { $0 }) { $1 }
        return (process, try self.device(config, noted, owner(instance)))
    }

    func run(in pid: Int32, _ script: String) async throws -> ToolResult {
        try await ProcessRunner.run("nsenter", ["-t", "\(pid)", "-n", "sh", "-c", script], deadline: .seconds(20))
    }

    func dnsmasqPID() -> Int32? {
        guard let text = try? AtomicFile.readText(network.files.pid) else { return nil }
        return text.split(separator: "\n").first { $0.hasPrefix("pid: ") }.flatMap { Int32($0.dropFirst(5)) }
    }

    /// Until `unshare` has made its namespace, the process is in ours.
    func waitForNamespace(of pid: Int32) async throws {
        let own = try FilePath.namespace(of: getpid())
        try await eventually("the guest has a namespace") {
            (try? FilePath.namespace(of: pid)).map { $0 != own } == true
        }
    }

    func eventually(_ what: String, _ condition: () -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(10)
        while !condition() {
            guard clock.now < end else {
                Issue.record("not within 10 s: \(what)")
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

extension FilePath {
    fileprivate static func namespace(of pid: Int32) throws -> UInt64 {
        try FileStatus.of(path: "/proc/\(pid)/ns/net").inode
    }
}

private struct NamespaceTarget: HotplugTarget {
    let initPID: Int32
    func mount(_ entry: MountEntry) async throws {}
    func unmount(_ target: String) async throws {}
    func add(_ node: DeviceNode) async throws {}
    func remove(_ node: DeviceNode) async throws {}
}

private struct NoStorage: StorageProvider {
    func sourceLimit(_ source: String, owner: DeviceOwner) async throws -> String? { nil }
    func mountVolume(pool: String, volume: String, owner: DeviceOwner) async throws -> (path: String, isShifted: Bool) {
        throw LXDError.notFound("Storage volume not found")
    }
    func unmountVolume(pool: String, volume: String, owner: DeviceOwner) async throws {}
}

private struct OneNetwork: NetworkProvider {
    let network: BridgeNetwork
    let firewall: Firewall

    func isAvailable(_ network: String) async -> Bool { await self.network.isUp }
    func setHost(_ host: NICAddress, of owner: DeviceOwner, on network: String) async throws {
        try self.network.setStaticHost(
            StaticHost(
                project: owner.project, instance: owner.instance, device: host.device,
                hardwareAddress: host.hardwareAddress, ipv4: host.ipv4, ipv6: host.ipv6))
    }
    func reserveHost(
        _ host: NICAddress, of owner: DeviceOwner, on network: String, wantsIPv4: Bool, wantsIPv6: Bool
    ) async throws -> NICAddress {
        let entry = StaticHost(
            project: owner.project, instance: owner.instance, device: host.device, hardwareAddress: host.hardwareAddress,
            ipv4: host.ipv4, ipv6: host.ipv6)
        let written = try await self.network.reserve(entry, wantsIPv4: wantsIPv4, wantsIPv6: wantsIPv6)
        return NICAddress(device: host.device, hardwareAddress: host.hardwareAddress, ipv4: written.ipv4, ipv6: written.ipv6)
    }
    func hasHost(device: String, of owner: DeviceOwner, on network: String) async -> Bool {
        self.network.hasStaticHost(project: owner.project, instance: owner.instance, device: device)
    }
    func removeHost(device: String, of owner: DeviceOwner, hardwareAddress: MACAddress?, on network: String) async {
        self.network.removeStaticHost(
            project: owner.project, instance: owner.instance, device: device, hardwareAddress: hardwareAddress)
    }
    func releaseIPv6Leases(of hardwareAddress: MACAddress, owner: DeviceOwner, on network: String) async {}
    func applyFilter(_ filter: NICFilter, device: String, of owner: DeviceOwner) async throws {
        let plan = PortFilterPlan(
            link: filter.link, hardwareAddress: filter.hardwareAddress, ipv4: filter.ipv4, ipv6: filter.ipv6)
        try await firewall.apply(plan, label: "\(owner.instance).\(device)")
    }
    func removeFilter(device: String, of owner: DeviceOwner) async throws {
        try await firewall.removeFilter(label: "\(owner.instance).\(device)")
    }
}
