import LXDAPI
import LXDDatabase
import Logging

extension InstanceLifecycle {
    /// Brings the records into line with the kernel after a start of the daemon: containers that ended while it was
    /// away are cleaned up after; those that run are known again.
    ///
    /// The power state is left as it was, so that ``startAfterBoot()`` knows what ran when the host went down.
    package func reconcile() async {
        do {
            let running = await statuses()
            for instance in try await environment.store.read({ try $0.loadInstances() }) {
                let name = instance.runtimeName
                if running[name] != nil {
                    // It went on instead of being stopped: a daemon that dies before the decision decides so.
                    // Or it was being started from its state, and may not be plugged in yet.
                    if instance.row.stateful {
                        try await dropImages(of: instance)
                        await repairNetworkDevices(of: [instance.key])
                    } else {
                        await repairFilters(of: instance)
                    }
                    watchNodes(of: instance)
                    setProcessorLimit(name, instance.expandedConfig["limits.cpu"] ?? "")
                    if instance.row.config[VolatileKeys.lastPower] != "RUNNING" {
                        try await environment.setVolatile(instance, [VolatileKeys.lastPower: "RUNNING"])
                    }
                } else if wasUp(instance) {
                    await cleanUp(instance, power: instance.row.config[VolatileKeys.lastPower] ?? "STOPPED")
                    if instance.row.ephemeral { try await removeEphemeral(instance) }
                }
            }
        } catch {
            environment.logger.error("Failed bringing instances into line with the kernel", metadata: ["error": "\(error)"])
        }
    }

    /// The firewall learns again which filters it has to keep up.
    private func repairFilters(of instance: LoadedInstance) async {
        let isFiltered = instance.expandedDevices.values.contains { config in
            ["mac", "ipv4", "ipv6"].contains { isTrue(config["security.\($0)_filtering"]) }
        }
        if isFiltered { await repairNetworkDevices(of: [instance.key]) }
    }

    /// A start had begun and no stop has cleaned up.
    private func wasUp(_ instance: LoadedInstance) -> Bool {
        instance.row.config[VolatileKeys.lastPower] == "RUNNING"
            || instance.row.config.keys.contains { $0.hasPrefix("volatile.") && $0.hasSuffix(".host_name") }
    }

    private func removeEphemeral(_ instance: LoadedInstance) async throws {
        await devicesLeft(instance)
        try await environment.removeEverything(of: instance)
        environment.announce(.instanceDeleted, instance.key, by: nil)
    }

    /// Starts what is to run, one after the other.
    ///
    /// - Parameter failed: Told about an instance that could not be started after three attempts.
    package func startAfterBoot(failed: @Sendable (LoadedInstance, String) async -> Void) async {
        let instances: [LoadedInstance]
        do { instances = try await environment.store.read { BootOrder.toStart(try $0.loadInstances()) } } catch {
            environment.logger.error("Failed loading instances to start", metadata: ["error": "\(error)"])
            return
        }
        for instance in instances where await !isRunning(instance.key) {
            for attempt in 1...3 {
                do {
                    // What was parked with its state goes on from it.
                    try await start(instance.key, isStateful: instance.row.stateful, by: nil)
                    try await Task.sleep(for: BootOrder.delay(instance))
                    break
                } catch is CancellationError {
                    return
                } catch {
                    environment.logger.warning(
                        "Failed auto start instance attempt",
                        metadata: ["instance": "\(instance.key)", "attempt": "\(attempt)", "error": "\(error)"])
                    if attempt == 3 {
                        await failed(instance, LXDError.from(error).message)
                    } else {
                        do { try await Task.sleep(for: .seconds(5)) } catch { return }
                    }
                }
            }
        }
    }

    /// Stops everything before the host goes down, in the order of `boot.stop.priority`, and remembers what ran.
    package func stopForShutdown() async {
        let running = await statuses()
        let instances: [LoadedInstance]
        do {
            instances = try await environment.store.read { tx in
                try tx.loadInstances().filter { running[$0.runtimeName] != nil }
            }
        } catch {
            environment.logger.error("Failed loading instances to stop", metadata: ["error": "\(error)"])
            return
        }
        for group in BootOrder.toStop(instances) {
            await withTaskGroup(of: Void.self) { tasks in
                for instance in group { tasks.addTask { await self.stopForShutdown(instance) } }
            }
        }
    }

    private func stopForShutdown(_ instance: LoadedInstance) async {
        let action = BootOrder.shutdownAction(instance)
        do {
            // An ephemeral instance ends with its processes.
            if action == .statefulStop, !instance.row.ephemeral, await park(instance) { return }
            do {
                if action == .forceStop { return try await forceStopForShutdown(instance) }
                try await stop(instance.key, timeout: BootOrder.shutdownTimeout(instance), force: false, by: nil)
            } catch {
                environment.logger.warning(
                    "Failed shutting down instance, forcefully stopping", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
                return try await forceStopForShutdown(instance)
            }
            try await rememberRunning(instance)
        } catch {
            environment.logger.error(
                "Failed forcefully stopping instance", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
        }
    }

    private func forceStopForShutdown(_ instance: LoadedInstance) async throws {
        try await stop(instance.key, timeout: nil, force: true, by: nil)
        try await rememberRunning(instance)
    }

    private func rememberRunning(_ instance: LoadedInstance) async throws {
        if !instance.row.ephemeral { try await environment.setVolatile(instance, [VolatileKeys.lastPower: "RUNNING"]) }
    }

    /// Stops an instance with the state of its processes.
    ///
    /// - Returns: false when that is not possible and it runs on: the host goes down all the same, so it is shut down then.
    private func park(_ instance: LoadedInstance) async -> Bool {
        do {
            try await stopStatefully(instance.key, by: nil)
            try await rememberRunning(instance)
            return true
        } catch {
            environment.logger.warning(
                "Failed keeping the state of an instance, shutting it down",
                metadata: ["instance": "\(instance.key)", "error": "\(LXDError.from(error).message)"])
            return await status(instance.key) == .stopped
        }
    }
}
