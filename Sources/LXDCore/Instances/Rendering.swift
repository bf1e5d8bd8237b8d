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
            $0.instanceOnly = isBare
            $0.containerOnly = isBare
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
        let instances = try await directory.instances(project: project)
        let statuses = await lifecycle.statuses()
        return instances.map { $0.wire(status: statuses[$0.runtimeName] ?? .stopped) }
    }

    /// The same with state, snapshots and backups; the state of running ones is read from the kernel.
    package func listFull(project: String?) async throws -> [InstanceFull] {
        let instances = try await directory.instances(project: project)
        let (snapshots, backups) = try await environment.store.read { tx in
            (try tx.snapshots(project: project), try tx.instanceBackups(project: project))
        }
        let snapshotsByInstance = Dictionary(grouping: snapshots, by: \.instanceID)
        let backupsByInstance = Dictionary(grouping: backups, by: \.ownerID)
        let statuses = await lifecycle.statuses()
        let states = await lifecycle.states(instances, statuses)
        return zip(instances, states).map { instance, state in
            Self.full(
                instance, statuses[instance.runtimeName] ?? .stopped, state: state,
                snapshots: snapshotsByInstance[instance.row.id] ?? [], backups: backupsByInstance[instance.row.id] ?? [])
        }
    }

    package func getFull(_ key: InstanceKey) async throws -> (loaded: LoadedInstance, wire: InstanceFull) {
        let (instance, snapshots, backups) = try await environment.store.read { tx in
            let instance = try tx.loadInstance(key)
            return (
                instance, try tx.snapshots(instanceID: instance.row.id), try tx.backups(of: .instance, instance.row.id)
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
