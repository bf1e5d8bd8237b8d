internal import LXDLinux
package import LXDRuntimePlan
internal import Synchronization
package import SystemPackage

extension ContainerRuntime {
    /// Where criu is installed for us alone.
    package static let criuPath = "/usr/lib/lxd/criu/criu"

    /// Whether a running container was started so that it can be checkpointed.
    package func isCheckpointable(_ name: String) -> Bool { (try? entry(name).isCheckpointable) ?? false }

    /// Prepares to write a container to images, which goes on running until ``CheckpointSession/waitDumped``.
    ///
    /// - Parameters:
    ///   - configurationPath: What liblxc saved when it was started.
    ///   - imageDirectory: Empty, on this host.
    ///   - keepsRunning: Go on after the commit instead of ending.
    ///   - isPostCopy: Leave pages of memory out of the images, and serve them over ``CheckpointSession/takePages()``.
    package func checkpoint(
        _ name: String, configurationPath: String, imageDirectory: String, keepsRunning: Bool, isPostCopy: Bool = false
    ) async throws -> CheckpointSession {
        let entry = try entry(name)
        return try await BlockingPool.shared.run { [self] in
            var plan = CheckpointPlan()
            plan.name = name
            plan.stateDirectory = stateDirectory
            plan.configurationPath = configurationPath
            plan.keepsRunning = keepsRunning
            plan.isPostCopy = isPostCopy
            plan.workspace = try workspace(name, imageDirectory)
            let root = "/proc/\(entry.initProcess.pid)/root"
            let directory = plan.workspace.directory
            let cleanUp: @Sendable () -> Void = { [tuning] in
                // Links only; another work of that container makes them anew.
                try? removeHostTree(directory)
                if isPostCopy { tuning.release(HostTuning.pipeSize) }
            }
            // All of its memory may be in pipes at once.
            if isPostCopy { try tuning.raise(HostTuning.pipeSize, to: 4 << 20) }
            do {
                return try CheckpointSession(
                    initPID: entry.initProcess.pid, isPostCopy: isPostCopy,
                    begin: { [plan, helper] pages in
                        try makeHostDirectories(directory, mode: 0o700)
                        if let watched = WatchedFiles.image(root: root, processes: entry.group.processes()) {
                            let path = imageDirectory + "/" + WatchedFiles.imageName
                            try AtomicFile.write(watched, to: path, mode: 0o600, sync: false)
                        }
                        return try CriuSession(
                            helper, "checkpoint", name: name, plan: plan, workspace: plan.workspace, pages: pages)
                    }, cleanUp: cleanUp)
            } catch {
                cleanUp()
                throw error
            }
        }
    }

    /// Tells containers that stand still since their daemon died over a decision how it was decided. Before ``reconnect()``.
    package func settle(isCommitted: (_ name: String) -> Bool) throws {
        for folder in try ConfinedDirectory(path: runDirectory).list() where folder.hasSuffix(".criu") {
            let directory = runDirectory + "/" + folder
            guard (try? FileStatus.of(path: directory + "/" + CriuDecision.open)) != nil else { continue }
            let verdict = isCommitted(String(folder.dropLast(5))) ? CriuDecision.yes : CriuDecision.no
            try AtomicFile.write([verdict], to: directory + "/" + CriuDecision.verdict, mode: 0o600, sync: false)
        }
    }

    /// Waits for the checkpoints and restores of a daemon that died: without it they come to their end by themselves, and only
    /// then is it known which containers run. Blocks for a minute at most each.
    func awaitCriu() throws {
        try tuning.restore()
        try CriuKernelCache.removeOld(in: cacheDirectory)
        for name in try ConfinedDirectory(path: runDirectory).list() where name.hasSuffix(".criu") {
            let directory = runDirectory + "/" + name
            if let pid = CriuSession.helper(of: directory) {
                for _ in 0..<6000 where CriuSession.helper(of: directory) == pid { pauseMilliseconds(10) }
            }
            try removeHostTree(directory)
        }
    }

    private func workspace(_ name: String, _ imageDirectory: String) throws -> CriuWorkspace {
        var workspace = CriuWorkspace()
        workspace.criuPath = Self.criuPath
        workspace.directory = runDirectory + "/" + name + ".criu"
        workspace.imageDirectory = imageDirectory
        workspace.kernelCache = try CriuKernelCache.path(in: cacheDirectory, of: Self.criuPath)
        try makeHostDirectories(workspace.directory, mode: 0o700)
        return workspace
    }

