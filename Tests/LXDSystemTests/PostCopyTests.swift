import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// Memory that follows a container to its new host while it runs there already (`migration.postcopy`).
@Suite(
    .serialized,
    .enabled(
        if: Programs.mayRunContainers && access("/usr/lib/lxd/criu/criu", X_OK) == 0, "needs root and scripts/install-criu"),
    .timeLimit(.minutes(10)))
struct PostCopyTests {
    private func launch(_ pair: LiveHosts, rate: Int = 100) async throws -> (SmallContainer, TestClient) {
        let container = try await SmallContainer.launch(pair, on: pair.here, heapMebibytes: 200, rate: rate)
        let client = try await TestClient(from: pair.hosts.here, to: LiveHosts.address)
        try await eventually("its heap", within: .seconds(60)) { try await heap(container, pair.here).number("pid") > 0 ? true : nil }
        try await pair.here.mustLxc("config", "set", container.name, "migration.postcopy=true")
        return (container, client)
    }

    private func heap(_ container: SmallContainer, _ daemon: TestDaemon) async throws -> GuestStatus {
        // It is there once the heap has been filled.
        GuestStatus(try await daemon.lxc("exec", container.name, "--", "cat", "/tmp/heap").outputText)
    }

    @Test func memoryFollowsThereAndBack() async throws {
        try await LiveHosts.with { pair in
            let (container, client) = try await launch(pair)
            do {
                var owner = pair.here
                for round in 1...4 {
                    let before = try await heap(container, owner)
                    let result = try await pair.move(container.name, from: owner)
                    guard result.exit.isSuccess else { throw TestFailure("move \(round): \(result.errorText)") }
                    let source = owner
                    owner = pair.other(owner)
                    #expect(try await container.expectOneCopy(client, source: source, mayKeepVolume: false) === owner)
                    // Every page is compared with what was written into it, twice over.
                    let after = try await eventually("two looks at the whole heap", within: .seconds(60)) {
                        let now = try await heap(container, owner)
                        return now.number("rounds") >= before.number("rounds") + 3 || now.number("bad") > 0 ? now : nil
                    }
                    #expect(after.number("bad") == 0 && after.number("pid") == before.number("pid"), "move \(round): \(after)")
                }
            } catch {
                await client.end()
                throw error
            }
            await client.end()
        }
    }

    /// Nothing stands still for a move that cannot be; the host and the cause are named, and it is not done in another way.
    @Test func aHostThatCannotIsNamedAndNothingStops() async throws {
        try await LiveHosts.with { pair in
            let (container, client) = try await launch(pair)
            do {
                let real = "/usr/lib/lxd/criu/criu"
                for (daemon, side) in [(pair.far, "target"), (pair.here, "source")] {
                    let (copy, script) = (daemon.directory + "/criu-real", daemon.directory + "/criu-without")
                    try FileManager.default.copyItem(atPath: real, toPath: copy)
                    let text = "#!/bin/sh\ncase \"$*\" in *'--feature uffd'*) exit 1;; esac\nexec \(copy) \"$@\"\n"
                    try AtomicFile.write(Array(text.utf8), to: script, mode: 0o755, sync: false)
                    try await pair.host(daemon).mustRun("mount", "--bind", script, real)
                    let result = try await pair.move(container.name, from: pair.here)
                    try await pair.host(daemon).mustRun("umount", real)
                    unlink(copy)
                    unlink(script)
                    #expect(!result.exit.isSuccess)
                    #expect(result.errorText.contains("on the \(side) server"), "\(result.errorText)")
                    #expect(result.errorText.contains("userfaultfd"), "\(result.errorText)")
                    let owner = try await container.expectOneCopy(client, source: pair.here, mayKeepVolume: false)
                    #expect(owner === pair.here)
                    #expect(client.status.number("gap_us") < 2_000_000, "\(client.status)")
                }
            } catch {
                await client.end()
                throw error
            }
            await client.end()
        }
    }

    enum Loss: CaseIterable { case cable, targetDaemon, sourceDaemon }

    /// The container runs with half of its memory when the other half can't come any more: it ends, and that is told.
    @Test(arguments: Loss.allCases) func aLostStreamOfMemoryEndsTheContainer(_ loss: Loss) async throws {
        try await LiveHosts.with { pair in
            let (container, client) = try await launch(pair, rate: 5)
            var seen: [String] = []
            do {
                for host in [pair.hosts.here, pair.hosts.far] {
                    try await host.mustRun("tc", "qdisc", "add", "dev", "cable0", "root", "tbf", "rate", "60mbit", "burst", "64kb", "latency", "50ms")
                }
                // It runs there, and most of its memory does not.
                try AtomicFile.write(Array("target-pages pause\n".utf8), to: pair.far.faults, mode: 0o600, sync: false)
                let moving = Task { try await pair.move(container.name, from: pair.here) }
                try await eventually("it runs on the other host", within: .seconds(60), every: .milliseconds(10)) {
                    access(pair.far.faults + ".paused", F_OK) == 0 ? true : nil
                }
                switch loss {
                case .cable: try await pair.hosts.here.cutCable()
                case .targetDaemon: try await pair.far.crash()
                case .sourceDaemon: try await pair.here.crash()
                }
                unlink(pair.far.faults + ".paused")
                if loss == .targetDaemon { try await pair.far.start() }
                if loss == .sourceDaemon { try await pair.here.start() }
                try await eventually("its end on both hosts", within: .seconds(60)) {
                    seen = [try await pair.status(container.name, pair.here), try await pair.status(container.name, pair.far)]
                    return seen == ["STOPPED", "STOPPED"] ? true : nil
                }
                if loss == .cable { try await pair.hosts.here.plugCable() }
                let result = try await moving.value
                #expect(!result.exit.isSuccess)
                if loss != .targetDaemon {
                    #expect(result.errorText.contains("migration.postcopy") || result.errorText.contains("memory"), "\(result.errorText)")
                }
                for daemon in [pair.here, pair.far] {
                    try await eventually("nothing of it runs", within: .seconds(20)) {
                        let left = try await pair.traces(of: container.name, on: daemon, keepsVolume: true)
                        return left.isEmpty ? true : nil
                    }
                }
                #expect(try pair.copies(of: "/tmp/\(container.name)-clock") == 0)
                let warnings = try await pair.far.mustLxc("warning", "list", "-f", "csv")
                #expect(warnings.contains("lost its memory"), "\(warnings)")
                // Its files are the target's, and good.
                try await pair.far.mustLxc("start", container.name)
            } catch {
                await client.end()
                throw TestFailure("\(error); here and far: \(seen)")
            }
            await client.end()
        }
    }
}
