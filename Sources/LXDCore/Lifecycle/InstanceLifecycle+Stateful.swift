package import LXDAPI
import LXDDatabase
import LXDLinux
import LXDNetlink
import LXDRuntime
import LXDRuntimePlan
import LXDStorage
import Logging

/// Stopping and starting with the state of all processes.
///
/// The images are in the instance's own folder until it has been started from them.
extension InstanceLifecycle {
    /// Where the images of an instance or of its snapshot are.
    func imageDirectory(_ instance: LoadedInstance, snapshot: String? = nil) async throws -> String {
        let volume = try snapshot.map { try environment.volume(instance.key, snapshot: $0) } ?? environment.volume(instance.key)
        return try await environment.pools.driver(instance.rootPool()).mountPath(volume) + "/state"
    }

    /// Looks for what keeps a running instance's processes from being written down, without stopping any.
    ///
    /// - Throws: All of it, in sentences that a person can act on.
    func requireCheckpointable(_ instance: LoadedInstance) async throws {
        try await requireStartedForCheckpoints(instance)
        let obstacles = try await engine.checkpointObstacles(instance.runtimeName)
        guard obstacles.isEmpty else {
            throw LXDError.badRequest("The state of the instance can't be saved:\n - " + obstacles.joined(separator: "\n - "))
        }
    }

    /// - Throws: When the host, or the way in which the instance was started, rules out that its processes are written down.
    func requireStartedForCheckpoints(_ instance: LoadedInstance) async throws {
        try await engine.requireCheckpoints()
        guard await engine.isCheckpointable(instance.runtimeName) else {
            throw LXDError.badRequest(
                isTrue(instance.expandedConfig["migration.stateful"])
                    ? "Instance was not started with migration.stateful=true; restart the instance once"
                    : "Instance was not started with migration.stateful=true; set it and restart the instance once")
        }
        guard await status(instance.key) == .running else { throw LXDError.badRequest("Instance is frozen; unfreeze it first") }
    }

    /// Writes a running instance's processes into its image folder; they stand still until the session is ended.
    ///
    /// - Parameters:
    ///   - isPostCopy: Pages of memory stay out of the images, and are served by the session.
    ///   - folder: An empty one instead of the instance's own.
    ///   - began: Called when the first of them is about to be stopped.
    ///   - locked: Called when all of them stand still, and its network is about to be locked; blocks criu.
    /// - Throws: Why it cannot be done; then the instance runs on as if nothing had been.
    func checkpointLocked(
        _ instance: LoadedInstance, keepsRunning: Bool, isPostCopy: Bool = false, into folder: String? = nil,
        began: @Sendable () -> Void = {}, locked: @escaping @Sendable () -> Void = {}
    ) async throws -> CheckpointSession {
        try await requireCheckpointable(instance)
        let name = instance.runtimeName
        let directory: String
        if let folder {
            directory = folder
        } else {
            directory = try await imageDirectory(instance)
            try await BlockingPool.shared.run {
                try removeHostTree(directory)
                try makeHostDirectories(directory, mode: 0o700)
            }
        }
        do {
            let session = try await engine.checkpoint(
                name, configurationPath: environment.paths.instanceLogs(name) + "/lxc.conf", imageDirectory: directory,
                keepsRunning: keepsRunning, isPostCopy: isPostCopy)
            began()
            try await session.waitDumped(locked: locked)
            return session
        } catch {
            let error = LXDError.from(error)
            try await keepCriuLog(directory, "dump.log", of: instance)
            if folder == nil { try await BlockingPool.shared.run { try removeHostTree(directory) } }
            throw LXDError.internalError("\(CheckpointFailure.explain(error.message)); the instance continues to run", cause: error)
        }
    }

    /// criu's log is what helps to find out more: it becomes one of the instance's logs.
    private func keepCriuLog(_ directory: String, _ file: String, of instance: LoadedInstance) async throws {
        let logs = environment.paths.instanceLogs(instance.runtimeName)
        try await BlockingPool.shared.run {
            // It may not have come to a log.
            guard let text = try? AtomicFile.read(directory + "/" + file, limit: 64 << 20) else { return }
            try AtomicFile.write(text, to: logs + "/" + file, mode: 0o600, sync: false)
        }
    }

