import Glibc
import LXDLinux
import LXDRuntime
import LXDRuntimePlan
import Testing

@Suite struct CriuImageTests {
    private func message(_ fields: [(UInt8, UInt64)]) -> [UInt8] {
        fields.flatMap { id, value in [id << 3, UInt8(value)] }
    }

    private func image(_ timer: [UInt8]) -> [UInt8] {
        // file_entry: type 6, id 7, tfd.
        let entry: [UInt8] = [1 << 3, 6, 2 << 3, 7, 12 << 3 | 2, UInt8(timer.count)] + timer
        return [0x19, 0x43, 0x56, 0x54, 0x38, 0x31, 0x30, 0x56, UInt8(entry.count), 0, 0, 0] + entry
    }

    /// A periodic timer that ran out while the images were written has no next time and would never fire again.
    @Test func aPeriodicTimerThatRanOutIsArmedAgain() throws {
        let spent = message([(1, 9), (4, 1), (5, 3), (7, 0), (8, 0), (9, 1), (10, 0)])
        let armed = message([(1, 9), (4, 1), (5, 0), (7, 0), (8, 1), (9, 1), (10, 0)])
        #expect(try CriuImages.rearmTimers(inFiles: image(spent)) == image(armed))
    }

    @Test func timersThatAreOffOrSetStayAsTheyAre() throws {
        let off = message([(1, 9), (5, 3), (7, 0), (8, 0), (9, 0), (10, 0)])
        let set = message([(1, 9), (5, 0), (7, 5), (8, 0), (9, 1), (10, 0)])
        #expect(try CriuImages.rearmTimers(inFiles: image(off)) == nil)
        #expect(try CriuImages.rearmTimers(inFiles: image(set)) == nil)
    }

    @Test func damagedImagesAreRefused() {
        let good = image(message([(9, 1), (7, 0), (8, 0)]))
        for count in [0, 4, 7, 9, 12, 15, good.count - 1] {
            #expect(throws: MalformedImage.self) { try CriuImages.rearmTimers(inFiles: Array(good[..<count])) }
        }
        #expect(throws: MalformedImage.self) { try CriuImages.rearmTimers(inFiles: [0] + good) }
    }

    @Test func theFirstErrorThatMattersIsTold() {
        let log = """
            (00.011) Warn  (criu/x.c:1): harmless
            (00.012) Error (criu/rlimit.c:3): Can't setup RLIMIT_NOFILE for 5
            (00.013) Error (criu/namespaces.c:460): Can't dump nested uts namespace for 1234
            (00.014) Error (criu/cr-dump.c:2098): Dumping FAILED.
            """
        #expect(CriuLog.firstError(in: log) == "Can't dump nested uts namespace for 1234")
        #expect(CriuLog.firstError(in: "(00.1) all well\n") == nil)
    }
}

@Suite(
    .serialized,
    .enabled(
        if: TestContainer.isPossible && access(ContainerRuntime.criuPath, X_OK) == 0,
        "needs root, /bin/busybox, lxd-helper and scripts/install-criu"),
    .timeLimit(.minutes(3)))
struct CheckpointTests {
    /// A container whose process counts in its memory and writes the number down ten times a second.
    private func withCounting(_ body: (TestContainer) async throws -> Void) async throws {
        let container = try await TestContainer()
        do {
            try makeHostDirectories(container.folder + "/images", mode: 0o700)
            _ = try await container.runtime.start(plan(container))
            try await container.awaitInit()
            // Renamed: a file just emptied would read as another counter.
            let counter =
                "n=0; while :; do n=$((n+1)); echo $$ $n >/tmp/next; mv /tmp/next /tmp/count; sleep 0.1; done >/dev/null 2>&1 </dev/null"
            #expect(try await container.run(["sh", "-c", "setsid sh -c '\(counter)' </dev/null >/dev/null 2>&1 &"]).status == 0)
            try await Task.sleep(for: .milliseconds(500))
            try await body(container)
        } catch {
            await container.remove()
            throw error
        }
        await container.remove()
    }

    private func plan(_ container: TestContainer) -> RuntimePlan {
        var plan = container.plan
        plan.stateful = true
        return plan
    }

