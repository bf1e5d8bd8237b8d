import Glibc
import LXDLinux
import LXDRuntime
import LXDRuntimePlan
import SystemPackage
import Testing

@Suite(
    .serialized, .enabled(if: TestContainer.isPossible, "needs root, /bin/busybox and lxd-helper"),
    .timeLimit(.minutes(2)))
struct ContainerRuntimeTests {
    private func withContainer(_ body: (TestContainer) async throws -> Void) async throws {
        let container = try await TestContainer()
        do {
            try await body(container)
        } catch {
            await container.remove()
            throw error
        }
        await container.remove()
    }

    @Test func aContainerStartsRunsCommandsAndLeavesNothing() async throws {
        try await withContainer { container in
            let clock = ContinuousClock()
            var begin = clock.now
            _ = try await container.runtime.start(container.plan)
            print("start", clock.now - begin)
            #expect(container.runtime.state(container.name) == .running)

            begin = clock.now
            let ok = try await container.run(["true"])
            print("exec", clock.now - begin)
            #expect(ok.status == 0)
            #expect(try await container.run(["id", "-u"]).output == "0\n")
            #expect(try await container.run(["sh", "-c", "exit 42"]).status == 42)
            #expect(try await container.run(["sh", "-c", "kill -9 $$"]).status == 137)
            #expect(try await container.run(["no-such-command"]).status == 127)
            #expect(try await container.run(["/etc/passwd"]).status == 126)
            #expect(try await container.run(["cat"], input: "hello").output == "hello")
            #expect(try await container.run(["hostname"]).output == container.name + "\n")
            #expect(try await container.run(["sh", "-c", "touch /root/file && stat -c %u /root/file"]).output == "0\n")
            #expect(try await container.run(["sh", "-c", "ls /proc/self/fd | wc -l"]).output != "")
            #expect(try FileStatus.of(path: container.folder + "/layers/upper/root/file").uid == 0)

            begin = clock.now
            try await container.runtime.kill(container.name)
            print("kill", clock.now - begin)
            #expect(container.runtime.state(container.name) == .stopped)
            #expect(try container.traces() == [])
        }
    }

    @Test(arguments: 1...5)
    func aStartThatFailsAtAnyStepLeavesNothing(_ step: UInt32) async throws {
        try await withContainer { container in
            var plan = container.plan
            plan.failAfterSteps = step
            await #expect(throws: RuntimeError.self) { try await container.runtime.start(plan) }
            #expect(container.runtime.state(container.name) == .stopped)
            #expect(try container.traces() == [])
            // And the next one works.
            _ = try await container.runtime.start(container.plan)
            #expect(try await container.run(["true"]).status == 0)
        }
    }

    @Test func aMissingInitIsReportedWithTheLog() async throws {
        try await withContainer { container in
            var plan = container.plan
            plan.initCommand = ["/no/such/init"]
            do {
                _ = try await container.runtime.start(plan)
                Issue.record("started without an init")
            } catch let RuntimeError.failed(failure) {
                #expect(failure.step == "start the container")
                #expect(failure.log.contains("/no/such/init"))
            }
            #expect(try container.traces() == [])
        }
    }

    @Test func aTerminalBelongsToTheContainerAndResizes() async throws {
        try await withContainer { container in
            _ = try await container.runtime.start(container.plan)
            var plan = ExecPlan()
            plan.command = ["sh", "-c", "tty; stty size; read x; stty size; exit 3"]
            plan.environment = [PlanPair("PATH", "/bin")]
            plan.terminal = true
            (plan.rows, plan.columns) = (30, 100)
            let process = try await container.runtime.exec(container.name, plan)
            let master = try #require(process.takeTerminal())
            defer { try? master.close() }
            // Until its end, which is an error: a terminal without users.
            func output(until mark: String?) -> String {
                var text = ""
                var buffer = [UInt8](repeating: 0, count: 4096)
                while case let count = read(master.rawValue, &buffer, buffer.count), count > 0 {
                    text += String(decoding: buffer[..<count], as: UTF8.self)
                    if let mark, text.contains(mark) { break }
                }
                return text
            }
            var text = output(until: "30 100")
            try PseudoTerminal.resize(master, rows: 40, columns: 120)
            try writeAll(Array("x\n".utf8), to: master)
            #expect(await process.wait() == 3)
            text += output(until: nil)
            #expect(text.contains("/dev/pts/"))
            #expect(text.contains("30 100"))
            #expect(text.contains("40 120"))
        }
    }

