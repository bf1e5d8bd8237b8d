import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// Containers that go from one server to another: between ours, and between ours and LXD 5.0.2 in both directions.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(15)))
struct MigrationTests {
    static let debian = Programs.debian

    /// Who is the source, who the target, whose client; the first of each is what most users have.
    struct Pair: Sendable, CustomStringConvertible {
        var source: Programs
        var target: Programs
        var description: String { "\(source.description) to \(target.description)" }
    }

    static var pairs: [Pair] {
        guard let debian else { return [Pair(source: .ours, target: .ours)] }
        let mixed = Programs(daemon: Programs.ours.daemon, client: debian.client, description: "ours (Debian's client)")
        return [
            Pair(source: .ours, target: .ours), Pair(source: mixed, target: debian),
            Pair(source: debian, target: .ours),
        ]
    }

    @Test(arguments: pairs)
    func aContainerArrivesWithItsSnapshots(_ pair: Pair) async throws {
        try await withServers(pair) { here, far in
            try await here.mustLxc("init", "busybox", "c1", "-c", "user.kept=yes")
            try await here.mustLxc("file", "push", "-", "c1/root/first", input: "first")
            try await here.mustLxc("snapshot", "c1")
            try await here.mustLxc("file", "push", "-", "c1/root/second", input: "second")
            for mode in ["pull", "push", "relay"] {
                try await here.mustLxc("copy", "c1", "far:\(mode)", "--mode=\(mode)")
                #expect(try await here.mustLxc("config", "get", "far:\(mode)", "user.kept") == "yes\n")
                try await here.mustLxc("start", "far:\(mode)")
                #expect(
                    try await here.mustLxc("exec", "far:\(mode)", "--", "cat", "/root/first", "/root/second")
                        == "firstsecond")
                // Ids have not been shifted on the way, whatever either server keeps on its disk.
                #expect(
                    try await here.mustLxc("exec", "far:\(mode)", "--", "stat", "-c", "%u:%g", "/root", "/root/first")
                        == "0:0\n0:0\n")
                try await here.mustLxc("stop", "--force", "far:\(mode)")
                try await here.mustLxc("restore", "far:\(mode)", "snap0")
                #expect(try await here.lxc("file", "pull", "far:\(mode)/root/second", "-").exit.isSuccess == false)
                try await here.mustLxc("delete", "far:\(mode)")
            }
        }
    }

    @Test(arguments: pairs)
    func aRefreshBringsWhatChanged(_ pair: Pair) async throws {
        try await withServers(pair) { here, far in
            try await here.mustLxc("init", "busybox", "c1")
            try await here.mustLxc("file", "push", "-", "c1/root/old", input: "old")
            try await here.mustLxc("copy", "c1", "far:c1")
            try await here.mustLxc("snapshot", "c1")
            try await here.mustLxc("file", "delete", "c1/root/old")
            try await here.mustLxc("file", "push", "-", "c1/root/new", input: "new")
            try await here.mustLxc("snapshot", "far:c1", "foreign")
            try await here.mustLxc("copy", "c1", "far:c1", "--refresh")
            #expect(try await here.mustLxc("file", "pull", "far:c1/root/new", "-") == "new")
            #expect(try await here.lxc("file", "pull", "far:c1/root/old", "-").exit.isSuccess == false)
            let snapshots = try await here.mustLxc("query", "far:/1.0/instances/c1/snapshots")
            #expect(snapshots.contains("snap0") && !snapshots.contains("foreign"))
        }
    }

    @Test(arguments: pairs)
    func aRunningContainerIsMovedAsItIsOnDisk(_ pair: Pair) async throws {
        try await withServers(pair) { here, far in
            try await here.mustLxc("launch", "busybox", "c1")
            try await here.mustLxc("exec", "c1", "--", "sh", "-c", "echo running > /root/mark; sync")
            try await here.mustLxc("copy", "c1", "far:copy", "--stateless")
            #expect(try await here.mustLxc("file", "pull", "far:copy/root/mark", "-") == "running\n")
            try await here.mustLxc("move", "c1", "far:moved", "--stateless")
            #expect(try await here.mustLxc("list", "-f", "csv", "-c", "n") == "")
            #expect(try await here.mustLxc("exec", "far:moved", "--", "cat", "/root/mark") == "running\n")
        }
    }

    @Test func aSnapshotBecomesAContainer() async throws {
        try await withServers(Pair(source: .ours, target: .ours)) { here, far in
            try await here.mustLxc("init", "busybox", "c1")
            try await here.mustLxc("file", "push", "-", "c1/root/then", input: "then")
            try await here.mustLxc("snapshot", "c1")
            try await here.mustLxc("file", "delete", "c1/root/then")
            try await here.mustLxc("copy", "c1/snap0", "far:c2")
            #expect(try await here.mustLxc("file", "pull", "far:c2/root/then", "-") == "then")
        }
    }

    // MARK: What must not happen

    @Test func cancellingLeavesTheSourceAndCleansTheTarget() async throws {
        try await withServers(Pair(source: .ours, target: .ours)) { here, far in
            try await makeBig(here)
            let copying = Task { try await here.lxc("copy", "c1", "far:c1") }
            let operation = try await running(far, "Creating instance")
            try await far.mustLxc("operation", "delete", operation)
            #expect(try await copying.value.exit.isSuccess == false)
            try await expectNothing(far)
            try await expectWhole(here)
        }
    }

    @Test func aKilledTargetHasNothingAfterItsRestart() async throws {
        try await withServers(Pair(source: .ours, target: .ours)) { here, far in
            try await makeBig(here)
            let copying = Task { try await here.lxc("copy", "c1", "far:c1") }
            _ = try await running(far, "Creating instance")
            try await far.crash()
            let result = try await copying.value
            #expect(!result.exit.isSuccess)
            try await far.start()
            try await expectNothing(far)
            try await expectWhole(here)
        }
    }

    @Test func aKilledSourceIsAsItWasAndTheTargetIsClean() async throws {
        try await withServers(Pair(source: .ours, target: .ours)) { here, far in
            try await makeBig(here)
            let copying = Task { try await here.lxc("copy", "c1", "far:c1") }
            _ = try await running(far, "Creating instance")
            try await here.crash()
            #expect(try await copying.value.exit.isSuccess == false)
            try await here.start()
            try await eventually("the target has given up") {
                try await far.mustLxc("list", "-f", "csv") == "" ? true : nil
            }
            try await expectNothing(far)
            try await expectWhole(here)
        }
    }

    @Test func aFullDiskIsSaidAndLeavesNothing() async throws {
        try await withServers(Pair(source: .ours, target: .ours), diskMebibytes: 48) { here, far in
            try await makeBig(here)
            let result = try await here.lxc("copy", "c1", "far:c1")
            #expect(!result.exit.isSuccess)
            #expect(result.errorText.contains("No space left"), "\(result.errorText)")
            try await expectNothing(far)
            try await expectWhole(here)
        }
    }

    @Test func aCutCableEndsTheTransfer() async throws {
        try await TestHost.withPair { one, two in
            try await TestDaemon.withDaemon(on: one) { here in
                try await TestDaemon.withDaemon(on: two) { far in
                    try await prepare(here, far)
                    try await makeBig(here)
                    let copying = Task { try await here.lxc("copy", "c1", "far:c1", deadline: .seconds(300)) }
                    _ = try await running(far, "Creating instance")
                    try await one.cutCable()
                    try await eventually("the target has given up", within: .seconds(120)) {
                        try await far.mustLxc("list", "-f", "csv") == "" ? true : nil
                    }
                    try await one.plugCable()
                    #expect(try await copying.value.exit.isSuccess == false)
                    try await expectNothing(far)
                    try await expectWhole(here)
                }
            }
        }
    }

    /// Nothing is sent to another server for an instance that would be refused here.
    @Test func whatARestrictedProjectRefusesIsNotEvenAskedFor() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("project", "create", "tight", "-c", "restricted=true")
            let listener = try Listener()
            for config in [#"{"security.privileged": "true"}"#, #"{"raw.lxc": "lxc.mount.entry = / x none bind"}"#] {
                let answer = try await daemon.request(
                    "POST", "/1.0/instances?project=tight",
                    """
                    {"name": "c1", "architecture": "x86_64", "config": \(config),
                     "devices": {"root": {"type": "disk", "path": "/", "pool": "pool"}},
                     "source": {"type": "migration", "mode": "pull",
                     "operation": "https://127.0.0.1:\(listener.port)/1.0/operations/6916c8a6",
                     "secrets": {"control": "a", "fs": "b"}}}
                    """)
                #expect(answer.status >= 400, "\(answer.body)")
                #expect(answer.error.contains("forbidden") || answer.error.contains("Forbidden"), "\(answer.error)")
            }
            #expect(!listener.wasAsked)
        }
    }

    // MARK: Tools

    private func withServers(
        _ pair: Pair, diskMebibytes: Int? = nil, _ body: (TestDaemon, TestDaemon) async throws -> Void
    ) async throws {
        try await TestHost.withPair { one, two in
            try await TestDaemon.withDaemon(pair.source, on: one) { here in
                try await TestDaemon.withDaemon(pair.target, on: two, diskMebibytes: diskMebibytes) { far in
                    try await prepare(here, far)
                    try await body(here, far)
                }
            }
        }
    }

    private func prepare(_ here: TestDaemon, _ far: TestDaemon) async throws {
        try await here.prepareForContainers()
        try await far.mustLxc("storage", "create", "pool", "dir")
        try await far.mustLxc("profile", "device", "add", "default", "root", "disk", "path=/", "pool=pool")
        try await here.listen()
        try await far.listen()
        try await here.addRemote("far", far)
        // Copies need the source to be a remote too: the target is told its address.
        try await here.addRemote("near", here)
        try await here.mustLxc("remote", "switch", "near")
    }

    /// A container of 200 MB, so that there is time to do something in the middle.
    private func makeBig(_ daemon: TestDaemon) async throws {
        try await daemon.mustLxc("launch", "busybox", "c1")
        try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "head -c 200000000 /dev/urandom > /root/big")
        try await daemon.mustLxc("stop", "--force", "c1")
    }

    private func running(_ daemon: TestDaemon, _ description: String) async throws -> String {
        try await eventually("an operation \(description)") {
            let lines = try await daemon.mustLxc("operation", "list", "-f", "csv").split(separator: "\n")
            return lines.first { $0.contains(description) && $0.contains("RUNNING") }
                .flatMap { $0.split(separator: ",").first.map(String.init) }
        }
    }

    private func expectNothing(_ daemon: TestDaemon) async throws {
        // The client hears of the failure from either server; the target may still be clearing up.
        try await eventually("an empty list") { try await daemon.mustLxc("list", "-f", "csv").isEmpty ? true : nil }
        try await eventually("no volumes") {
            try await daemon.mustLxc("storage", "volume", "list", "pool", "-f", "csv").isEmpty ? true : nil
        }
        let left = try await eventually("an empty pool") {
            let found =
                FileManager.default.enumerator(atPath: daemon.directory + "/storage-pools/pool")?.compactMap {
                    $0 as? String
                } ?? []
            let own: Set = [
                "containers", "containers-snapshots", "custom", "custom-snapshots", "images", "layers", "staging",
                "trash",
            ]
            let rest = found.filter { !own.contains($0) }
            return rest.isEmpty ? rest : nil
        }
        #expect(left == [])
    }

    private func expectWhole(_ daemon: TestDaemon) async throws {
        try await daemon.mustLxc("start", "c1")
        #expect(try await daemon.mustLxc("exec", "c1", "--", "stat", "-c", "%s", "/root/big") == "200000000\n")
    }
}

/// A port of this machine that notes whether anybody connected.
private final class Listener {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) | listen(descriptor, 4) | getsockname(descriptor, address, &length)
            }
        }
        guard descriptor >= 0, result == 0 else { throw TestFailure("no listener: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    var wasAsked: Bool {
        let connection = accept(descriptor, nil, nil)
        if connection >= 0 { close(connection) }
        return connection >= 0
    }
}
