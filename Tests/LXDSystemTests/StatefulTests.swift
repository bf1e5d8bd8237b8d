import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// Containers that stop and start with the state of their processes, by the real criu.
@Suite(
    .serialized,
    .enabled(
        if: Programs.mayRunContainers && access("/usr/lib/lxd/criu/criu", X_OK) == 0, "needs root and scripts/install-criu"),
    .timeLimit(.minutes(10)))
struct StatefulTests {
    @Test func aCounterGoesOnAfterAStatefulStopAndItsSnapshotsRestoreIt() async throws {
        try await withCounter { daemon in
            let before = try await count(daemon)
            try await daemon.mustLxc("stop", "--stateful", "c1")
            #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "ns") == "c1,STOPPED\n")
            try await daemon.mustLxc("start", "c1")
            let after = try await count(daemon)
            #expect(after.pid == before.pid && after.number >= before.number && after.number < before.number + 200)
            try await expectCounting(daemon)

            try await daemon.mustLxc("snapshot", "--stateful", "c1", "s1")
            let taken = try await count(daemon)
            try await expectCounting(daemon)
            try await daemon.mustLxc("restore", "--stateful", "c1", "s1")
            #expect(try await count(daemon).pid == before.pid)
            #expect(try await count(daemon).number < taken.number + 100)
            try await expectCounting(daemon)

            // A full citizen: it reboots from inside, and a start without state begins anew.
            try await daemon.mustLxc("stop", "--stateful", "c1")
            try await daemon.mustLxc("start", "--stateless", "c1")
            let anew = try await daemon.lxc("exec", "c1", "--", "kill", "-0", "\(before.pid)")
            #expect(!anew.exit.isSuccess)
        }
    }