    @Test func aFrozenContainerCanBeKilled() async throws {
        try await withContainer { container in
            _ = try await container.runtime.start(container.plan)
            try await container.runtime.freeze(container.name)
            #expect(container.runtime.state(container.name) == .frozen)
            try await container.runtime.unfreeze(container.name)
            #expect(container.runtime.state(container.name) == .running)
            try await container.runtime.freeze(container.name)
            try await container.runtime.kill(container.name)
            #expect(try container.traces() == [])
        }
    }

    @Test func shuttingDownAsksInit() async throws {
        try await withContainer { container in
            _ = try await container.runtime.start(container.plan)
            try await container.awaitInit()
            try await container.runtime.shutdown(container.name, timeout: .seconds(10))
            #expect(try container.traces() == [])
            var exits = container.runtime.exits.makeAsyncIterator()
            #expect(await exits.next() == ContainerExit(name: container.name, target: .stop))
        }
    }

    @Test func aRebootIsReported() async throws {
        try await withContainer { container in
            _ = try await container.runtime.start(container.plan)
            _ = try await container.run(["reboot", "-f"])
            var exits = container.runtime.exits.makeAsyncIterator()
            #expect(await exits.next() == ContainerExit(name: container.name, target: .reboot))
            #expect(try container.traces() == [])
        }
    }

    @Test func aLaterDaemonFindsTheContainerAgain() async throws {
        try await withContainer { container in
            let started = try await container.runtime.start(container.plan)
            let later = try TestContainer.runtime(container.folder)
            #expect(try await later.reconnect() == [container.name])
            #expect(later.running(container.name) == started)
            try await later.kill(container.name)
            #expect(later.state(container.name) == .stopped)
        }
    }

    @Test func aContainerThatEndedWithoutADaemonIsCleanedUp() async throws {
        try await withContainer { container in
            let started = try await container.runtime.start(container.plan)
            let record = try AtomicFile.readText(container.folder + "/run/\(container.name).run")
            kill(started.initPID, SIGKILL)
            #expect(await container.runtime.waitForEnd(container.name, timeout: .seconds(10)))
            try AtomicFile.write(record, to: container.folder + "/run/\(container.name).run")
            try AtomicFile.write("reboot\n", to: container.folder + "/run/\(container.name).exit")
            let later = try TestContainer.runtime(container.folder)
            #expect(try await later.reconnect() == [])
            var exits = later.exits.makeAsyncIterator()
            #expect(await exits.next() == ContainerExit(name: container.name, target: .reboot))
            #expect(try container.traces() == [])
        }
    }

    @Test func aMonitorThatIsKilledTakesTheContainerWithIt() async throws {
        try await withContainer { container in
            let started = try await container.runtime.start(container.plan)
            kill(started.monitorPID, SIGKILL)
            #expect(await container.runtime.waitForEnd(container.name, timeout: .seconds(10)))
            var exits = container.runtime.exits.makeAsyncIterator()
            #expect(await exits.next()?.target == .crash)
            #expect(try container.traces() == [])
        }
    }

    @Test func mountsComeAndGoWhileItRuns() async throws {
        try await withContainer { container in
            _ = try await container.runtime.start(container.plan)
            try makeHostDirectories(container.folder + "/data", mode: 0o755)
            try AtomicFile.write("hi", to: container.folder + "/data/file", mode: 0o644)
            let entry = MountEntry(source: container.folder + "/data", target: "mnt/deep/data", idmapped: true)
            try await container.runtime.attachMount(container.name, entry, idmap: container.idmap)
            #expect(try await container.run(["cat", "/mnt/deep/data/file"]).output == "hi")
            #expect(try await container.run(["stat", "-c", "%u", "/mnt/deep/data/file"]).output == "0\n")
            try await container.runtime.detachMount(container.name, target: "mnt/deep/data")
            #expect(try await container.run(["sh", "-c", "ls /mnt/deep/data 2>/dev/null"]).output == "")
        }
    }

