internal import LXDLinux
package import LXDRuntimePlan
internal import Synchronization
internal import SystemPackage

/// A container that is being written to images.
///
/// After ``waitDumped()`` it stands still and the images are complete; then exactly one of ``commit()`` and ``abort()``. A daemon
/// that dies before aborts by that.
package final class CheckpointSession: Sendable {
    private let session: CriuSession
    private let cleanUp: @Sendable () -> Void

    init(_ session: CriuSession, cleanUp: @escaping @Sendable () -> Void) {
        self.session = session
        self.cleanUp = cleanUp
    }

    /// Waits until the images are complete and nothing runs any more.
    ///
    /// - Throws: What went wrong, in criu's words; the container runs on then, as if nothing had been.
    package func waitDumped(deadline: Duration = .seconds(300)) async throws {
        try await BlockingPool.shared.run { [self] in
            do {
                while true {
                    switch try session.next("checkpoint the container", deadline: deadline) {
                    case .step(let step) where step.name == "post-dump": return
                    case .step: try session.answer(true)
                    case .message: throw RuntimeError.helperDied("checkpoint the container")
                    }
                }
            } catch {
                defer { cleanUp() }
                throw explained(error)
            }
        }
    }

    /// The images are what counts: the container ends, or goes on if it was asked to keep running.
    package func commit() async throws { try await end(goOn: true) }

    /// The container goes on.
    package func abort() async throws {
        do { try await end(goOn: false) } catch RuntimeError.failed {
            // criu and liblxc call it a failure when they are told to give up.
        }
    }

    private func end(goOn: Bool) async throws {
        try await BlockingPool.shared.run { [self] in
            defer { cleanUp() }
            try session.answer(goOn)
            while true {
                switch try session.next("finish the checkpoint", deadline: .seconds(120)) {
                case .step: try session.answer(true)
                case .message: return
                }
            }
        }
    }

    private func explained(_ error: any Error) -> any Error {
        guard let reason = CriuLog.firstError(at: session.workspace.imageDirectory + "/dump.log") else { return error }
        return RuntimeError.criu("checkpoint", reason)
    }
}

/// A container that is being made from images.
///
/// After ``waitReady()`` all of it is there and nothing of it has run; then exactly one of ``resume()`` and ``abort()``. A daemon
/// that dies before aborts by that.
package final class RestoreSession: Sendable {
    private let session: CriuSession
    private let finish: @Sendable (CriuSession.Step?) throws -> Void
    private let complete: @Sendable (HelperMessage) throws -> RunningContainer
    private let cleanUp: @Sendable (_ failed: Bool) -> Void

    init(
        _ session: CriuSession, finish: @escaping @Sendable (CriuSession.Step?) throws -> Void,
        complete: @escaping @Sendable (HelperMessage) throws -> RunningContainer,
        cleanUp: @escaping @Sendable (_ failed: Bool) -> Void
    ) {
        self.session = session
        self.finish = finish
        self.complete = complete
        self.cleanUp = cleanUp
    }

    /// Waits until everything has been restored.
    ///
    /// - Throws: What went wrong, in criu's words; nothing is left then.
    package func waitReady(deadline: Duration = .seconds(300)) async throws {
        try await BlockingPool.shared.run { [self] in
            do {
                while true {
                    switch try session.next("restore the container", deadline: deadline) {
                    case .step(let step) where step.name == "post-restore": return
                    case .step: try session.answer(true)
                    case .message: throw RuntimeError.helperDied("restore the container")
                    }
                }
            } catch {
                let reason = CriuLog.firstError(at: session.workspace.imageDirectory + "/restore.log")
                cleanUp(true)
                throw reason.map { RuntimeError.criu("restore", $0) } ?? error
            }
        }
    }

    /// Lets it run.
    ///
    /// - Parameter beforeRunning: Called when it is about to run: the network can be plugged in.
    package func resume(_ beforeRunning: @escaping @Sendable () async throws -> Void = {}) async throws -> RunningContainer {
        do {
            try await answer(true)
            while true {
                let event = try await step { [self] in
                    try session.next("resume the container", deadline: .seconds(60))
                }
                switch event {
                case .step(let step) where step.name == "pre-resume":
                    // criu goes on whatever is said here: what fails is undone by ending the container.
                    var failure: (any Error)?
                    do {
                        try await self.step { [self] in try finish(step) }
                        try await beforeRunning()
                    } catch { failure = error }
                    try await answer(failure == nil)
                    if let failure { throw failure }
                case .step: try await answer(true)
                case .message(let message):
                    let running = try complete(message)
                    cleanUp(false)
                    return running
                }
            }
        } catch {
            await BlockingPool.shared.run { [self] in
                session.kill()
                cleanUp(true)
            }
            throw error
        }
    }

    /// Takes everything back.
    package func abort() async throws {
        await BlockingPool.shared.run { [self] in
            defer { cleanUp(true) }
            // The helper takes back what it made when criu fails; how it tells so does not matter.
            guard (try? session.answer(false)) != nil else { return }
            while case .step? = try? session.next("take the restore back", deadline: .seconds(60)) {
                try? session.answer(false)
            }
        }
    }

    private func answer(_ goOn: Bool) async throws { try await step { [self] in try session.answer(goOn) } }

    private func step<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await BlockingPool.shared.run(body)
    }
}