    @Test func whatCannotBeDoneIsRefusedAndTheContainerRunsOn() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            var refusal = try await daemon.lxc("stop", "--stateful", "c1")
            #expect(refusal.errorText.contains("Instance was not started with migration.stateful=true; set it and restart"))
            try await daemon.mustLxc("config", "set", "c1", "migration.stateful=true")
            refusal = try await daemon.lxc("stop", "--stateful", "c1")
            #expect(refusal.errorText.contains("restart the instance once"))
            try await daemon.mustLxc("config", "set", "c1", "security.nesting=true")
            refusal = try await daemon.lxc("restart", "--force", "c1")
            #expect(refusal.errorText.contains("migration.stateful and security.nesting can't both be true"))
            try await daemon.mustLxc("config", "unset", "c1", "security.nesting")
            try await daemon.mustLxc("start", "c1")
            refusal = try await daemon.lxc("restore", "--stateful", "c1", "none")
            #expect(!refusal.exit.isSuccess)
            #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "ns") == "c1,RUNNING\n")
            #expect(try await daemon.lxc("info", "c1").exit.isSuccess)
        }
    }

    @Test func theCheckNamesWhatKeepsAContainerFromMoving() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            let refusal = try await daemon.lxc("migrate-check", "c1")
            #expect(refusal.exit == .exited(1))
            #expect(refusal.errorText.contains("c1 can't be moved while it runs:\n - Instance was not started with migration.stateful"))
            #expect(refusal.errorText.contains("\n - Live migration needs this server to listen on the network too"))

            try await daemon.mustLxc("config", "set", "c1", "migration.stateful=true")
            try await daemon.mustLxc("restart", "--force", "c1")
            try await daemon.mustLxc("config", "set", "core.https_address=127.0.0.1:0")
            #expect(try await daemon.mustLxc("migrate-check", "c1", "local:") == "c1 can be moved while it runs\n")
            try await daemon.mustLxc("pause", "c1")
            #expect(try await daemon.lxc("migrate-check", "c1").errorText.contains("Instance is frozen; unfreeze it first"))
            try await daemon.mustLxc("stop", "--force", "c1")
            #expect(try await daemon.lxc("migrate-check", "c1").errorText.contains("Instance isn't running"))
        }
    }

    /// kill -9 of the daemon at every moment of a stateful stop: the container runs on, or is stopped and goes on from its state.
    @Test(arguments: [20, 100, 250, 400, 600, 900])
    func noStateIsLostWhenTheDaemonDiesInAStatefulStop(milliseconds: Int) async throws {
        try await withCounter { daemon in
            let before = try await count(daemon)
            let client = Task { try await daemon.lxc("stop", "--stateful", "c1", deadline: .seconds(60)) }
            try await Task.sleep(for: .milliseconds(milliseconds))
            try await daemon.crash()
            _ = try await client.value
            try await daemon.start()
            if try await daemon.mustLxc("list", "-f", "csv", "-c", "s") == "STOPPED\n" { try await daemon.mustLxc("start", "c1") }
            let after = try await count(daemon)
            #expect(after.pid == before.pid && after.number >= before.number)
            try await expectCounting(daemon)
            try await daemon.mustLxc("stop", "--force", "c1")
        }
    }

    /// The host goes down and comes up again: with `stateful-stop` the processes go on where they were.
    @Test func aShutdownOfTheHostCanKeepTheStateOfInstances() async throws {
        try await withCounter { daemon in
            #expect(try await !daemon.lxc("config", "set", "c1", "boot.host_shutdown_action=sleep").exit.isSuccess)
            try await daemon.mustLxc("config", "set", "c1", "boot.host_shutdown_action=stateful-stop")
            let before = try await count(daemon)
            kill(try #require(daemon.processID), SIGPWR)
            try await daemon.waitUntilDead()
            try await daemon.start()
            try await eventually("the instance to run again") {
                try await daemon.mustLxc("list", "-f", "csv", "-c", "s") == "RUNNING\n" ? true : nil
            }
            let after = try await count(daemon)
            #expect(after.pid == before.pid && after.number >= before.number)
            try await expectCounting(daemon)
            // One that cannot be kept is shut down, and starts anew.
            try await daemon.mustLxc("config", "unset", "c1", "migration.stateful")
            try await daemon.mustLxc("restart", "--force", "c1")
            kill(try #require(daemon.processID), SIGPWR)
            try await daemon.waitUntilDead()
            try await daemon.start()
            try await eventually("the instance to run again") {
                try await daemon.mustLxc("list", "-f", "csv", "-c", "s") == "RUNNING\n" ? true : nil
            }
        }
    }

    /// One after the other, with what a container has to have each time: limits, commands on a terminal, its console's log.
    @Test func theTenthCheckpointIsAsGoodAsTheFirst() async throws {
        try await withCounter { daemon in
            try await daemon.mustLxc("config", "set", "c1", "limits.memory=200MiB")
            let before = try await count(daemon)
            let log = try await daemon.mustLxc("console", "--show-log", "c1")
            for _ in 1...10 {
                try await daemon.mustLxc("stop", "--stateful", "c1")
                try await daemon.mustLxc("start", "c1")
            }
            #expect(try await count(daemon).pid == before.pid)
            try await expectCounting(daemon)
            #expect(try await daemon.mustLxc("query", "/1.0/instances/c1/state").contains("\"memory\""))
            #expect(try await daemon.mustLxc("exec", "-t", "c1", "--", "tty").hasPrefix("/dev/pts/"))
            #expect(try await daemon.mustLxc("console", "--show-log", "c1").hasPrefix(log))
            try await daemon.mustLxc("stop", "--force", "c1")
        }
    }

    /// liblxc writes no log for it: we do, also while somebody looks, and after a restart of the daemon.
    @Test func theConsoleOfARestoredContainerHasItsLogAndOnePlaceForAClient() async throws {
        try await withCounter { daemon in
            func expectLogged(_ text: String) async throws {
                try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "echo \(text) >/dev/console")
                try await eventually("\(text) in the console's log") {
                    try await daemon.mustLxc("console", "--show-log", "c1").contains(text) ? true : nil
                }
            }
            try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "echo before >/dev/console")
            try await daemon.mustLxc("stop", "--stateful", "c1")
            try await daemon.mustLxc("start", "c1")
            // A moment passes until somebody is at the console of what runs again.
            try await daemon.mustLxc(
                "exec", "c1", "--", "sh", "-c", "setsid sh -c 'while sleep 0.2; do echo shown >/dev/console; done' >/dev/null 2>&1 &")
            try await eventually("the log to go on") {
                try await daemon.mustLxc("console", "--show-log", "c1").contains("shown") ? true : nil
            }
            #expect(try await daemon.mustLxc("console", "--show-log", "c1").contains("before"))

            let terminal = try daemon.terminal("console", "c1")
            do {
                try await terminal.type("", until: "shown")
                try await expectLogged("while-somebody-looks")
                let second = try daemon.terminal("console", "c1")
                try await eventually("the second client to be sent away") { second.hasEnded ? true : nil }
                await second.end()
                try await terminal.type("", until: "shown")
            } catch {
                await terminal.end()
                throw error
            }
            await terminal.end()
            let next = try daemon.terminal("console", "c1")
            do { try await next.type("", until: "shown") } catch {
                await next.end()
                throw error
            }
            await next.end()

            await daemon.end()
            try await daemon.start()
            try await eventually("the log to go on with the next daemon") {
                try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "echo after-the-restart >/dev/console")
                return try await daemon.mustLxc("console", "--show-log", "c1").contains("after-the-restart") ? true : nil
            }
            try await daemon.mustLxc("query", "-X", "DELETE", "/1.0/instances/c1/console")
            #expect(try await !daemon.mustLxc("console", "--show-log", "c1").contains("before"))
            try await expectLogged("after-it-was-cleared")
        }
    }

    // MARK: Help

    /// A container with a process that counts in its memory and writes the number down ten times a second.
    private func withCounter(_ body: (TestDaemon) async throws -> Void) async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1", "-c", "migration.stateful=true")
            let counter = "n=0; while :; do n=$((n+1)); echo $$ $n >/tmp/count.new; mv /tmp/count.new /tmp/count; sleep 0.1; done"
            try await daemon.mustLxc(
                "exec", "c1", "--", "sh", "-c", "setsid sh -c '\(counter)' </dev/null >/dev/null 2>&1 & sleep 0.5")
            try await eventually("the counter to count") { try await count(daemon).number > 0 ? true : nil }
            try await body(daemon)
        }
    }

    private func count(_ daemon: TestDaemon) async throws -> (pid: Int, number: Int) {
        let numbers = try await daemon.lxc("exec", "c1", "--", "cat", "/tmp/count").outputText
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }

    private func expectCounting(_ daemon: TestDaemon) async throws {
        let now = try await count(daemon)
        try await eventually("the counter to count on") {
            let later = try await count(daemon)
            return later.pid == now.pid && later.number > now.number ? true : nil
        }
    }
}
