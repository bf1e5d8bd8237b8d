import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// Containers that go to another pool of their server with the state of their processes.
@Suite(
    .serialized,
    .enabled(
        if: Programs.mayRunContainers && access("/usr/lib/lxd/criu/criu", X_OK) == 0, "needs root and scripts/install-criu"),
    .timeLimit(.minutes(5)))
struct LivePoolMoveTests {
    @Test func aCounterGoesOnInAnotherPoolAndWhereItWasWhenItCannotMove() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("storage", "create", "other", "dir")
            try await daemon.mustLxc("launch", "busybox", "c1", "-c", "migration.stateful=true")
            let counter = "n=0; while :; do n=$((n+1)); echo $$ $n >/tmp/count.new; mv /tmp/count.new /tmp/count; sleep 0.1; done"
            try await daemon.mustLxc(
                "exec", "c1", "--", "sh", "-c", "setsid sh -c '\(counter)' </dev/null >/dev/null 2>&1 & sleep 0.5")
            let before = try await count(daemon)
            try await daemon.mustLxc("move", "c1", "-s", "other")
            #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "nsb") == "c1,RUNNING,other\n")
            try await expectCounting(daemon, as: before)

            let refusal = try await daemon.lxc("move", "c1", "-s", "missing")
            #expect(!refusal.exit.isSuccess)
            #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "nsb") == "c1,RUNNING,other\n")
            try await expectCounting(daemon, as: before)

            // What a stateful stop has kept goes along as well.
            try await daemon.mustLxc("stop", "--stateful", "c1")
            try await daemon.mustLxc("move", "c1", "-s", "pool")
            try await daemon.mustLxc("start", "c1")
            try await expectCounting(daemon, as: before)

            let stateless = try await daemon.lxc("move", "c1", "-s", "other", "--stateless")
            #expect(stateless.errorText.contains("Instance must be stopped to move between pools statelessly"))
        }
    }

    private func count(_ daemon: TestDaemon) async throws -> (pid: Int, number: Int) {
        let numbers = try await daemon.lxc("exec", "c1", "--", "cat", "/tmp/count").outputText
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }

    private func expectCounting(_ daemon: TestDaemon, as before: (pid: Int, number: Int)) async throws {
        let now = try await count(daemon)
        #expect(now.pid == before.pid && now.number >= before.number)
        try await eventually("the counter to count on") {
            let later = try await count(daemon)
            return later.pid == now.pid && later.number > now.number ? true : nil
        }
    }
}