    private func checkpoint(_ container: TestContainer, keepsRunning: Bool = false) async throws -> CheckpointSession {
        try await container.runtime.checkpoint(
            container.name, configurationPath: container.folder + "/logs/lxc.conf",
            imageDirectory: container.folder + "/images", keepsRunning: keepsRunning)
    }

    /// The counter's pid and number, read from the host.
    private func count(_ container: TestContainer) throws -> (pid: Int, number: Int) {
        let text = try AtomicFile.readText(container.folder + "/layers/upper/tmp/count", limit: 100)
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }

    @Test func aContainerGoesOnFromItsImages() async throws {
        try await withCounting { container in
            let session = try await checkpoint(container)
            try await session.waitDumped()
            let before = try count(container)
            #expect(before.number > 1)
            try await session.commit()
            #expect(await container.runtime.waitForEnd(container.name, timeout: .seconds(20)))
            #expect(try container.traces() == [])
            for round in 0..<2 {
                let restore = try await container.runtime.restore(plan(container), imageDirectory: container.folder + "/images")
                try await restore.waitReady()
                // Nothing has run yet.
                if round == 0 { #expect(try count(container) == before) }
                let held = try count(container)
                try await Task.sleep(for: .milliseconds(300))
                #expect(try count(container) == held)
                _ = try await restore.resume()
                try await Task.sleep(for: .milliseconds(700))
                let after = try count(container)
                #expect(after.pid == before.pid && after.number > before.number)
                // A full citizen: commands, also on a terminal, and a stop that asks init.
                #expect(try await container.run(["echo", "hello"]).output == "hello\n")
                var terminal = ExecPlan()
                terminal.command = ["/bin/tty"]
                terminal.terminal = true
                #expect(await (try container.runtime.exec(container.name, terminal)).wait() == 0)
                try await container.runtime.kill(container.name)
                #expect(try container.traces() == [])
                // The images are as good as before: the counter starts from the same number again.
            }
        }
    }

    @Test func anAbortedCheckpointLeavesTheContainerRunning() async throws {
        try await withCounting { container in
            let session = try await checkpoint(container)
            try await session.waitDumped()
            let held = try count(container)
            try await session.abort()
            try await Task.sleep(for: .milliseconds(500))
            let after = try count(container)
            #expect(after.pid == held.pid && after.number > held.number)
            #expect(container.runtime.state(container.name) == .running)
        }
    }

    @Test func aContainerMayKeepRunningAfterItsImagesAreWritten() async throws {
        try await withCounting { container in
            let session = try await checkpoint(container, keepsRunning: true)
            try await session.waitDumped()
            let held = try count(container)
            try await session.commit()
            try await Task.sleep(for: .milliseconds(500))
            #expect(try count(container).number > held.number)
            #expect(container.runtime.state(container.name) == .running)
        }
    }

    @Test func anAbortedRestoreLeavesNothing() async throws {
        try await withCounting { container in
            let session = try await checkpoint(container)
            try await session.waitDumped()
            try await session.commit()
            #expect(await container.runtime.waitForEnd(container.name, timeout: .seconds(20)))
            let restore = try await container.runtime.restore(plan(container), imageDirectory: container.folder + "/images")
            try await restore.waitReady()
            try await restore.abort()
            #expect(try container.traces() == [])
            #expect(container.runtime.state(container.name) == .stopped)
        }
    }

    @Test func damagedImagesAreReportedAndLeaveNothing() async throws {
        try await withCounting { container in
            let session = try await checkpoint(container)
            try await session.waitDumped()
            try await session.commit()
            #expect(await container.runtime.waitForEnd(container.name, timeout: .seconds(20)))
            try AtomicFile.write([1, 2, 3], to: container.folder + "/images/pstree.img", mode: 0o600, sync: false)
            let restore = try await container.runtime.restore(plan(container), imageDirectory: container.folder + "/images")
            await #expect(throws: RuntimeError.self) { try await restore.waitReady() }
            #expect(try container.traces() == [])
            #expect(container.runtime.state(container.name) == .stopped)
        }
    }

    /// The same container once more, as another host would make it.
    private func elsewhere(_ container: TestContainer) throws -> (runtime: ContainerRuntime, plan: RuntimePlan) {
        let folder = container.folder + "/other"
        for path in ["logs", "containers/" + container.name, "rootfs"] { try makeHostDirectories(folder + "/" + path, mode: 0o711) }
        var plan = plan(container)
        plan.stateDirectory = folder + "/containers"
        plan.logDirectory = folder + "/logs"
        plan.consoleLogPath = folder + "/logs/console.log"
        plan.mountPoint = folder + "/rootfs"
        return (try TestContainer.runtime(folder), plan)
    }

    private func setting(_ path: String) throws -> String { try AtomicFile.readText(path, limit: 100) }

    @Test func memoryCanComeAfterAContainerRunsElsewhere() async throws {
        let paths = ["/proc/sys/vm/unprivileged_userfaultfd", "/proc/sys/fs/pipe-max-size"]
        let settings = try paths.map(setting)
        try await withCounting { container in
            let session = try await container.runtime.checkpoint(
                container.name, configurationPath: container.folder + "/logs/lxc.conf",
                imageDirectory: container.folder + "/images", keepsRunning: false, isPostCopy: true)
            try await session.waitDumped()
            let held = try count(container)
            let pages = try #require(session.takePages())
            let (runtime, plan) = try elsewhere(container)
            let restore = try await runtime.restore(plan, imageDirectory: container.folder + "/images", pages: pages)
            try await restore.waitReady()
            #expect(try count(container) == held)
            _ = try await restore.resume()
            try await session.commit()
            try await restore.waitPages()
            #expect(await container.runtime.waitForEnd(container.name, timeout: .seconds(20)))
            let after = try count(container)
            try await Task.sleep(for: .milliseconds(500))
            let later = try count(container)
            #expect(later.pid == held.pid && later.number > after.number && after.number >= held.number)
            try await runtime.kill(container.name)
        }
        #expect(try paths.map(setting) == settings)
    }

    /// The stream breaks before the other side has run: the source goes on.
    @Test func aPostCopyThatIsCalledOffLetsTheSourceGoOn() async throws {
        try await withCounting { container in
            let session = try await container.runtime.checkpoint(
                container.name, configurationPath: container.folder + "/logs/lxc.conf",
                imageDirectory: container.folder + "/images", keepsRunning: false, isPostCopy: true)
            try await session.waitDumped()
            let held = try count(container)
            let pages = try #require(session.takePages())
            let (runtime, plan) = try elsewhere(container)
            let restore = try await runtime.restore(plan, imageDirectory: container.folder + "/images", pages: pages)
            try await restore.waitReady()
            try await restore.abort()
            try await session.abort()
            try await Task.sleep(for: .milliseconds(500))
            let after = try count(container)
            #expect(after.pid == held.pid && after.number > held.number)
            #expect(container.runtime.state(container.name) == .running)
            #expect(runtime.state(container.name) == .stopped)
        }
    }

    @Test func whatAProcessorLacksIsNamed() async throws {
        let folder = "/tmp/lxd-processor-\(UInt32.random(in: 0 ... .max))"
        let own = try await ProcessorDescription.own(folder: folder)
        try await ProcessorDescription.check(own, folder: folder)
        #expect(ProcessorDescription.missing(inOwn: ["fpu", "sse2"], of: "fpu avx9 sse2 b\u{1b}ad") == ["avx9"])
        await #expect(throws: (any Error).self) { try await ProcessorDescription.check([1, 2, 10, 3], folder: folder) }
        #expect(access(folder, F_OK) != 0)
    }

    @Test func aRestoredContainerCanRebootFromInside() async throws {
        try await withCounting { container in
            let session = try await checkpoint(container)
            try await session.waitDumped()
            try await session.commit()
            #expect(await container.runtime.waitForEnd(container.name, timeout: .seconds(20)))
            var exits = container.runtime.exits.makeAsyncIterator()
            #expect(await exits.next()?.target == .stop)
            let restore = try await container.runtime.restore(plan(container), imageDirectory: container.folder + "/images")
            try await restore.waitReady()
            _ = try await restore.resume()
            _ = try? await container.run(["reboot", "-f"])
            #expect(await exits.next()?.target == .reboot)
        }
    }
}