    /// Stops an instance and keeps the state of its processes for the next start.
    package func stopStatefully(_ key: InstanceKey, by requestor: EventLifecycleRequestor?) async throws {
        guard await isRunning(key) else { throw LXDError.badRequest("The instance is already stopped") }
        try await environment.locks.with(key, .stop) {
            let instance = try await environment.load(key)
            let session = try await checkpointLocked(instance, keepsRunning: false)
            do {
                // From here on the images are the instance, also for a daemon that comes after a crash.
                let id = instance.row.id
                try await environment.store.write { tx in
                    try tx.setInstanceStateful(id: id, true)
                    try tx.mergeInstanceConfig(id: id, [VolatileKeys.lastPower: "STOPPED"])
                }
            } catch {
                try await session.abort()
                throw error
            }
            // The kernel takes a network that ends apart piece by piece: its firewall goes before its interfaces.
            do { try await unplug(instance) } catch {
                environment.logger.warning(
                    "Failed to unplug an instance", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
            }
            try await withExpectedEnd(of: key.runtimeName) {
                try await session.commit()
                try await engine.kill(key.runtimeName)
            }
            await cleanUp(instance)
        }
        environment.announce(.instanceStopped, key, by: requestor)
    }

    /// The images that a start begins with: nil for one that begins with init.
    ///
    /// - Parameter isStateful: What the client asked for; a start without state drops what there is.
    func takeImages(_ instance: LoadedInstance, isStateful: Bool) async throws -> String? {
        if isStateful {
            guard instance.row.stateful else { throw LXDError.badRequest("Instance has no existing state to restore") }
            try await engine.requireCheckpoints()
            return try await imageDirectory(instance)
        }
        if instance.row.stateful { try await dropImages(of: instance) }
        return nil
    }

    func dropImages(of instance: LoadedInstance) async throws {
        let id = instance.row.id
        try await environment.store.write { try $0.setInstanceStateful(id: id, false) }
        let directory = try await imageDirectory(instance)
        try await BlockingPool.shared.run { try removeHostTree(directory) }
    }

    /// Takes an instance's interfaces off their bridges: while its connections are in images nothing may answer for them.
    func unplug(_ instance: LoadedInstance) async throws {
        let ports = instance.devicesInOrder.compactMap { instance.row.config["volatile.\($0.name).host_name"] }
        try await BlockingPool.shared.run {
            let socket = try RouteSocket()
            for port in ports {
                guard let link = try socket.link(named: port), link.masterIndex ?? 0 != 0 else { continue }
                try socket.change(port, LinkChange(masterIndex: 0))
            }
        }
    }

    /// Makes a container go on from images, with its network plugged in when it is about to.
    ///
    /// - Parameters:
    ///   - hold: Called when all of it is there and nothing has run; by throwing it takes everything back.
    ///   - pages: Brings the memory that the images do not have, while the container runs.
    ///   - plugged: Called when its interfaces are plugged in, right before it runs.
    func resume(
        _ plan: RuntimePlan, _ instance: LoadedInstance, from images: String, hold: @Sendable () async throws -> Void = {},
        pages: ArrivingPages? = nil, plugged: @escaping @Sendable (PluggedInstance) async -> Void = { _ in }
    ) async throws {
        // criu brings interfaces up before its sockets are there: what arrived then would be answered with a reset.
        try await unplug(instance)
        do {
            let session = try await engine.restore(plan, imageDirectory: images, pages: pages?.stream())
            try await session.waitReady()
            do { try await hold() } catch {
                try await session.abort()
                throw HeldBack(reason: error)
            }
            _ = try await session.resume { [devices] initPID in
                for device in instance.devicesInOrder where device.config["type"] == "nic" {
                    try await devices.repair(device.name, device.config, of: instance)
                }
                let forgotten = Task { await PluggedInstance.forgetNeighbours(of: initPID) }
                await plugged(PluggedInstance(ports: instance.hostPorts, forgotten: forgotten))
            }
            pages?.follow(session)
        } catch let error as HeldBack {
            throw error.reason
        } catch {
            try await keepCriuLog(images, "restore.log", of: instance)
            let error = LXDError.from(error)
            throw LXDError.internalError(CheckpointFailure.explain(error.message), cause: error)
        }
    }
}

/// A restore that went well and was taken back.
private struct HeldBack: Error { let reason: any Error }

/// criu's words for what people can do something about.
enum CheckpointFailure {
    static func explain(_ message: String) -> String {
        for (part, hint) in hints where message.contains(part) { return message + " (" + hint + ")" }
        return message
    }

    private static let hints = [
        ("External socket is used", "a process is connected to a socket of the host; stop it"),
        ("increase limit", "a deleted file that is still open is too large; restart the process that holds it"),
        ("Can't dump ghost file", "a deleted file that is still open is too large; restart the process that holds it"),
        ("Can't lookup mount", "a process has a file open on a mount that is not visible any more; restart it"),
        ("mqueue isn't empty", "a POSIX message queue was left behind; remove it"),
        ("nested", "a process uses a namespace of its own; stop it"),
        ("doesn't have a proper root mount", "something was mounted into the running instance; restart it or take the device out"),
    ]
}
