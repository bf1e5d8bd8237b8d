internal import LXDAPI
internal import LXDLinux
package import LXDRuntimePlan
package import Logging
internal import Synchronization
internal import SystemPackage

/// A container that runs.
package struct RunningContainer: Sendable, Hashable {
    package var initPID: Int32
    package var monitorPID: Int32
}

/// A container that ended, however it came.
package struct ContainerExit: Sendable, Hashable {
    package enum Target: Sendable, Hashable {
        case stop
        /// It asked to be started again.
        case reboot
        /// Its monitor was killed or could not say.
        case crash
    }
    package var name: String
    package var target: Target

    package init(name: String, target: Target) { (self.name, self.target) = (name, target) }
}

package enum ContainerState: Sendable, Hashable {
    case stopped, starting, running, stopping, frozen
}

/// Containers through lxd-helper; what it says about them is the kernel's word.
///
/// A container's monitor outlives the daemon. Its processes are found again by the record that the helper wrote, checked
/// against their start times, and by nothing else.
package final class ContainerRuntime: Sendable {
    /// A container as far as this daemon knows it.
    final class Entry: Sendable {
        let name: String
        let initProcess: ProcessHandle
        let monitor: ProcessHandle
        let group: CgroupGroup
        let monitorGroup: CgroupGroup
        let mountPoint: String
        /// Started so that it can be checkpointed.
        let isCheckpointable: Bool
        /// Where what it shows on its console is kept by us; nil when liblxc does that.
        let consoleLogPath: String?

        init(
            name: String, initProcess: ProcessHandle, monitor: ProcessHandle, group: CgroupGroup,
            monitorGroup: CgroupGroup, mountPoint: String, isCheckpointable: Bool, consoleLogPath: String?
        ) {
            (self.name, self.initProcess, self.monitor) = (name, initProcess, monitor)
            (self.group, self.monitorGroup, self.mountPoint) = (group, monitorGroup, mountPoint)
            (self.isCheckpointable, self.consoleLogPath) = (isCheckpointable, consoleLogPath)
        }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var starting: Set<String> = []
        var waiters: [String: [UInt64: CheckedContinuation<Bool, Never>]] = [:]
        var nextTicket: UInt64 = 0
        var fileServers: [String: [ProcessHandle]] = [:]
        /// What liblxc made of policies, once it is known.
        var filters: [String: [UInt8]] = [:]
    }

    package let helper: HelperProgram
    /// liblxc's path, `$LXD_DIR/containers`.
    package let stateDirectory: String
    let runDirectory: String
    let cacheDirectory: String
    let tuning: HostTuning
    let lateMemory = LateMemory()
    let tree: CgroupTree
    let logger: Logger
    let keptConsoles = Mutex<[String: KeptConsole]>([:])
    private let state = Mutex(State())
    private let exitContinuation: AsyncStream<ContainerExit>.Continuation
    /// Every container that ends, after everything of it has been cleaned up. One consumer.
    package let exits: AsyncStream<ContainerExit>

    /// - Parameters:
    ///   - helperPath: The program lxd-helper.
    ///   - stateDirectory: liblxc's path, `$LXD_DIR/containers`.
    ///   - runDirectory: Where records of running containers are kept, `$LXD_DIR/run`; made if missing.
    ///   - cacheDirectory: Where what is true until the next boot may be kept; `runDirectory` when nil.
    ///   - helperEnvironment: `KEY=VALUE` lines for helpers beside their own; only tests have any.
    package init(
        helperPath: String, stateDirectory: String, runDirectory: String, cacheDirectory: String? = nil, logger: Logger,
        helperEnvironment: [String] = []
    ) throws {
        helper = try HelperProgram(path: helperPath, environment: helperEnvironment)
        self.stateDirectory = stateDirectory
        self.runDirectory = runDirectory
        self.cacheDirectory = cacheDirectory ?? runDirectory
        tuning = HostTuning(notePath: (cacheDirectory ?? runDirectory) + "/sysctl.saved")
        self.logger = logger
        try makeHostDirectories(runDirectory, mode: 0o700)
        tree = try CgroupTree()
        (exits, exitContinuation) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    // MARK: Starting

    /// Says that a process will soon enter a container's group, so that it need not wait when it does.
    package func expectEntry() {
        Task { await BlockingPool.shared.run { [tree] in tree.expectMoves() } }
    }

    /// Starts a container, or leaves nothing of it behind.
    ///
    /// - Throws: `RuntimeError.failed` with the step, the path and the end of liblxc's log.
    package func start(_ plan: RuntimePlan, deadline: Duration = .seconds(60)) async throws -> RunningContainer {
        var plan = plan
        plan.runDirectory = runDirectory
        let name = plan.name
        try claim(name)
        defer { release(name) }
        await closeFiles(name)
        // Not cancelled half-way: a start either is complete or undone.
        return try await Task { [plan] in
            do {
                return try await self.startClaimed(plan, deadline: deadline)
            } catch {
                // The helper undoes its own failures; this is for one that was killed or never came to it.
                await BlockingPool.shared.run {
                    LostMonitor.end(name, stateDirectory: plan.stateDirectory, tree: self.tree)
                    self.removeTraces(of: name, mountPoint: plan.mountPoint)
                }
                throw error
            }
        }.value
    }

    /// Takes a name for a container that is being made.
    func claim(_ name: String) throws {
        let claimed = state.withLock { state in
            guard state.entries[name] == nil else { return false }
            return state.starting.insert(name).inserted
        }
        guard claimed else { throw RuntimeError.alreadyRunning(name) }
    }

    func release(_ name: String) { state.withLock { _ = $0.starting.remove(name) } }

    private func startClaimed(_ plan: RuntimePlan, deadline: Duration) async throws -> RunningContainer {
        let entry = try await BlockingPool.shared.run { () -> Entry in
            try makeHostDirectories(plan.logDirectory, mode: 0o700)
            try makeHostDirectories(plan.mountPoint, mode: 0o711)
            let plan = self.withKnownFilter(plan)
            let process = try self.helper.start("start", plan: plan)
            let answer = try process.receive(purpose: "start the container", deadline: deadline)
            guard case .running(let initPID, let monitorPID) = answer.message else {
                throw RuntimeError.helperDied("start the container")
            }
            self.learnFilter(plan)
            return try self.makeEntry(
                name: plan.name, initProcess: ProcessHandle(pid: initPID), monitor: ProcessHandle(pid: monitorPID),
                mountPoint: plan.mountPoint, isCheckpointable: plan.stateful)
        }
        add(entry)
        return RunningContainer(initPID: entry.initProcess.pid, monitorPID: entry.monitor.pid)
    }

    /// Policies whose filters are kept; most containers have the same one.
    private static let filtersMax = 32

    private func withKnownFilter(_ plan: RuntimePlan) -> RuntimePlan {
        guard let policy = plan.seccompPolicy else { return plan }
        var plan = plan
        plan.seccompFilter = state.withLock { $0.filters[policy] } ?? []
        return plan
    }

    /// Keeps what a start found out.
    private func learnFilter(_ plan: RuntimePlan) {
        guard let policy = plan.seccompPolicy, plan.seccompFilter.isEmpty,
            // Not there where the kernel does not tell.
            let filter = try? AtomicFile.read(runDirectory + "/" + plan.name + ".filter", limit: 1 << 16)
        else { return }
        state.withLock { state in
            if state.filters.count >= Self.filtersMax { state.filters.removeAll() }
            state.filters[policy] = filter
        }
    }

    func makeEntry(
        name: String, initProcess: ProcessHandle, monitor: ProcessHandle, mountPoint: String, isCheckpointable: Bool,
        consoleLogPath: String? = nil
    ) throws -> Entry {
        Entry(
            name: name, initProcess: initProcess, monitor: monitor,
            group: try tree.group(ofProcess: initProcess.pid).ancestor(named: "lxc.payload." + name),
            monitorGroup: try tree.group(ofProcess: monitor.pid).ancestor(named: "lxc.monitor." + name),
            mountPoint: mountPoint, isCheckpointable: isCheckpointable, consoleLogPath: consoleLogPath)
    }

    func add(_ entry: Entry) {
        state.withLock { $0.entries[entry.name] = entry }
        Task { await self.watch(entry) }
        keepConsole(of: entry)
    }

    /// Waits for the end of a container and cleans up after it.
    private func watch(_ entry: Entry) async {
        _ = await entry.monitor.wait()
        await closeFiles(entry.name)
        let target = await BlockingPool.shared.run { () -> ContainerExit.Target in
            let target = self.exitTarget(of: entry.name)
            // Normally liblxc has done most of this; after a crash of the monitor it has not.
            self.removeTraces(of: entry)
            return target
        }
        let waiters = state.withLock { state in
            state.entries[entry.name] = nil
            return state.waiters.removeValue(forKey: entry.name) ?? [:]
        }
        for waiter in waiters.values { waiter.resume(returning: true) }
        logger.debug("Container ended", metadata: ["name": "\(entry.name)", "target": "\(target)"])
        exitContinuation.yield(ContainerExit(name: entry.name, target: target))
    }

    private func exitTarget(of name: String) -> ContainerExit.Target {
        switch (try? AtomicFile.readText(runDirectory + "/" + name + ".exit", limit: 100))?.split(separator: "\n").first
        {
        case "reboot": .reboot
        case "stop": .stop
        default: .crash
        }
    }

    // MARK: Cleaning up

    private func removeTraces(of entry: Entry) {
        if entry.initProcess.exit == nil {
            // Nobody is left to tell if it has ended meanwhile.
            try? entry.initProcess.signal(9)
            entry.group.killAll()
            waitUntilEmpty(entry.group)
        }
        removeTraces(of: entry.name, mountPoint: entry.mountPoint)
        entry.group.remove()
        entry.monitorGroup.remove()
    }

    /// Killed processes need a moment to go; at most five seconds. Blocks.
    private func waitUntilEmpty(_ group: CgroupGroup) {
        for _ in 0..<2500 {
            if group.processes().isEmpty { return }
            pauseMilliseconds(2)
        }
    }

    func removeTraces(of name: String, mountPoint: String) {
        do {
            if !mountPoint.isEmpty { try Mounts.unmountTree(mountPoint) }
        } catch {
            logger.warning("Failed to unmount", metadata: ["path": "\(mountPoint)", "error": "\(error)"])
        }
        for suffix in [".run", ".exit", ".seccomp", ".filter", ".run.new", ".seccomp.new", ".filter.new"] {
            // Most of them are not there.
            try? removeHostTree(runDirectory + "/" + name + suffix)
        }
    }

    // MARK: Finding again

    /// Finds the containers that an earlier daemon started, once at the start of this one.
    ///
    /// Those that ended meanwhile are cleaned up and come through `exits`; half-started ones are removed.
    /// - Returns: The names of those that run.
    package func reconnect() async throws -> [String] {
        let (found, gone) = try await BlockingPool.shared.run { () -> ([Entry], [ContainerExit]) in
            try self.awaitCriu()
            var found: [Entry] = []
            var gone: [ContainerExit] = []
            let names = try ConfinedDirectory(path: self.runDirectory).list()
            for file in names where file.hasSuffix(".run") {
                let path = self.runDirectory + "/" + file
                guard let text = try? AtomicFile.readText(path, limit: 1 << 16),
                    let record = ContainerRecord(parsing: text),
                    record.name + ".run" == file
                else {
                    self.logger.warning(
                        "Cannot read the record of a container, leaving it", metadata: ["path": "\(path)"])
                    continue
                }
                if let processes = record.processes() {
                    found.append(
                        try self.makeEntry(
                            name: record.name, initProcess: processes.initProcess, monitor: processes.monitor,
                            mountPoint: record.mountPoint, isCheckpointable: record.isCheckpointable,
                            consoleLogPath: record.consoleLogPath))
                } else {
                    let target = self.exitTarget(of: record.name)
                    // A container without its monitor must not stay.
                    if ContainerRecord.startTime(of: record.initPID) == record.initStart,
                        let process = try? ProcessHandle(pid: record.initPID)
                    {
                        try process.signal(9)
                    }
                    LostMonitor.end(record.name, stateDirectory: self.stateDirectory, tree: self.tree)
                    self.removeTraces(of: record.name, mountPoint: record.mountPoint)
                    // Left when the monitor was killed; a group that somebody uses does not go.
                    for group in record.groups { self.tree.group(named: group).remove() }
                    gone.append(ContainerExit(name: record.name, target: target))
                }
            }
            return (found, gone)
        }
        for entry in found { add(entry) }
        for exit in gone { exitContinuation.yield(exit) }
        return found.map(\.name)
    }

    // MARK: File servers

    func addFileServer(_ name: String, _ server: ProcessHandle) {
        state.withLock { state in
            var servers = state.fileServers[name, default: []].filter { $0.exit == nil }
            servers.append(server)
            state.fileServers[name] = servers
        }
    }

    func takeFileServers(_ name: String) -> [ProcessHandle] {
        state.withLock { $0.fileServers.removeValue(forKey: name) ?? [] }
    }

    // MARK: Asking

    func entry(_ name: String) throws -> Entry {
        guard let entry = state.withLock({ $0.entries[name] }) else { throw RuntimeError.notRunning(name) }
        return entry
    }

    /// The state of a container by the kernel.
    package func state(_ name: String) -> ContainerState {
        let (entry, starting) = state.withLock { ($0.entries[name], $0.starting.contains(name)) }
        guard let entry else { return starting ? .starting : .stopped }
        if entry.monitor.exit != nil { return .stopping }
        if entry.initProcess.exit != nil { return .stopping }
        return entry.group.isFrozen ? .frozen : .running
    }

    /// Every container that is not stopped.
    package func states() -> [String: ContainerState] {
        let names = state.withLock { Set($0.entries.keys).union($0.starting) }
        return Dictionary(uniqueKeysWithValues: names.map { ($0, state($0)) })
    }

    /// The processes of a container that runs.
    package func running(_ name: String) -> RunningContainer? {
        guard let entry = try? entry(name), entry.initProcess.exit == nil else { return nil }
        return RunningContainer(initPID: entry.initProcess.pid, monitorPID: entry.monitor.pid)
    }

    /// Waits until a container has ended and is cleaned up; false when time is up or the task is cancelled.
    package func waitForEnd(_ name: String, timeout: Duration?) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.ended(name) }
            if let timeout {
                group.addTask {
                    // Cancelled when the container ended first.
                    try? await Task.sleep(for: timeout)
                    return false
                }
            }
            let result = await group.next() ?? true
            group.cancelAll()
            return result
        }
    }

    private func ended(_ name: String) async -> Bool {
        let ticket = state.withLock { state -> UInt64 in
            state.nextTicket += 1
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known: Bool? = state.withLock { state in
                    guard state.entries[name] != nil else { return true }
                    if Task.isCancelled { return false }
                    state.waiters[name, default: [:]][ticket] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            state.withLock { $0.waiters[name]?.removeValue(forKey: ticket) }?.resume(returning: false)
        }
    }
}

extension CgroupGroup {
    /// The groups above these that are `name`, or `name-N` where liblxc met one of that name already.
    func ancestor(named name: String) -> CgroupGroup {
        ancestor { component in
            guard component.hasPrefix(name) else { return false }
            let rest = component.dropFirst(name.count)
            return rest.isEmpty || rest.first == "-" && rest.count > 1 && rest.dropFirst().allSatisfy(\.isNumber)
        }
    }
}
