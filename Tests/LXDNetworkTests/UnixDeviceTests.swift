import Glibc
import LXDAPI
import LXDLinux
import LXDRuntimePlan
import Synchronization
import SystemPackage
import Testing

@testable import LXDDevices

/// Real device nodes in a folder of their own.
@Suite(.enabled(if: geteuid() == 0))
struct UnixDeviceTests {
    private static func with(_ body: (String) async throws -> Void) async throws {
        let directory = "/tmp/unixdevice-\(UInt32.random(in: 0 ... .max))"
        mkdir(directory, 0o700)
        do {
            try await body(directory)
            try await ProcessRunner.runChecked("rm", ["-rf", "--", directory])
        } catch {
            try await ProcessRunner.runChecked("rm", ["-rf", "--", directory])
            throw error
        }
    }

    private static func device(_ name: String, _ config: [String: String], in directory: String) -> UnixDevice {
        let owner = DeviceOwner(
            project: "default", instance: "c1", isPrivileged: false, devicesDirectory: directory + "/devices",
            rootUID: 1_000_000, rootGID: 1_000_000)
        return UnixDevice(
            settings: DeviceSettings(
                name: name, config: config.merging(["type": "unix-char"]) { $1 }, instanceConfig: [:], owner: owner))
    }

    @Test func theNodeIsMadeForTheContainerUnderLXDsName() async throws {
        try await Self.with { directory in
            let device = Self.device("test-dev1", ["source": "/dev/null", "path": "/tmp/testdev"], in: directory)
            let start = try await device.start()
            let path = directory + "/devices/unix.test--dev1.tmp-testdev"
            #expect(
                start.deviceNodes == [
                    DeviceNode(hostPath: path, path: "tmp/testdev", isBlock: false, major: 1, minor: 3)
                ])
            let status = try FileStatus.of(path: path)
            #expect(status.kind == .characterDevice && status.permissions == 0o660 && status.uid == 1_000_000)
            _ = try await device.stop()
            _ = try await device.stop()
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test func aSecondDeviceUnderOnePathIsMadeAndNotShown() async throws {
        try await Self.with { directory in
            _ = try await Self.device("a", ["source": "/dev/null", "path": "/tmp/x"], in: directory).start()
            let twin = Self.device(
                "b", ["path": "/tmp/x", "major": "1", "minor": "5", "mode": "600", "uid": "7"], in: directory)
            #expect(try await twin.start().deviceNodes.isEmpty)
            let status = try FileStatus.of(path: directory + "/devices/unix.b.tmp-x")
            #expect(status.permissions == 0o600 && status.nodeMinor == 5 && status.uid == 1_000_007)
        }
    }

    @Test func aMissingNodeMattersOnlyWhenItIsRequired() async throws {
        try await Self.with { directory in
            let missing = directory + "/none"
            await #expect(throws: LXDError.self) {
                try await Self.device("a", ["source": missing], in: directory).start()
            }
            let start = try await Self.device("a", ["source": missing, "required": "false"], in: directory).start()
            #expect(start.deviceNodes.isEmpty)
        }
    }

    @Test func aNodeOfTheOtherKindIsRefused() async throws {
        try await Self.with { directory in
            let device = Self.device("a", ["source": "/dev/null", "type": "unix-block"], in: directory)
            _ = try await device.start()
            let block = UnixDevice(
                settings: DeviceSettings(
                    name: "a", config: ["type": "unix-block", "source": "/dev/null"], instanceConfig: [:],
                    owner: device.settings.owner))
            await #expect(throws: LXDError.self) { try await block.start() }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func nodesAreFollowedAsTheyComeAndGo() async throws {
        try await Self.with { directory in
            let seen = Mutex<[String]>([])
            let watcher = try HostNodeWatcher { key, isPresent in
                seen.withLock { $0.append("\(key) \(isPresent)") }
            }
            let node = directory + "/sub/node"
            watcher.watch("c1/d", path: node, isPresent: false)
            mkdir(directory + "/sub", 0o700)
            try await Self.eventually { access(directory + "/sub", F_OK) == 0 }
            try await ProcessRunner.runChecked("mknod", [node, "c", "0", "0"])
            try await Self.eventually { seen.withLock { $0 == ["c1/d true"] } }
            unlink(node)
            try await Self.eventually { seen.withLock { $0 == ["c1/d true", "c1/d false"] } }
            watcher.unwatch(prefix: "c1/")
            try await ProcessRunner.runChecked("mknod", [node, "c", "0", "0"])
            try await Task.sleep(for: .milliseconds(100))
            #expect(seen.withLock { $0.count } == 2)
        }
    }

    private static func eventually(_ condition: () -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(5)
        while !condition() {
            try #require(clock.now < end)
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

struct PathNameTests {
    @Test(arguments: [("tmp/testdev", "tmp-testdev"), ("a-b/c", "a--b-c"), ("", "")])
    func pathsGoIntoNamesAndBack(_ path: String, _ name: String) {
        #expect(PathNames.encode(path) == name && PathNames.decode(name) == path)
    }
}

struct MountOptionsTests {
    @Test func flagsAreToldFromTheFileSystemsOwnWords() {
        let options = MountOptions("noatime,uid=123, ro ,gid=456")
        #expect(options.flags == 0x401 && options.data == "uid=123,gid=456")
    }

    @Test func theLastOfTwoOppositesWins() {
        #expect(MountOptions("nosuid,suid,ro,rw") == MountOptions(""))
    }
}
