package import LXDAPI
package import LXDDatabase

extension InstanceService {
    /// Replaces what a client may change and makes a running instance follow; the old state stays when it cannot.
    ///
    /// - Parameters:
    ///   - precondition: Throws when the instance is no longer the one the caller saw.
    ///   - change: The new state, computed from the present one.
    package func update(
        _ key: InstanceKey, way: ConfigGate.Way = .update, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (LoadedInstance) throws -> Void = { _ in },
        _ change: @escaping @Sendable (inout InstanceRow) throws -> Void
    ) async throws {
        try await environment.locks.with(key, .update) {
            try await updateLocked(key, way: way, precondition: precondition, change)
            if way.isUserRequested { environment.announce(.instanceUpdated, key, by: requestor) }
        }
    }

    /// The same for a caller that holds the instance's lock.
    func updateLocked(
        _ key: InstanceKey, way: ConfigGate.Way,
        precondition: @escaping @Sendable (LoadedInstance) throws -> Void = { _ in },
        _ change: @escaping @Sendable (inout InstanceRow) throws -> Void
    ) async throws {
        let (old, new) = try await environment.store.write { [gate] tx in
            let old = try tx.loadInstance(key)
            try precondition(old)
            var row = old.row
            try change(&row)
            var new = try gate.admit(row, replacing: old, way, tx)
            let changed = changedKeys(old.expandedConfig, new.expandedConfig)
            if VolatileKeys.needsNewInstanceID(changed: changed, old: old.expandedDevices, new: new.expandedDevices) {
                new = new.with(config: [VolatileKeys.instanceID: VolatileKeys.newID()])
            }
            new = Self.withoutStaleDeviceKeys(new, old)
            try tx.updateInstance(new.row)
            return (old, new)
        }
        do {
            try await applyRootSize(of: new, replacing: old)
            try await lifecycle.follow(from: old, to: new, isUserRequested: way.isUserRequested)
        } catch {
            let row = old.row
            try await Task { [environment] in try await environment.store.write { try $0.updateInstance(row) } }.value
            throw error
        }
        try await environment.writeBackupFile(key)
    }

    /// Forgets what was noted for devices that are gone or became another kind, and what is now set by hand.
    private static func withoutStaleDeviceKeys(_ new: LoadedInstance, _ old: LoadedInstance) -> LoadedInstance {
        var changes: [String: String?] = [:]
        for (name, oldDevice) in old.expandedDevices {
            let prefix = "volatile.\(name)."
            let keys = new.row.config.keys.filter { $0.hasPrefix(prefix) }
            guard let device = new.expandedDevices[name], device["type"] == oldDevice["type"],
                device["nictype"] == oldDevice["nictype"] || device["network"] != nil
            else {
                for key in keys where new.expandedDevices[name] == nil || old.row.config[key] != nil { changes[key] = .some(nil) }
                continue
            }
            for key in keys where device[String(key.dropFirst(prefix.count))]?.isEmpty == false { changes[key] = .some(nil) }
        }
        return new.with(config: changes)
    }
}

extension InstanceService: ProfileInstances {
    package func check(_ profile: ProfileRow, _ tx: Transaction) throws { try gate.admitProfile(profile, tx) }

    package func profileChanged(from old: ProfileRow, to new: ProfileRow) async -> [ProfileFollowFailure] {
        let instances: [LoadedInstance]
        do {
            instances = try await environment.store.read { try $0.loadInstances(usingProfile: new.id) }
        } catch {
            return [ProfileFollowFailure(project: new.project, instance: "", reason: "\(error)")]
        }
        return await withTaskGroup(of: ProfileFollowFailure?.self) { group in
            for instance in instances {
                group.addTask {
                    do {
                        try await self.follow(instance.key, profile: old)
                        return nil
                    } catch {
                        return ProfileFollowFailure(
                            project: instance.project, instance: instance.name, reason: LXDError.from(error).message)
                    }
                }
            }
            return await group.reduce(into: []) { if let failure = $1 { $0.append(failure) } }
        }
    }

    /// Brings one instance from its state with `oldProfile` to the present one.
    private func follow(_ key: InstanceKey, profile oldProfile: ProfileRow) async throws {
        try await environment.locks.with(key, .update) {
            let (old, new) = try await environment.store.write { [gate] tx in
                let present = try tx.loadInstance(key)
                let old = LoadedInstance(
                    present.row, profiles: present.profiles.map { $0.id == oldProfile.id ? oldProfile : $0 })
                let new = try gate.admit(present.row, replacing: old, .profileChange, tx)
                if new.row != present.row { try tx.updateInstance(new.row) }
                return (old, new)
            }
            try await lifecycle.follow(from: old, to: new)
            try await environment.writeBackupFile(key)
        }
    }
}
