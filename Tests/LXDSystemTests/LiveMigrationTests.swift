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
            // A name that is part of no fingerprint: what is left of it is found by its name.
            let name = "lm" + UUID().uuidString.prefix(6).lowercased()
            let container = try await LiveContainer.launch(on: pair.here, name, address: LiveHosts.address)
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
        let name = container.name
        var owner = pair.here
        let shell = try await ConsoleShell(container, owner)
        try await owner.mustLxc("config", "set", name, "limits.memory=900MiB", "limits.processes=400")
        let volatile = try await owner.mustLxc("config", "get", name, "volatile.eth0.hwaddr")
        var before = try await container.look(owner)
        for round in 1...10 {
            let result = try await pair.move(name, from: owner)
            #expect(result.exit.isSuccess, "move \(round): \(result.errorText)")
            guard result.exit.isSuccess else { throw TestFailure("move \(round): \(result.outputText)\(result.errorText)") }
            let source = owner
            owner = pair.other(owner)
            for client in clients { try await client.expectAnswers("after move \(round)") }
            let now = try await container.lookOn(owner, since: before)
            #expect(now.problems == [], "move \(round)")
            before = now.sight
            var left: [String] = []
            let isClean = try? await eventually("nothing left", within: .seconds(20)) {
                left = try await pair.traces(of: name, on: source, keepsVolume: false)
                return left.isEmpty ? true : nil
            }
            #expect(isClean == true, "left on the source of move \(round): \(left)")
            if round % 5 == 0 { try await shell.expectToLive(owner) }
        }
        #expect(try await owner.mustLxc("config", "get", name, "volatile.eth0.hwaddr") == volatile)
        #expect(try await owner.mustLxc("list", name, "-f", "csv", "-c", "4").contains(container.address))
        return owner
    }

    private func beAFullCitizen(_ container: LiveContainer, _ owner: TestDaemon, _ pair: LiveHosts) async throws {
        let name = container.name
        var before = try await container.look(owner)
        await owner.end()
        try await owner.start()
        let now = try await container.lookOn(owner, since: before)
        #expect(now.problems == [], "after a restart of the daemon")
        before = now.sight
        try await expectInteractiveExec(container, owner)
        let limits = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null"
        #expect(try await owner.lxc("exec", name, "--", "sh", "-c", limits).outputText == "943718400\n")
        // Limits that change later are applied, too.
        try await owner.mustLxc("config", "set", name, "limits.memory=800MiB")
        #expect(try await owner.lxc("exec", name, "--", "sh", "-c", limits).outputText == "838860800\n")
        #expect(try await owner.mustLxc("query", "/1.0/metrics").contains(name))
        try await owner.mustLxc("snapshot", name, "s1")
        try await owner.mustLxc("pause", name)
        try await owner.mustLxc("start", name)

        try await owner.mustLxc("exec", name, "--", "sh", "-c", "echo to-the-log >/dev/console")
        try await eventually("the console's log") {
            try await owner.lxc("console", name, "--show-log").outputText.contains("to-the-log") ? true : nil
        }
        try await owner.lxc("exec", name, "--", "reboot")  // The command may be cut off by what it asks for.
        try await eventually("a new boot after a reboot from inside", within: .seconds(90)) {
            let answer = try await owner.lxc("exec", name, "--", "cat", "/proc/sys/kernel/random/boot_id")
            return answer.exit.isSuccess && !answer.outputText.hasPrefix(before.boot) ? true : nil
        }
        try await container.waitUntilRunning(owner)
        // It is as movable as it was.
        let again = try await pair.move(name, from: owner)
        #expect(again.exit.isSuccess, "\(again.errorText)")
        let last = pair.other(owner)
        try await last.mustLxc("stop", name, deadline: .seconds(90))
        #expect(try await pair.status(name, last) == "STOPPED")
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
