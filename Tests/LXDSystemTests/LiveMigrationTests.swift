import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// A whole Debian system that moves between two hosts while it runs.
@Suite(
    .serialized,
    .enabled(if: Programs.mayRunContainers && LiveMigrationNeeds.areMet, "needs root, mmdebstrap and scripts/install-criu"),
    .timeLimit(.minutes(15)))
struct LiveMigrationTests {
    @Test func tenMovesBackAndForthAreNoticedByNobody() async throws {
        try await LiveHosts.with(debian: try await TestImage.debian()) { pair in
            let container = try await LiveContainer.launch(on: pair.here, address: LiveHosts.address)
            var clients: [TestClient] = []
            do {
                for host in [pair.hosts.here, pair.hosts.far] {
                    clients.append(try await TestClient(from: host, to: container.address))
                }
                let owner = try await moveTenTimes(container, clients, pair)
                for client in clients { await client.end() }
                clients = []
                try await beAFullCitizen(container, owner, pair)
            } catch {
                for client in clients { await client.end() }
                throw error
            }
        }
    }

    private func moveTenTimes(_ container: LiveContainer, _ clients: [TestClient], _ pair: LiveHosts) async throws -> TestDaemon {
        var owner = pair.here
        let shell = try await ConsoleShell(container, owner)
        try await owner.mustLxc("config", "set", "c1", "limits.memory=900MiB", "limits.processes=400")
        let volatile = try await owner.mustLxc("config", "get", "c1", "volatile.eth0.hwaddr")
        var before = try await container.look(owner)
        for round in 1...10 {
            let result = try await pair.move("c1", from: owner)
            #expect(result.exit.isSuccess, "move \(round): \(result.errorText)")
            guard result.exit.isSuccess else { throw TestFailure("move \(round): \(result.outputText)\(result.errorText)") }
            let source = owner
            owner = pair.other(owner)
            for client in clients { try await client.expectAnswers("after move \(round)") }
            let now = try await container.lookOn(owner, since: before)
            #expect(now.problems == [], "move \(round)")
            before = now.sight
            try await eventually("nothing left on the source of move \(round)", within: .seconds(30)) {
                let left = try await pair.traces(of: "c1", on: source, keepsVolume: false)
                return left.isEmpty ? true : nil
            }
            if round % 5 == 0 { try await shell.expectToLive(owner) }
        }
        #expect(try await owner.mustLxc("config", "get", "c1", "volatile.eth0.hwaddr") == volatile)
        #expect(try await owner.mustLxc("list", "c1", "-f", "csv", "-c", "4").contains(container.address))
        return owner
    }

    private func beAFullCitizen(_ container: LiveContainer, _ owner: TestDaemon, _ pair: LiveHosts) async throws {
        var before = try await container.look(owner)
        await owner.end()
        try await owner.start()
        let now = try await container.lookOn(owner, since: before)
        #expect(now.problems == [], "after a restart of the daemon")
        before = now.sight
        try await expectInteractiveExec(container, owner)
        let limits = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null"
        #expect(try await owner.lxc("exec", "c1", "--", "sh", "-c", limits).outputText == "943718400\n")
        // Limits that change later are applied, too.
        try await owner.mustLxc("config", "set", "c1", "limits.memory=800MiB")
        #expect(try await owner.lxc("exec", "c1", "--", "sh", "-c", limits).outputText == "838860800\n")
        #expect(try await owner.mustLxc("query", "/1.0/metrics").contains("c1"))
        try await owner.mustLxc("snapshot", "c1", "s1")
        try await owner.mustLxc("pause", "c1")
        try await owner.mustLxc("start", "c1")

        try await owner.mustLxc("exec", "c1", "--", "sh", "-c", "echo to-the-log >/dev/console")
        try await eventually("the console's log") {
            try await owner.lxc("console", "c1", "--show-log").outputText.contains("to-the-log") ? true : nil
        }
        try await owner.lxc("exec", "c1", "--", "reboot")  // The command may be cut off by what it asks for.
        try await eventually("a new boot after a reboot from inside", within: .seconds(90)) {
            let answer = try await owner.lxc("exec", "c1", "--", "cat", "/proc/sys/kernel/random/boot_id")
            return answer.exit.isSuccess && !answer.outputText.hasPrefix(before.boot) ? true : nil
        }
        try await container.waitUntilRunning(owner)
        // It is as movable as it was.
        let again = try await pair.move("c1", from: owner)
        #expect(again.exit.isSuccess, "\(again.errorText)")
        let last = pair.other(owner)
        try await last.mustLxc("stop", "c1", deadline: .seconds(90))
        #expect(try await pair.status("c1", last) == "STOPPED")
    }

    @Test func withoutTheKeyAMoveIsRefusedAndNothingStops() async throws {
        try await LiveHosts.with { pair in
            try await pair.here.mustLxc("launch", "busybox", "c1")
            let result = try await pair.move("c1", from: pair.here)
            #expect(!result.exit.isSuccess)
            #expect(result.errorText.contains("migration.stateful"), "\(result.errorText)")
            #expect(try await pair.status("c1", pair.here) == "RUNNING")
            #expect(try await pair.status("c1", pair.far) == "")
        }
    }
}
