package import LXDAPI
package import LXDDatabase

extension LoadedInstance {
    /// The instance as the API shows it.
    package func wire(status: StatusCode) -> Instance {
        .with {
            $0.architecture = (try? Architectures.numbered(row.architecture).name) ?? "unknown"
            $0.config = row.config
            $0.devices = row.devices
            $0.ephemeral = row.ephemeral
            $0.profiles = row.profiles
            $0.stateful = row.stateful
            $0.description = row.description
            $0.createdAt = row.createdAt
            $0.expandedConfig = expandedConfig
            $0.expandedDevices = expandedDevices
            $0.name = row.name
            $0.status = status.name
            $0.statusCode = status
            $0.lastUsedAt = row.lastUsedAt ?? .epoch
            $0.location = row.location
            $0.type = row.type.rawValue
            $0.project = row.project
        }
    }

    /// One of its snapshots as the API shows it: its own settings then, with the profiles of now.
    package func wire(_ snapshot: SnapshotRow, size: Int64 = -1) -> InstanceSnapshot {
        .with {
            $0.architecture = (try? Architectures.numbered(row.architecture).name) ?? "unknown"
            $0.config = snapshot.config
            $0.devices = snapshot.devices
            $0.profiles = row.profiles
            $0.createdAt = snapshot.createdAt
            $0.expiresAt = snapshot.expiresAt ?? .zero
            $0.expandedConfig = Expansion.config(profiles, own: snapshot.config)
            $0.expandedDevices = Expansion.devices(profiles, own: snapshot.devices)
            $0.name = snapshot.name
            $0.stateful = snapshot.stateful
            $0.size = size
        }
    }
}

extension BackupRow {
    /// The backup as the API shows it.
    package var wire: InstanceBackup {
        .with {
            $0.name = name
            $0.createdAt = createdAt
            $0.expiresAt = expiresAt ?? .zero
            $0.instanceOnly = instanceOnly
            $0.containerOnly = instanceOnly
            $0.optimizedStorage = optimizedStorage
        }
    }
}

extension InstanceService {
    /// The instance with its status.
    package func get(_ key: InstanceKey) async throws -> (loaded: LoadedInstance, wire: Instance) {
        let instance = try await environment.load(key)
        return (instance, instance.wire(status: await lifecycle.status(key)))
    }

    /// The names of a project's instances; of all projects with their project.
    package func names(project: String?) async throws -> [InstanceKey] {
        try await environment.store.read { tx in
            if let project {
                _ = try tx.requireProject(project)
                return try tx.instanceNames(project: project).map { InstanceKey(project: project, name: $0) }
            }
            return try tx.projects().flatMap { project in
                try tx.instanceNames(project: project.name).map { InstanceKey(project: project.name, name: $0) }
            }
        }
    }

    /// All instances of a project, or of all projects, with status, by name.
    package func list(project: String?) async throws -> [Instance] {
        let instances = try await environment.store.read { tx in
            if let project { _ = try tx.requireProject(project) }
            return try tx.loadInstances(project: project)
        }
        let statuses = await lifecycle.statuses()
        return instances.map { $0.wire(status: statuses[$0.runtimeName] ?? .stopped) }.sorted { $0.name < $1.name }
    }

    /// The same with state, snapshots and backups; the state of running ones is read from the kernel.
    package func listFull(project: String?) async throws -> [InstanceFull] {
        let (instances, snapshots, backups) = try await environment.store.read { tx in
            if let project { _ = try tx.requireProject(project) }
            return (
                try tx.loadInstances(project: project), try tx.snapshots(project: project), try tx.backups(project: project)
            )
        }
        let snapshotsByInstance = Dictionary(grouping: snapshots, by: \.instanceID)
        let backupsByInstance = Dictionary(grouping: backups, by: \.instanceID)
        let statuses = await lifecycle.statuses()
        let states = await states(instances, statuses)
        let full = instances.map { instance in
            Self.full(
                instance, statuses[instance.runtimeName] ?? .stopped, state: states[instance.row.id] ?? InstanceState(),
                snapshots: snapshotsByInstance[instance.row.id] ?? [], backups: backupsByInstance[instance.row.id] ?? [])
        }
        return full.sorted { $0.name < $1.name }
    }

    /// The states of many instances, a few at a time: each asks the kernel.
    private func states(
        _ instances: [LoadedInstance], _ statuses: [String: StatusCode]
    ) async -> [Int64: InstanceState] {
        let share = max(1, (instances.count + 7) / 8)
        return await withTaskGroup(of: [(Int64, InstanceState)].self, returning: [Int64: InstanceState].self) { group in
            for start in stride(from: 0, to: instances.count, by: share) {
                let part = instances[start..<min(start + share, instances.count)]
                group.addTask { [lifecycle] in
                    var states: [(Int64, InstanceState)] = []
                    for instance in part {
                        let status = statuses[instance.runtimeName] ?? .stopped
                        states.append((instance.row.id, await lifecycle.state(instance, status)))
                    }
                    return states
                }
            }
            return await group.reduce(into: [:]) { all, part in for (id, state) in part { all[id] = state } }
        }
    }

    package func getFull(_ key: InstanceKey) async throws -> (loaded: LoadedInstance, wire: InstanceFull) {
        let (instance, snapshots, backups) = try await environment.store.read { tx in
            let instance = try tx.loadInstance(key)
            return (
                instance, try tx.snapshots(instanceID: instance.row.id), try tx.backups(instanceID: instance.row.id)
            )
        }
        let status = await lifecycle.status(key)
        let full = Self.full(
            instance, status, state: await lifecycle.state(instance, status), snapshots: snapshots, backups: backups)
        return (instance, full)
    }

    /// What the kernel says about an instance now.
    package func state(_ key: InstanceKey) async throws -> InstanceState {
        let instance = try await environment.load(key)
        return await lifecycle.state(instance, await lifecycle.status(key))
    }

    private static func full(
        _ instance: LoadedInstance, _ status: StatusCode, state: InstanceState, snapshots: [SnapshotRow],
        backups: [BackupRow]
    ) -> InstanceFull {
        let base = instance.wire(status: status)
        return .with {
            $0.architecture = base.architecture
            $0.config = base.config
            $0.devices = base.devices
            $0.ephemeral = base.ephemeral
            $0.profiles = base.profiles
            $0.stateful = base.stateful
            $0.description = base.description
            $0.createdAt = base.createdAt
            $0.expandedConfig = base.expandedConfig
            $0.expandedDevices = base.expandedDevices
            $0.name = base.name
            $0.status = base.status
            $0.statusCode = base.statusCode
            $0.lastUsedAt = base.lastUsedAt
            $0.location = base.location
            $0.type = base.type
            $0.project = base.project
            $0.state = state
            $0.snapshots = snapshots.map { instance.wire($0) }
            $0.backups = backups.map(\.wire)
        }
    }
}