    /// Begins to make a container from images, which have to be complete by ``RestoreSession/waitReady``; it is held before it runs.
    ///
    /// - Parameter pages: The stream from the source of a post-copy, taken over, where ``CheckpointSession/takePages()`` is the other end.
    package func restore(
        _ plan: RuntimePlan, imageDirectory: String, pages: FileDescriptor? = nil
    ) async throws -> RestoreSession {
        let stream = pages.map { DescriptorList([$0]) }
        var start = plan
        start.runDirectory = runDirectory
        try claim(start.name)
        await closeFiles(start.name)
        let plan = start
        return try await BlockingPool.shared.run { [self] in
            let directory = runDirectory + "/" + plan.name + ".criu"
            let held = HeldProcesses()
            let cleanUp: @Sendable (Bool) -> Void = { [self] failed in
                if failed {
                    held.end()
                    LostMonitor.end(plan.name, stateDirectory: plan.stateDirectory, tree: tree)
                    removeTraces(of: plan.name, mountPoint: plan.mountPoint)
                }
                try? removeHostTree(directory)
                release(plan.name)
            }
            do {
                try makeHostDirectories(plan.logDirectory, mode: 0o700)
                try makeHostDirectories(plan.mountPoint, mode: 0o711)
                var restore = RestorePlan()
                restore.start = plan
                restore.workspace = try workspace(plan.name, imageDirectory)
                restore.isPostCopy = stream != nil
                var fetch = PagesPlan()
                fetch.workspace = restore.workspace
                fetch.idmap = plan.idmap
                let session = try CriuSession(helper, "restore", name: plan.name, plan: restore, workspace: restore.workspace)
                let arrival = stream.map { stream in
                    PageArrival(tuning) { [helper, fetch] in
                        guard let pages = stream.take(0) else { throw RuntimeError.helperDied("fetch the memory") }
                        let owned = OwnedDescriptor(adopting: pages)
                        return try PageFetch(helper, fetch, pages: owned.rawValue)
                    }
                }
                return RestoreSession(
                    session, pages: arrival, lateMemory: lateMemory, name: plan.name,
                    finish: { [self] step in
                        let group = try tree.group(ofProcess: step.initPID).ancestor(named: "lxc.payload." + plan.name)
                        held.take(group)
                        if let monitor = ContainerRecord.parent(of: step.initPID) {
                            held.take(try tree.group(ofProcess: monitor).ancestor(named: "lxc.monitor." + plan.name))
                        }
                        let root = { (isWanted: (IDMapEntry) -> Bool) in
                            plan.idmap.first { isWanted($0) && $0.namespaceID == 0 }?.hostID ?? 0
                        }
                        group.giveSubgroups(uid: root(\.isUID), gid: root(\.isGID))
                        for setting in plan.cgroup { try group.write(setting.file, setting.value) }
                    },
                    complete: { [self] message in
                        guard case .running(let initPID, let monitorPID) = message else {
                            throw RuntimeError.helperDied("restore the container")
                        }
                        let entry = try makeEntry(
                            name: plan.name, initProcess: ProcessHandle(pid: initPID),
                            monitor: ProcessHandle(pid: monitorPID), mountPoint: plan.mountPoint,
                            isCheckpointable: plan.stateful, consoleLogPath: plan.consoleLogPath)
                        add(entry)
                        return RunningContainer(initPID: initPID, monitorPID: monitorPID)
                    }, cleanUp: cleanUp)
            } catch {
                cleanUp(true)
                throw error
            }
        }
    }
}

/// Where criu keeps what it found out about the kernel, so that it does so once a boot instead of while a container stands still.
enum CriuKernelCache {
    private static let (prefix, suffix) = ("criu-", ".kdat")

    /// - Parameter criu: Another build of it may look for other things.
    static func path(in directory: String, of criu: String) throws -> String {
        let program = try FileStatus.of(path: criu)
        return try "\(directory)/\(prefix)\(boot())-\(program.modifiedSeconds)\(suffix)"
    }

    private static func boot() throws -> String {
        String(try AtomicFile.readText("/proc/sys/kernel/random/boot_id", limit: 100).prefix { $0 != "\n" })
    }

    static func removeOld(in directory: String) throws {
        let current = try prefix + boot()
        let folder = try ConfinedDirectory(path: directory)
        for name in try folder.list() where name.hasPrefix(prefix) && name.hasSuffix(suffix) && !name.hasPrefix(current) {
            try folder.removeFile(name)
        }
    }
}

/// The processes of a container that is held before it runs. A criu that is killed leaves them without any monitor to find them by.
private final class HeldProcesses: Sendable {
    private let groups = Mutex<[CgroupGroup]>([])

    /// - Parameter group: Of the container, or of its monitor and criu.
    func take(_ group: CgroupGroup) { groups.withLock { $0.append(group) } }

    /// Ends them. Blocks for two seconds at most.
    func end() {
        for group in groups.withLock({ $0 }) where !group.isEmpty {
            group.killAll()
            for _ in 0..<1000 where !group.processes().isEmpty { pauseMilliseconds(2) }
            group.remove()
        }
    }
}
