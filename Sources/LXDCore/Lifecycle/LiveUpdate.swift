import LXDAPI
import LXDRuntimePlan
import Logging

extension InstanceLifecycle {
    /// Makes a running container follow a change of its configuration; of a stopped one only its devices' traces on
    /// the host follow. Takes back what it did when a later part fails.
    ///
    /// - Parameter isUserRequested: Off for a restore: a device that conflicts with another's is left out then, so that
    ///   the restore succeeds and the conflict can be settled afterwards.
    func follow(from old: LoadedInstance, to new: LoadedInstance, isUserRequested: Bool = true) async throws {
        let isRunning = await isRunning(new.key)
        try await withUndo(environment.logger) { undo in
            try await followDevices(
                from: old, to: new, isRunning: isRunning, isUserRequested: isUserRequested, &undo)
            guard isRunning else { return }
            try await followDiskLimits(from: old, to: new, &undo)
            let changed = changedKeys(old.expandedConfig, new.expandedConfig)
            if changed.contains("linux.kernel_modules") {
                try await KernelModules.load(new.expandedConfig["linux.kernel_modules"] ?? "")
            }
            guard changed.contains(where: { $0.hasPrefix("limits.") }) else { return }
            let limits = CgroupLimits(host: host.limits)
            let before = try limits.afterChange(of: changed, old.expandedConfig)
            undo.add("limits") { try await self.apply(before, to: new) }
            try await apply(try limits.afterChange(of: changed, new.expandedConfig), to: new)
            if changed.contains("limits.cpu") {
                setProcessorLimit(new.runtimeName, new.expandedConfig["limits.cpu"] ?? "")
                await rebalanceProcessors()
            }
        }
    }

    private func followDiskLimits(from old: LoadedInstance, to new: LoadedInstance, _ undo: inout UndoStack) async throws {
        guard old.expandedDevices != new.expandedDevices else { return }
        let (before, after) = (try diskThrottles(old), try diskThrottles(new))
        let back = try DiskLimits.afterChange(from: after, to: before, host.limits)
        undo.add("disk limits") { try await self.apply(back, to: new) }
        try await apply(DiskLimits.afterChange(from: before, to: after, host.limits), to: new)
    }

    private func apply(_ settings: [LimitSetting], to instance: LoadedInstance) async throws {
        for setting in settings {
            do {
                try await engine.setCgroup(
                    instance.runtimeName,
                    CgroupSetting(file: setting.file, value: setting.value, unified: setting.version == .v2))
            } catch {
                throw LXDError.from(error).wrapped("Failed to set cgroup \(setting.file)=\(goQuoted(setting.value))")
            }
        }
    }

    private func followDevices(
        from old: LoadedInstance, to new: LoadedInstance, isRunning: Bool, isUserRequested: Bool,
        _ undo: inout UndoStack
    ) async throws {
        var live: [String: Set<String>] = [:]
        for (name, config) in new.expandedDevices {
            live[name] = try await devices.liveKeys(name, config, of: new)
        }
        let changes = DeviceChanges(old.expandedDevices, new.expandedDevices, liveKeys: live)
        for (name, config) in changes.removed where !isRoot(config) {
            do {
                if isRunning {
                    unwatchNode(name, of: old)
                    try await environment.setVolatile(old, devices.detach(name, config, from: old))
                    undo.add("device \(name)") { try await self.attach(name, config, to: old) }
                }
                try await devices.left(name, config, old)
            } catch {
                throw LXDError.from(error).wrapped("Failed to remove device \(goQuoted(name))")
            }
        }
        for (name, config) in changes.added where !isRoot(config) {
            do {
                try await devices.joined(name, config, new)
                undo.add("device \(name)") { try await self.devices.left(name, config, new) }
                guard isRunning else { continue }
                try await attach(name, config, to: new)
                undo.add("device \(name)") { _ = try await self.devices.detach(name, config, from: new) }
                watchNode(name, config, of: new)
            } catch let error as LXDError where error.code == .conflict && !isUserRequested {
                logSkipped(name, new, error)
            } catch {
                throw LXDError.from(error).wrapped("Failed to add device \(goQuoted(name))")
            }
        }
        for (name, config) in changes.updated {
            let before = old.expandedDevices[name] ?? [:]
            do {
                try await devices.update(name, from: before, to: config, of: new, isRunning: isRunning)
            } catch let error as LXDError where error.code == .conflict && !isUserRequested {
                logSkipped(name, new, error)
                try await devices.left(name, before, old)
                continue
            }
            undo.add("device \(name)") {
                try await self.devices.update(name, from: config, to: before, of: old, isRunning: isRunning)
            }
        }
    }

    private func logSkipped(_ name: String, _ instance: LoadedInstance, _ error: LXDError) {
        environment.logger.error(
            "Failed to add device, skipping as non-user requested",
            metadata: ["instance": "\(instance.key)", "device": "\(name)", "error": "\(error)"])
    }

    /// Brings a device into a running container and notes what it needs to be taken out again.
    private func attach(_ name: String, _ config: [String: String], to instance: LoadedInstance) async throws {
        let before = try await devices.prepare(name, config, of: instance)
        try await environment.setVolatile(instance, before)
        try await environment.setVolatile(
            instance, devices.attach(name, config, to: instance.with(config: before)))
    }
}

/// Which devices went, came or changed in place.
package struct DeviceChanges: Sendable, Equatable {
    package private(set) var removed: [String: [String: String]] = [:]
    package private(set) var added: [String: [String: String]] = [:]
    package private(set) var updated: [String: [String: String]] = [:]

    /// - Parameter liveKeys: Keys of a device that can change in place; a difference in others means that it is taken
    ///   out and put in again.
    package init(
        _ old: [String: [String: String]], _ new: [String: [String: String]], liveKeys: [String: Set<String>]
    ) {
        for (name, device) in old where new[name] == nil { removed[name] = device }
        for (name, device) in new {
            guard let before = old[name] else {
                added[name] = device
                continue
            }
            let changed = changedKeys(before, device)
            if changed.isEmpty { continue }
            if before["type"] == device["type"], changed.isSubset(of: liveKeys[name] ?? []) {
                updated[name] = device
            } else {
                removed[name] = before
                added[name] = device
            }
        }
    }
}
