internal import Glibc
internal import LXDLinux
package import LXDRuntimePlan
package import Logging

/// Whether checkpoints work on this host, tried with a container of one tiny program.
package enum CheckpointSelfTest {
    /// The version of criu, such as `4.2.1`.
    ///
    /// - Throws: When it cannot be run.
    package static func version(of criu: String) async throws -> String {
        let result = try await ProcessRunner.runChecked(criu, ["--version"], deadline: .seconds(10))
        for line in result.outputText.split(separator: "\n") where line.hasPrefix("Version: ") {
            return String(line.dropFirst(9))
        }
        return ""
    }

    /// Writes a running container down, ends it, and makes it go on.
    ///
    /// - Parameters:
    ///   - folder: Made for this, and removed.
    ///   - cacheDirectory: As the runtime's that will do the same in earnest.
    ///   - idmap: Of an unprivileged container.
    package static func run(
        helperPath: String, folder: String, cacheDirectory: String?, idmap: [IDMapEntry], logger: Logger
    ) async throws {
        // The same in every daemon, so that one that comes after a crash finds what is left; their folders tell them apart.
        let name = "criu-selftest"
        let lock = try await waitForTurn()
        defer { _ = lock }
        let tree = try CgroupTree()
        LostMonitor.end(name, stateDirectory: folder + "/containers", tree: tree)
        removeGroups(of: name, tree: tree)
        try? Mounts.unmountTree(folder)
        try removeHostTree(folder)
        for path in ["root/dev", "root/proc", "root/sys", "containers/" + name, "logs", "images", "mount"] {
            try makeHostDirectories(folder + "/" + path, mode: 0o711)
        }
        defer {
            // Nothing of it is needed, and what stays is removed by the next run.
            try? Mounts.unmountTree(folder)
            try? removeHostTree(folder)
            removeGroups(of: name, tree: tree)
        }
        try AtomicFile.write(try program(), to: folder + "/root/init", mode: 0o755, sync: false)
        let runtime = try ContainerRuntime(
            helperPath: helperPath, stateDirectory: folder + "/containers", runDirectory: folder + "/run",
            cacheDirectory: cacheDirectory, logger: logger)
        var plan = RuntimePlan()
        plan.name = name
        plan.stateDirectory = folder + "/containers"
        plan.logDirectory = folder + "/logs"
        plan.hostName = name
        plan.rootfs = .directory(folder + "/root")
        plan.mountPoint = folder + "/mount"
        plan.idmap = idmap
        plan.stateful = true
        plan.initCommand = ["/init"]
        do {
            try Task.checkCancellation()
            _ = try await runtime.start(plan)
            try Task.checkCancellation()
            let checkpoint = try await runtime.checkpoint(
                name, configurationPath: folder + "/logs/lxc.conf", imageDirectory: folder + "/images", keepsRunning: false)
            try await checkpoint.waitDumped(deadline: .seconds(20))
            try await checkpoint.commit()
            try Task.checkCancellation()
            guard await runtime.waitForEnd(name, timeout: .seconds(10)) else {
                throw RuntimeError.deadlineExceeded("end the checkpointed container")
            }
            let restore = try await runtime.restore(plan, imageDirectory: folder + "/images")
            try await restore.waitReady(deadline: .seconds(20))
            _ = try await restore.resume()
            guard runtime.state(name) == .running else { throw RuntimeError.notRunning(name) }
            try await runtime.kill(name)
            _ = await runtime.waitForEnd(name, timeout: .seconds(5))
        } catch {
            try? await runtime.kill(name)
            _ = await runtime.waitForEnd(name, timeout: .seconds(5))
            throw error
        }
    }

    /// Daemons on one host that start at the same time would remove each other's groups: one tries at a time.
    ///
    /// - Returns: What keeps the others waiting until it is gone.
    private static func waitForTurn() async throws -> Turn {
        // The program itself is what all of them have in common.
        let turn = Turn(try OwnedDescriptor(result: open(ContainerRuntime.criuPath, O_RDONLY | O_CLOEXEC)))
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            do {
                try FileLock.lock(turn.file.descriptor, wait: false)
                return turn
            } catch { try await Task.sleep(for: .milliseconds(50)) }
        }
        return turn
    }

    private final class Turn: Sendable {
        let file: OwnedDescriptor
        init(_ file: consuming OwnedDescriptor) { self.file = file }
    }

    /// Removes the groups that a monitor left which could not do so itself; liblxc numbers them when a name is taken.
    /// Those with processes stay: they are another daemon's.
    private static func removeGroups(of name: String, tree: CgroupTree) {
        for suffix in [""] + (1...9).map({ "-\($0)" }) {
            for kind in ["lxc.payload.", "lxc.monitor."] { tree.group(named: kind + name + suffix).remove() }
        }
    }

    /// An ELF program that sleeps for ever: one header, one segment, a system call in a loop.
    private static func program() throws -> [UInt8] {
        #if arch(x86_64)
            let machine: UInt16 = 62
            // mov eax, 34 (pause); syscall; jmp back
            let code: [UInt8] = [0xb8, 0x22, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7]
        #elseif arch(arm64)
            let machine: UInt16 = 183
            // x0...x3 = 0, x8 = 73 (ppoll); svc; branch back
            let words: [UInt32] = [
                0xd280_0000, 0xd280_0001, 0xd280_0002, 0xd280_0003, 0xd280_0928, 0xd400_0001, 0x17ff_fffa,
            ]
            let code = words.flatMap { word in [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: word >> $0) } }
        #else
            throw RuntimeError.deadlineExceeded("try a checkpoint on this machine")
        #endif
        var elf = Packer()
        elf.append([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8))
        let base: UInt64 = 0x400000
        let headers: UInt64 = 64 + 56
        elf.number(UInt16(2))
        elf.number(machine)
        elf.number(UInt32(1))
        for number in [base + headers, 64, 0] { elf.number(number) }
        elf.number(UInt32(0))
        for number in [64, 56, 1, 64, 0, 0] as [UInt16] { elf.number(number) }
        let size = headers + UInt64(code.count)
        elf.number(UInt32(1))
        elf.number(UInt32(5))
        for number in [0, base, base, size, size, 0x1000] { elf.number(number) }
        elf.append(code)
        return elf.bytes
    }
}
