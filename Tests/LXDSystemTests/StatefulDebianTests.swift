import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// A whole Debian system whose processes go through images on one daemon: nobody in it or connected to it may notice.
@Suite(
    .serialized,
    .enabled(if: Programs.mayRunContainers && LiveMigrationNeeds.areMet, "needs root, mmdebstrap and scripts/install-criu"),
    .timeLimit(.minutes(15)))
struct StatefulDebianTests {
    @Test func nothingInItNoticesAStatefulStopAndItStaysAFullCitizen() async throws {
        let image = try await TestImage.debian()
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("image", "import", image, "--alias", "debian")
            let bridge = "lxdt" + UUID().uuidString.prefix(6).lowercased()
            try await daemon.mustLxc("network", "create", bridge, "ipv4.address=10.97.3.1/24", "ipv6.address=none")
            try await daemon.mustLxc("profile", "device", "add", "default", "eth0", "nic", "name=eth0", "network=\(bridge)")
            let container = try await LiveContainer.launch(on: daemon, "c1", address: "10.97.3.9")
            let client = try await TestClient(from: nil, to: container.address)
            do {
                try await goThroughImages(container, client, daemon)
                await client.end()
            } catch {
                await client.end()
                throw error
            }
            try await beAFullCitizen(container, daemon)
        }
    }

    private func goThroughImages(_ container: LiveContainer, _ client: TestClient, _ daemon: TestDaemon) async throws {
        let shell = try await ConsoleShell(container, daemon)
        var before = try await container.look(daemon)
        try await daemon.mustLxc("config", "set", "c1", "limits.memory=900MiB", "limits.processes=400")
        for round in 1...3 {
            try await daemon.mustLxc("stop", "--stateful", "c1")
            try await daemon.mustLxc("start", "c1")
            try await client.expectAnswers("after stop \(round)")
            let now = try await container.lookOn(daemon, since: before)
            #expect(now.problems == [], "stop \(round)")
            before = now.sight
        }
        try await shell.expectToLive(daemon)

        try await daemon.mustLxc("snapshot", "--stateful", "c1", "s1")
        try await client.expectAnswers("after a snapshot")
        #expect(try await container.lookOn(daemon, since: before).problems == [])
        before = try await container.look(daemon)

        await daemon.end()
        try await daemon.start()
        try await client.expectAnswers("after a restart of the daemon")
        #expect(try await container.lookOn(daemon, since: before).problems == [])
        for (file, value) in [("memory.limit_in_bytes", "943718400"), ("pids.max", "400")] {
            let folder = file == "pids.max" ? "pids" : "memory"
            let script = "cat /sys/fs/cgroup/\(folder)/\(file) /sys/fs/cgroup/\(file == "pids.max" ? file : "memory.max") 2>/dev/null"
            #expect(try await daemon.lxc("exec", "c1", "--", "sh", "-c", script).outputText == value + "\n")
        }
    }

    private func beAFullCitizen(_ container: LiveContainer, _ daemon: TestDaemon) async throws {
        try await expectInteractiveExec(container, daemon)
        #expect(try await daemon.mustLxc("exec", "c1", "--", "systemd-run", "--wait", "--pipe", "echo", "ran") == "ran\n")
        try await daemon.mustLxc("exec", "c1", "--", "systemctl", "restart", "mt-sandbox-b")
        try await daemon.mustLxc("restore", "c1", "s1", "--stateful")
        try await container.waitUntilRunning(daemon)
        let boot = try await container.look(daemon).boot
        try await daemon.lxc("exec", "c1", "--", "reboot")  // The command may be cut off by what it asks for.
        try await eventually("a new boot after a reboot from inside", within: .seconds(90)) {
            let answer = try await daemon.lxc("exec", "c1", "--", "cat", "/proc/sys/kernel/random/boot_id")
            return answer.exit.isSuccess && answer.outputText != boot + "\n" ? true : nil
        }
        try await container.waitUntilRunning(daemon)
        try await daemon.mustLxc("stop", "c1", deadline: .seconds(90))
        #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "ns") == "c1,STOPPED\n")
    }
}

/// A shell with a terminal, inside a container.
func expectInteractiveExec(_ container: LiveContainer, _ daemon: TestDaemon) async throws {
    let terminal = try daemon.terminal("exec", container.name, "-t", "--", "bash")
    do {
        try await terminal.type("echo on-$(tty | tr / -)-$((6 * 7))", until: "-42")
        try await terminal.type("test -t 0 && echo a-$((1 + 1))-terminal", until: "a-2-terminal")
    } catch {
        await terminal.end()
        throw error
    }
    await terminal.end()
}

/// The shell on the console of a container, with a variable of its own that tells it from a new one.
struct ConsoleShell {
    private let container: String
    private let mark: String

    init(_ container: LiveContainer, _ daemon: TestDaemon) async throws {
        self.container = container.name
        mark = UUID().uuidString.prefix(8).lowercased()
        let terminal = try daemon.terminal("console", container.name)
        do {
            try await terminal.type("MARK=\(mark); echo set-$((40 + 2))", until: "set-42")
        } catch {
            await terminal.end()
            throw error
        }
        await terminal.end()
    }

    /// Types into the console, and reads what the same shell as ever answers.
    func expectToLive(_ daemon: TestDaemon) async throws {
        let terminal = try daemon.terminal("console", container)
        do {
            try await terminal.type("echo is-$MARK-$((40 + 2))", until: "is-\(mark)-42")
        } catch {
            await terminal.end()
            throw error
        }
        await terminal.end()
    }
}

/// What the tests with a real Debian and a real criu need.
enum LiveMigrationNeeds {
    static var areMet: Bool {
        access("/usr/lib/lxd/criu/criu", X_OK) == 0
            && (ProcessRunner.locate("mmdebstrap") != nil || ProcessInfo.processInfo.environment["LXD_TEST_DEBIAN"] != nil)
    }
}