    /// The helper that forks others may be killed at any time; the next request starts another.
    @Test func theHelperThatForksOthersIsReplacedWhenItDies() async throws {
        try await withContainer { container in
            _ = try await container.runtime.start(container.plan)
            for round in 0..<3 {
                #expect(try await container.run(["echo", "\(round)"]).output == "\(round)\n")
                for pid in try ConfinedDirectory(path: "/proc").list().compactMap({ Int32($0) }) {
                    let title = (try? AtomicFile.read("/proc/\(pid)/cmdline", limit: 4096)) ?? []
                    guard String(decoding: title, as: UTF8.self) == "lxd-helper\0serve\0",
                        ProcessTree.parent(of: pid) == getpid()
                    else { continue }
                    kill(pid, SIGKILL)
                }
            }
        }
    }

    /// What it hands on are the descriptors asked for and no others.
    @Test func aForkedHelperHasNothingOfTheOneThatServes() async throws {
        try await withContainer { container in
            _ = try await container.runtime.start(container.plan)
            let listed = try await container.run(["ls", "/proc/self/fd"])
            #expect(listed.output.split(separator: "\n").count == 4)
        }
    }

    /// Debian 12's kernel takes all layers in one option only.
    @Test(arguments: ["descriptors", "names", "joined"])
    func layersAreMountedInEveryWayThatKernelsKnow(_ style: String) async throws {
        let container = try await TestContainer(helperEnvironment: ["LXD_OVERLAY_STYLE=" + style])
        do {
            _ = try await container.runtime.start(container.plan)
            #expect(try await container.run(["stat", "-c", "%u", "/bin/busybox"]).output == "0\n")
            #expect(try await container.run(["touch", "/root/made"]).status == 0)
            #expect(access(container.folder + "/layers/upper/root/made", F_OK) == 0)
        } catch {
            await container.remove()
            throw error
        }
        await container.remove()
    }

    @Test func aPrivilegedContainerGetsAndLosesADevice() async throws {
        try await withContainer { container in
            var plan = container.plan
            plan.idmap = []
            plan.privileged = true
            _ = try await container.runtime.start(plan)
            let random = DeviceNode(hostPath: "/dev/kmsg", path: "dev/kmsg", isBlock: false, major: 1, minor: 11)
            #expect(try await container.run(["sh", "-c", "mknod /tmp/kmsg c 1 11; : </tmp/kmsg"]).status != 0)
            try await container.runtime.setDevice(container.name, random, isAllowed: true)
            #expect(try await container.run(["sh", "-c", ": </tmp/kmsg"]).status == 0)
            try await container.runtime.setDevice(container.name, random, isAllowed: false)
            #expect(try await container.run(["sh", "-c", ": </tmp/kmsg"]).status != 0)
        }
    }

    @Test func theHostIsAskedWhatItOffers() async throws {
        let container = try await TestContainer()
        let features = try await container.runtime.features()
        #expect(features.liblxcVersion.first?.isNumber == true)
        #expect(features.liblxc.map(\.name) == HostFeatures.liblxcNames)
        // What every kernel has that these tests run on; none has shiftfs any more.
        let kernel = Dictionary(uniqueKeysWithValues: features.kernel.map { ($0.name, $0.isThere) })
        #expect(kernel["idmapped_mounts"] == true && kernel["shiftfs"] == false)
        #expect(kernel["seccomp_listener"] == true && kernel["seccomp_listener_continue"] == true)
        #expect(kernel["uevent_injection"] == true && kernel["unpriv_fscaps"] == true)
        #expect(kernel["netnsid_getifaddrs"] == true)
        await container.remove()
    }

    @Test func theStatefulProfileStarts() async throws {
        try await withContainer { container in
            var plan = container.plan
            plan.stateful = true
            _ = try await container.runtime.start(plan)
            #expect(try await container.run(["true"]).status == 0)
        }
    }

    @Test func aPrivilegedContainerStarts() async throws {
        try await withContainer { container in
            var plan = container.plan
            plan.idmap = []
            plan.privileged = true
            plan.capabilitiesDropped = ["sys_time", "sys_module", "sys_rawio", "mac_admin", "mac_override"]
            _ = try await container.runtime.start(plan)
            #expect(try await container.run(["id", "-u"]).output == "0\n")
        }
    }
}

private enum ProcessTree {
    static func parent(of pid: Int32) -> Int32? {
        guard let text = try? AtomicFile.readText("/proc/\(pid)/status", limit: 1 << 16) else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("PPid:") {
            return Int32(line.dropFirst(5).drop { $0 == "\t" || $0 == " " })
        }
        return nil
    }
}
