package import LXDAPI
import LXDDatabase
import LXDDevices
import LXDRuntimePlan
import LXDStorage
import Logging
import Synchronization

/// What a container begins with.
enum StartOrigin: Sendable {
    case program
    /// With the state of its processes: `arrival` gives the folder of images when they and the volume are complete; `hold` is
    /// called when everything is restored and nothing has run, and takes it back by throwing.
    case images(
        _ arrival: @Sendable () async throws -> String, hold: @Sendable () async throws -> Void = {}, pages: ArrivingPages? = nil,
        plugged: @Sendable (PluggedInstance) async -> Void = { _ in })
}

/// Starts, stops and watches containers, and cleans up after them however they end.
///
/// A start takes its steps in order and takes them back in reverse when a later one fails. The end of a container is
/// handled once, by whoever asked for it or, if nobody did, by the watch over the runtime's exits.
package final class InstanceLifecycle: Sendable {
    let environment: InstanceEnvironment
    let engine: any ContainerEngine
    let devices: any InstanceDevices
    let templates: any TemplateApplier
    let host: StartHost
    private let state = Mutex(State())

    private struct State {
        /// `limits.cpu` of the containers that run.
        var processorLimits: [String: String] = [:]
        /// Containers whose end somebody waits for and will clean up after.
        var expected: Set<String> = []
        /// Called before a start, inside the lock: takes the snapshot that a schedule asks for.
        var beforeStart: (@Sendable (LoadedInstance) async throws -> Void)?
        /// Made with the first device that follows a node of the host.
        var nodes: HostNodeWatcher?
    }

    package init(
        environment: InstanceEnvironment, engine: any ContainerEngine, devices: any InstanceDevices,
        templates: any TemplateApplier, host: StartHost
    ) {
        self.environment = environment
        self.engine = engine
        self.devices = devices
        self.templates = templates
        self.host = host
    }

    // MARK: Asking

    package func status(_ key: InstanceKey) async -> StatusCode { await engine.status(key.runtimeName) }

    /// The states of all containers that are not stopped, by runtime name.
    package func statuses() async -> [String: StatusCode] { await engine.statuses() }

    package func isRunning(_ key: InstanceKey) async -> Bool {
        let status = await status(key)
        return status != .stopped && status != .error
    }

    /// CPU, memory, network and processes from the kernel; disk from the pool.
    package func state(_ instance: LoadedInstance, _ status: StatusCode) async -> InstanceState {
        let usage = status != .stopped && status != .error ? await engine.usage(instance.runtimeName) : nil
        return await state(instance, status, usage)
    }

    /// The states of many instances, in their order.
    func states(_ instances: [LoadedInstance], _ statuses: [String: StatusCode]) async -> [InstanceState] {
        let running = instances.map(\.runtimeName).filter { statuses[$0].map { $0 != .stopped && $0 != .error } ?? false }
        let usages = await engine.usages(running)
        var states: [InstanceState] = []
        states.reserveCapacity(instances.count)
        for instance in instances {
            let name = instance.runtimeName
            states.append(await state(instance, statuses[name] ?? .stopped, usages[name]))
        }
        return states
    }

    private func state(_ instance: LoadedInstance, _ status: StatusCode, _ usage: InstanceState?) async -> InstanceState {
        var state = usage ?? InstanceState()
        for name in state.network.keys where state.network[name]?.hostName.isEmpty == true {
            state.network[name]?.hostName = instance.row.config["volatile.\(name).host_name"] ?? ""
        }
        state.status = status.name
        state.statusCode = status
        state.disk = await disk(instance)
        return state
    }

    private func disk(_ instance: LoadedInstance) async -> [String: InstanceStateDisk] {
        do {
            let root = try requireRootDisk(instance.expandedDevices)
            let pool = try await environment.pools.driver(instance.rootPool())
            guard let bytes = try await pool.usage(of: environment.volume(instance.key)) else { return [:] }
            return [root.name: .with { $0.usage = Int64(clamping: bytes) }]
        } catch {
            environment.logger.debug("Disk usage unknown", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
            return [:]
        }
    }

    // MARK: Starting

    /// - Parameter isStateful: From the state that a stateful stop kept.
    package func start(
        _ key: InstanceKey, isStateful: Bool = false, by requestor: EventLifecycleRequestor?
    ) async throws {
        if environment.locks.holder(key) == .start {
            // Somebody else starts it already: wait for that instead of failing.
            try await environment.locks.with(key, .start) {}
            if await isRunning(key) { return }
        }
        try await environment.locks.with(key, .start) { try await startLocked(key, isStateful: isStateful) }
        environment.announce(.instanceStarted, key, by: requestor)
    }

    /// Starts for a caller that holds the instance's lock.
    func startLocked(_ key: InstanceKey, isStateful: Bool = false) async throws {
        let instance = try await environment.load(key)
        switch await status(key) {
        case .stopped: break
        case .error: throw LXDError.internalError("The instance cannot be started as in Error status")
        default: throw LXDError.badRequest("The instance is already running")
        }
        if instance.row.config["image.requirements.cgroup"] == "v1", host.limits.isUnified {
            throw LXDError.internalError("The image used by this instance requires a CGroupV1 host system")
        }
        try await KernelModules.load(instance.expandedConfig["linux.kernel_modules"] ?? "")
        if let hook = state.withLock({ $0.beforeStart }) { try await hook(instance) }
        let images = try await takeImages(instance, isStateful: isStateful)
        let origin = images.map { images in StartOrigin.images({ images }) } ?? .program
        try await withUndo(environment.logger) { undo in try await self.runStart(instance, from: origin, &undo) }
        if images != nil { try await dropImages(of: instance) }
    }

    /// The steps of a start.
    func runStart(_ instance: LoadedInstance, from origin: StartOrigin, _ undo: inout UndoStack) async throws {
        let name = instance.runtimeName
        engine.expectStart()
        let pool = try await environment.pools.driver(instance.rootPool())
        let directory = pool.mountPath(try environment.volume(instance.key))
        var rootfs: RootFilesystem?
        if case .program = origin {
            let root = try await pool.rootFilesystem(of: environment.volume(instance.key))
            try await applyTemplates(instance, rootfs: root, directory: directory)
            rootfs = root
        }

        var volatile: [String: String?] = ["volatile.idmap.current": instance.row.config["volatile.idmap.next"] ?? "[]"]
        if instance.row.config[VolatileKeys.uuid] == nil { volatile[VolatileKeys.uuid] = VolatileKeys.newID() }
        let started = instance.devicesInOrder.filter { !isRoot($0.config) }
        for device in started {
            volatile.merge(try await devices.prepare(device.name, device.config, of: instance)) { $1 }
        }
        // Noted before anything is put up, so that a daemon that dies now finds what to take down.
        try await environment.setVolatile(instance, volatile)
        let instance = instance.with(config: volatile)
        var parts: [DeviceParts] = []
        for device in started {
            undo.add("device \(device.name)") { [devices, environment] in
                try await environment.setVolatile(instance, devices.stop(device.name, device.config, of: instance))
            }
            do { parts.append(try await devices.start(device.name, device.config, of: instance)) } catch {
                throw LXDError.from(error).wrapped("Failed to start device \(goQuoted(device.name))")
            }
        }
        let noted = parts.reduce(into: [:]) { $0.merge($1.volatile) { $1 } }.filter { key, value in
            instance.row.config[key] != value
        }
        try await environment.setVolatile(instance, noted)
        // The devices are up: what a move of a running instance has still to wait for comes now.
        var images: String?
        if case .images(let arrival, _, _, _) = origin { images = try await arrival() }
        let volume = try environment.volume(instance.key)
        if rootfs == nil { rootfs = try await pool.rootFilesystem(of: volume) }
        guard let rootfs else { return }
        var host = host
        host.processors = planProcessors(starting: name, instance.expandedConfig["limits.cpu"] ?? "")
        var plan = try StartPlan.planStart(instance, rootfs: rootfs, directory: directory, devices: parts, host: host)
        plan.cgroup += try DiskLimits.atStart(diskThrottles(instance), host.limits).map {
            CgroupSetting(file: $0.file, value: $0.value, unified: $0.version == .v2)
        }
        if let images, case .images(_, let hold, let pages, let plugged) = origin {
            try await resume(plan, instance.with(config: noted), from: images, hold: hold, pages: pages, plugged: plugged)
        } else {
            try await engine.start(plan)
        }
        undo.add("container \(name)") { [engine] in try await engine.kill(name) }
        state.withLock { $0.processorLimits[name] = instance.expandedConfig["limits.cpu"] ?? "" }
        let id = instance.row.id
        try await environment.store.write { tx in
            try tx.mergeInstanceConfig(id: id, [VolatileKeys.lastPower: "RUNNING"])
            try tx.setInstanceLastUsed(id: id, .now())
        }
        await rebalanceProcessors()
        watchNodes(of: instance)
        // For people who look; a container runs as well without.
        do { try await pool.showSnapshots(of: environment.volume(instance.key)) } catch {
            environment.logger.warning(
                "Failed to show snapshots on the host", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
        }
    }

    func isRoot(_ config: [String: String]) -> Bool { config["type"] == "disk" && config["path"] == "/" }

    private func applyTemplates(_ instance: LoadedInstance, rootfs: RootFilesystem, directory: String) async throws {
        var triggers = ["start"]
        if let first = instance.row.config[VolatileKeys.applyTemplate] { triggers.insert(first, at: 0) }
        try await templates.apply(triggers, to: instance, rootfs: rootfs, directory: directory)
        if triggers.count > 1 { try await environment.setVolatile(instance, [VolatileKeys.applyTemplate: nil]) }
    }

    // MARK: Stopping

    /// Stops a container: asks its init, and waits at most so long; or at once.
    ///
    /// - Parameters:
    ///   - timeout: nil: for ever.
    ///   - force: Without asking; also ends a stop that still waits.
    package func stop(
        _ key: InstanceKey, timeout: Duration?, force: Bool, by requestor: EventLifecycleRequestor?
    ) async throws {
        guard await isRunning(key) else { throw LXDError.badRequest("The instance is already stopped") }
        if force, let holder = environment.locks.holder(key), holder == .stop || holder == .restart {
            try await engine.kill(key.runtimeName)
            return try await environment.locks.with(key, .stop) {}
        }
        try await environment.locks.with(key, .stop) {
            guard await isRunning(key) else { return }
            try await stopLocked(key, timeout: timeout, force: force)
        }
        environment.announce(force ? .instanceStopped : .instanceShutdown, key, by: requestor)
    }

    /// Stops for a caller that holds the instance's lock.
    ///
    /// - Parameter keepEphemeral: Do not delete an ephemeral instance: it is started again.
    func stopLocked(
        _ key: InstanceKey, timeout: Duration? = nil, force: Bool = true, keepEphemeral: Bool = false
    ) async throws {
        let instance = try await environment.load(key)
        let name = key.runtimeName
        state.withLock { _ = $0.expected.insert(name) }
        defer { state.withLock { _ = $0.expected.remove(name) } }
        do {
            if force { try await engine.kill(name) } else { try await engine.shutdown(name, timeout: timeout) }
        } catch {
            let status = await status(key)
            guard status == .stopped else {
                throw LXDError.from(error).wrapped(
                    "Failed \(force ? "stopping" : "shutting down") instance, status is \(goQuoted(status.name))")
            }
        }
        await cleanUp(instance)
        if instance.row.ephemeral, !keepEphemeral { try await deleteEphemeral(instance) }
    }

    /// Runs what ends a container on purpose: nobody else cleans up after it then.
    func withExpectedEnd(of name: String, _ body: () async throws -> Void) async throws {
        state.withLock { _ = $0.expected.insert(name) }
        defer { state.withLock { _ = $0.expected.remove(name) } }
        try await body()
    }

    package func restart(
        _ key: InstanceKey, timeout: Duration?, force: Bool, by requestor: EventLifecycleRequestor?
    ) async throws {
        try await environment.locks.with(key, .restart) {
            let status = await status(key)
            guard status != .stopped else { throw LXDError.badRequest("The instance is already stopped") }
            if !force, status == .frozen { throw LXDError.badRequest("Instance is not running") }
            try await stopLocked(key, timeout: timeout, force: force, keepEphemeral: true)
            try await startLocked(key)
        }
        environment.announce(.instanceRestarted, key, by: requestor)
    }

    package func freeze(_ key: InstanceKey, by requestor: EventLifecycleRequestor?) async throws {
        _ = try await environment.load(key)
        switch await status(key) {
        case .running: break
        case .frozen: throw LXDError.badRequest("The container is already frozen")
        default: throw LXDError.badRequest("The container isn't running")
        }
        try await engine.freeze(key.runtimeName)
        environment.announce(.instancePaused, key, by: requestor)
    }

    package func unfreeze(_ key: InstanceKey, by requestor: EventLifecycleRequestor?) async throws {
        _ = try await environment.load(key)
        switch await status(key) {
        case .frozen: break
        case .stopped: throw LXDError.badRequest("The container isn't running")
        default: throw LXDError.badRequest("The container is already running")
        }
        try await engine.unfreeze(key.runtimeName)
        environment.announce(.instanceResumed, key, by: requestor)
    }

    // MARK: After the end

    /// Takes down what a start put up, in reverse. Safe to run twice; what fails is logged and the rest still goes.
    func cleanUp(_ instance: LoadedInstance, power: String = "STOPPED") async {
        await Task { [self] in
            unwatchNodes(of: instance)
            var volatile: [String: String?] = [VolatileKeys.lastPower: power]
            for device in instance.devicesInOrder.reversed() where !isRoot(device.config) {
                do {
                    volatile.merge(try await devices.stop(device.name, device.config, of: instance)) { $1 }
                } catch {
                    environment.logger.error(
                        "Failed to stop device", metadata: ["instance": "\(instance.key)", "device": "\(device.name)", "error": "\(error)"])
                }
            }
            do { try await environment.setVolatile(instance, volatile) } catch {
                environment.logger.error("Failed recording last power state", metadata: ["error": "\(error)"])
            }
            do {
                try await environment.pools.driver(instance.rootPool()).hideSnapshots(of: environment.volume(instance.key))
            } catch {
                environment.logger.error(
                    "Failed to hide snapshots", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
            }
            state.withLock { $0.processorLimits[instance.runtimeName] = nil }
            await rebalanceProcessors()
        }.value
    }

    private func deleteEphemeral(_ instance: LoadedInstance) async throws {
        await devicesLeft(instance)
        try await environment.removeEverything(of: instance)
        environment.announce(.instanceDeleted, instance.key, by: nil)
    }

    /// Handles containers that end by themselves; runs until the runtime's stream ends.
    package func watch() async {
        await withDiscardingTaskGroup { group in
            for await exit in engine.exits {
                let isExpected = state.withLock { $0.expected.contains(exit.name) }
                if isExpected { continue }
                group.addTask { await self.handle(exit) }
            }
        }
    }

    private func handle(_ exit: EngineExit) async {
        let key = InstanceKey(runtimeName: exit.name)
        do {
            try await environment.locks.with(key, .stop) {
                guard await status(key) == .stopped else { return }
                let instance = try await environment.load(key)
                guard instance.row.config[VolatileKeys.lastPower] == "RUNNING" else { return }
                await cleanUp(instance)
                environment.announce(.instanceShutdown, key, by: nil)
                if exit.isReboot {
                    try await startLocked(key)
                    environment.announce(.instanceRestarted, key, by: nil)
                } else if instance.row.ephemeral {
                    try await deleteEphemeral(instance)
                }
            }
        } catch {
            environment.logger.error(
                "Failed handling the end of a container", metadata: ["instance": "\(key)", "error": "\(error)"])
        }
    }

    // MARK: Other services

    /// Sets what runs before every start, inside the instance's lock. Called once while the daemon is built.
    package func beforeStart(_ hook: @escaping @Sendable (LoadedInstance) async throws -> Void) {
        state.withLock { $0.beforeStart = hook }
    }

    /// Tells the devices of a new instance that they are part of it.
    func devicesJoined(_ instance: LoadedInstance) async throws {
        for device in instance.devicesInOrder where !isRoot(device.config) {
            do { try await devices.joined(device.name, device.config, instance) } catch let error as LXDError
                where error.code == .conflict
            {
                // A copy may have its original's addresses until somebody changes them; then it cannot start.
                environment.logger.error(
                    "Failed add validation for device, skipping add action",
                    metadata: ["instance": "\(instance.key)", "device": "\(device.name)", "error": "\(error)"])
            } catch {
                throw LXDError.from(error).wrapped("Failed to add device \(goQuoted(device.name))")
            }
        }
    }

    /// Tells them that it is going; what fails is logged and the rest still goes.
    package func devicesLeft(_ instance: LoadedInstance) async {
        for device in instance.devicesInOrder where !isRoot(device.config) {
            do { try await devices.left(device.name, device.config, instance) } catch {
                environment.logger.error(
                    "Failed to remove device", metadata: ["instance": "\(instance.key)", "device": "\(device.name)", "error": "\(error)"])
            }
        }
    }

    /// Moves what is named after an instance.
    func renamed(_ key: InstanceKey, to newKey: InstanceKey) async throws {
        try await devices.renamed(environment.load(newKey), from: key)
    }

    // MARK: Nodes

    func nodeWatcherIfAny() -> HostNodeWatcher? { state.withLock { $0.nodes } }

    func nodeWatcher() throws -> HostNodeWatcher {
        if let nodes = nodeWatcherIfAny() { return nodes }
        let made = try HostNodeWatcher { [weak self] key, isPresent in
            guard let self else { return }
            Task { await self.nodeChanged(key, isPresent: isPresent) }
        }
        return state.withLock { state in
            let nodes = state.nodes ?? made
            state.nodes = nodes
            return nodes
        }
    }

    // MARK: Processors

    private func planProcessors(starting name: String, _ limit: String) -> [Int] {
        var limits = state.withLock { $0.processorLimits }
        limits[name] = limit
        guard limits.values.contains(where: { !$0.isEmpty }) else { return [] }
        return ProcessorPlan.plan(limits, processors: host.limits.processors)[name] ?? []
    }

    /// Deals the processors out anew when any running container has a limit.
    func rebalanceProcessors() async {
        let limits = state.withLock { $0.processorLimits }
        guard let version = host.limits.controllers["cpuset"], limits.values.contains(where: { !$0.isEmpty }) else { return }
        for (name, processors) in ProcessorPlan.plan(limits, processors: host.limits.processors) {
            let list = processors.map(String.init).joined(separator: ",")
            do {
                try await engine.setCgroup(name, CgroupSetting(file: "cpuset.cpus", value: list, unified: version == .v2))
            } catch {
                environment.logger.warning("Failed to set processors", metadata: ["instance": "\(name)", "error": "\(error)"])
            }
        }
    }

    func setProcessorLimit(_ name: String, _ limit: String) { state.withLock { $0.processorLimits[name] = limit } }
}
