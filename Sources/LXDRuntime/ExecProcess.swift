internal import LXDLinux
package import LXDRuntimePlan
internal import Synchronization
package import SystemPackage

/// A command that runs in a container.
package final class ExecProcess: Sendable {
    /// Its number on the host.
    package let pid: Int32
    private let command: ProcessHandle?
    private let helper: HelperProcess
    private let answers: AsyncDescriptor
    private let master: Mutex<FileDescriptor?>
    private let status = Mutex<Int32?>(nil)

    init(pid: Int32, command: ProcessHandle?, helper: HelperProcess, master: FileDescriptor?) throws {
        self.pid = pid
        self.command = command
        self.helper = helper
        self.master = Mutex(master)
        answers = try helper.answers()
    }

    deinit {
        // Never taken: nobody else closes it. Nobody is left to tell.
        if let master = master.withLock({ $0 }) { try? master.close() }
    }

    /// The master of the command's terminal, once; the caller closes it.
    package func takeTerminal() -> FileDescriptor? {
        master.withLock { master in
            defer { master = nil }
            return master
        }
    }

    /// Waits for the end: 0–255, or 128 + the signal that ended it.
    package func wait() async -> Int32 {
        if let known = status.withLock({ $0 }) { return known }
        // The helper says so before it ends itself.
        let word = try? await answers.read(limit: Self.answerSizeMax)
        if let word, case .exited(let number)? = try? HelperMessage(packed: word) {
            status.withLock { $0 = number }
            return number
        }
        // One that was killed leaves no word; and the command goes on when the task that waits for it is cancelled.
        _ = await helper.process.wait()
        if case .bytes(let late)? = try? answers.readNow(limit: Self.answerSizeMax),
            case .exited(let number)? = try? HelperMessage(packed: late)
        {
            return number
        }
        return status.withLock { $0 } ?? 255
    }

    private static let answerSizeMax = 4096

    /// Sends a signal; a command that has ended is no error.
    package func signal(_ number: Int32) throws { try command?.signal(number) }
}

extension ContainerRuntime {
    /// Runs a command in a container.
    ///
    /// - Parameters:
    ///   - plan: `name` and `stateDirectory` are filled in here.
    ///   - streams: Standard input, output and error, borrowed; nil is /dev/null. Not used with a terminal.
    package func exec(
        _ name: String, _ plan: ExecPlan,
        streams: (input: FileDescriptor?, output: FileDescriptor?, error: FileDescriptor?) = (nil, nil, nil)
    ) async throws -> ExecProcess {
        let entry = try entry(name)
        var plan = plan
        plan.name = name
        plan.stateDirectory = stateDirectory
        plan.initPID = entry.initProcess.pid
        plan.filterPath = runDirectory + "/" + name + ".filter"
        // A container with a part in some trees only was placed by its administrator, as liblxc knows.
        if Set(entry.group.v1Paths.keys) == Set(tree.controllers.keys), (entry.group.unifiedPath == nil) == (tree.unified == nil) {
            plan.legacyGroups = Array(Set(entry.group.v1Paths.values))
            plan.unifiedGroup = entry.group.unifiedPath ?? ""
        }
        var descriptors = [HelperDescriptor.connection: entry.initProcess.descriptor.rawValue]
        if !plan.terminal {
            for (number, stream) in [(Int32(0), streams.input), (1, streams.output), (2, streams.error)] {
                if let stream { descriptors[number] = stream.rawValue }
            }
        }
        return try await BlockingPool.shared.run { [plan, descriptors] in
            defer { withExtendedLifetime(entry) {} }
            let process = try self.helper.start("exec", plan: plan, descriptors: descriptors)
            let answer = try process.receive(purpose: "run the command", deadline: .seconds(30))
            guard case .started(let pid) = answer.message else { throw RuntimeError.helperDied("run the command") }
            var command: ProcessHandle?
            if let pidfd = answer.take(0) { command = try ProcessHandle(pid: pid, pidfd: pidfd) }
            var master: FileDescriptor?
            if plan.terminal, let terminal = answer.take(1) { master = terminal.release() }
            return try ExecProcess(pid: pid, command: command, helper: process, master: master)
        }
    }
}