extension ContainerRuntime {
    /// Where criu is installed for us alone.
    package static let criuPath = "/usr/lib/lxd/criu/criu"

    /// Whether a running container was started so that it can be checkpointed.
    package func isCheckpointable(_ name: String) -> Bool { (try? entry(name).isCheckpointable) ?? false }

    /// Begins to write a container to images. Its processes stop one by one, and stand when ``CheckpointSession/waitDumped`` is done.
    ///
    /// - Parameters:
    ///   - configurationPath: What liblxc saved when it was started.
    ///   - imageDirectory: Empty, on this host.
    ///   - keepsRunning: Go on after the commit instead of ending.
    package func checkpoint(
        _ name: String, configurationPath: String, imageDirectory: String, keepsRunning: Bool
    ) async throws -> CheckpointSession {
        _ = try entry(name)
        return try await BlockingPool.shared.run { [self] in
            var plan = CheckpointPlan()
            plan.name = name
            plan.stateDirectory = stateDirectory
            plan.configurationPath = configurationPath
            plan.keepsRunning = keepsRunning
            plan.workspace = try workspace(name, imageDirectory)
            let directory = plan.workspace.directory
            // Links only; another work of that container makes them anew.
            let cleanUp: @Sendable () -> Void = { try? removeHostTree(directory) }
            do {
                let session = try CriuSession(helper, "checkpoint", name: name, plan: plan, workspace: plan.workspace)
                return CheckpointSession(session, cleanUp: cleanUp)
            } catch {
                cleanUp()
                throw error
            }
        }
    }

    /// Waits for the checkpoints and restores of a daemon that died: without it they come to their end by themselves, and only
    /// then is it known which containers run. Blocks for a minute at most each.
    func awaitCriu() throws {
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
        try makeHostDirectories(workspace.directory, mode: 0o700)
        return workspace
    }

    /// Begins to make a container from images, held before it runs.
    package func restore(_ plan: RuntimePlan, imageDirectory: String) async throws -> RestoreSession {
        var start = plan
        start.runDirectory = runDirectory
        try claim(start.name)
        await closeFiles(start.name)
        let plan = start
        return try await BlockingPool.shared.run { [self] in
            let directory = runDirectory + "/" + plan.name + ".criu"
            let cleanUp: @Sendable (Bool) -> Void = { [self] failed in
                if failed {
                    LostMonitor.end(plan.name, stateDirectory: plan.stateDirectory, tree: tree)
                    removeTraces(of: plan.name, mountPoint: plan.mountPoint)
                }
                try? removeHostTree(directory)
                release(plan.name)
            }
            do {
                try makeHostDirectories(plan.logDirectory, mode: 0o700)
                try makeHostDirectories(plan.mountPoint, mode: 0o711)
                // criu takes timers that ran out while it wrote for timers that were never set.
                try CriuImages.rearmTimers(in: imageDirectory)
                var restore = RestorePlan()
                restore.start = plan
                restore.workspace = try workspace(plan.name, imageDirectory)
                let session = try CriuSession(helper, "restore", name: plan.name, plan: restore, workspace: restore.workspace)
                return RestoreSession(
                    session,
                    finish: { [self] step in
                        guard let step else { return }
                        let group = try tree.group(ofProcess: step.initPID).ancestor(named: "lxc.payload." + plan.name)
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
                            isCheckpointable: plan.stateful)
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
