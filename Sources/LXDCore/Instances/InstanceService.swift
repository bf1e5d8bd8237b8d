package import LXDAPI
import LXDDatabase
import LXDStorage

/// Instances: their configuration from creation to deletion. What runs is ``InstanceLifecycle``'s.
package final class InstanceService: Sendable {
    let environment: InstanceEnvironment
    let gate: ConfigGate
    let lifecycle: InstanceLifecycle
    let directory: InstanceDirectory

    package init(environment: InstanceEnvironment, gate: ConfigGate, lifecycle: InstanceLifecycle) {
        self.environment = environment
        self.gate = gate
        self.lifecycle = lifecycle
        directory = InstanceDirectory(store: environment.store)
    }

    /// Finishes what a process that died was creating or deleting. Run once, before requests are answered.
    package func removeUnfinished(
        except kept: Set<InstanceKey> = [], leave: (LoadedInstance) async -> Void = { _ in }
    ) async {
        await environment.removeUnfinished(except: kept, leave: leave)
    }

    /// Makes the instance that was planned; all of it or nothing.
    package func create(
        _ plan: CreatePlan, by requestor: EventLifecycleRequestor?, progress: ProgressSink = .none
    ) async throws {
        if case .copy(let source) = plan.source {
            return try await copy(plan, source, by: requestor, progress: progress)
        }
        try await environment.locks.with(plan.key, .create) {
            var plan = plan
            let image = try await image(of: plan, progress: progress)
            if let image {
                plan.row.architecture = try Architectures.named(image.architecture).id
                for (key, value) in image.properties { plan.row.config["image." + key] = value }
            }
            plan.row.config[VolatileKeys.applyTemplate] = image == nil ? nil : "create"
            let instance = try await insert(plan.row, baseImage: image?.fingerprint ?? "", .create)
            try await fill(instance, progress: progress) { pool, volume in
                guard let image else { return try await pool.create(volume, from: .empty) }
                try await self.environment.images.prepare(image.fingerprint, in: pool, progress: progress)
                try await pool.create(volume, from: .image(image.fingerprint))
            }
            if let image {
                try await environment.store.write { try $0.touchImage(fingerprint: image.fingerprint, at: .now()) }
            }
            environment.announce(
                .instanceCreated, instance.key, by: requestor,
                context: ["type": .string("container"), "storage-pool": .string(try instance.rootPool())])
        }
    }

    private func image(of plan: CreatePlan, progress: ProgressSink) async throws -> ImageRow? {
        switch plan.source {
        case .image(let image): return image
        case .remoteImage(let source):
            return try await environment.images.fetch(
                source, type: .container, project: plan.row.project, progress: progress)
        case .none, .copy, .migration: return nil
        }
    }

    /// Writes the rows of a new instance and of its root volume, marked as unfinished.
    func insert(_ row: InstanceRow, baseImage: String, _ way: ConfigGate.Way) async throws -> LoadedInstance {
        var row = row
        row.phase = .creating
        let wanted = row
        do {
            return try await environment.store.write { [gate] tx in
                guard try tx.instance(project: wanted.project, name: wanted.name) == nil else {
                    throw LXDError.conflict("Instance \(goQuoted(wanted.name)) already exists")
                }
                let instance = try gate.admit(wanted, replacing: nil, way, tx)
                var row = instance.row
                VolatileKeys.fill(&row.config, baseImage: baseImage)
                row.id = try tx.insertInstance(row)
                try tx.insertStorageVolume(
                    VolumeRow(
                        pool: instance.rootPool(), project: row.project, name: row.name, kind: .container))
                return instance.with(row: row)
            }
        } catch {
            throw LXDError.from(error).wrapped("Failed creating instance record")
        }
    }

    /// Makes the volume of a new instance and marks the instance as finished; removes both when that fails.
    func fill(
        _ instance: LoadedInstance, progress: ProgressSink,
        _ make: @escaping @Sendable (any PoolDriver, Volume) async throws -> Void
    ) async throws {
        try await withUndo(environment.logger) { undo in
            undo.add("instance \(instance.runtimeName)") { [environment] in
                try await environment.removeEverything(of: instance)
            }
            let pool = try await environment.pools.driver(instance.rootPool())
            try await make(pool, environment.volume(instance.key))
            try await applyRootSize(of: instance, replacing: nil)
            try await lifecycle.devicesJoined(instance)
            try await environment.store.write { try $0.setInstancePhase(id: instance.row.id, .ready) }
        }
        try await environment.writeBackupFile(instance.key)
    }

    /// Gives a stopped instance another name. cloud-init sees a new instance.
    ///
    /// - Parameter isMove: It gets its old name back after a move: nothing has changed for what is in it.
    package func rename(
        _ key: InstanceKey, to newName: String, isMove: Bool = false, by requestor: EventLifecycleRequestor?
    ) async throws {
        let newName = try InstanceName(newName).rawValue
        let newKey = InstanceKey(project: key.project, name: newName)
        try await environment.locks.with(key, .rename) {
            let instance = try await environment.load(key)
            guard await !lifecycle.isRunning(key) else {
                throw LXDError.badRequest("Renaming of running container not allowed")
            }
            let pool = try await environment.pools.driver(instance.rootPool())
            let poolName = try instance.rootPool()
            try await checkNameIsFree(newKey)
            try await pool.rename(environment.volume(key), to: newKey.runtimeName)
            do {
                try await environment.store.write { tx in
                    guard try tx.instance(project: newKey.project, name: newName) == nil else { throw Self.nameInUse(newName) }
                    try tx.renameInstance(id: instance.row.id, to: newName)
                    if var volume = try tx.storageVolume(pool: poolName, project: key.project, kind: .container, name: key.name) {
                        volume.name = newName
                        try tx.updateStorageVolume(volume)
                    }
                    if isMove { return }
                    try tx.mergeInstanceConfig(
                        id: instance.row.id,
                        [VolatileKeys.applyTemplate: "rename", VolatileKeys.instanceID: VolatileKeys.newID()])
                }
            } catch {
                try await pool.rename(environment.volume(newKey), to: key.runtimeName)
                throw error
            }
            try await lifecycle.renamed(key, to: newKey)
            try await environment.writeBackupFile(newKey)
            environment.announce(
                .instanceRenamed, newKey, by: requestor, context: ["old_name": .string(key.name)])
        }
    }

    /// - Throws: `conflict` in LXD's words.
    package func checkNameIsFree(_ key: InstanceKey) async throws {
        guard try await environment.store.read({ try $0.instance(project: key.project, name: key.name) }) == nil else {
            throw Self.nameInUse(key.name)
        }
    }

    private static func nameInUse(_ name: String) -> LXDError { .conflict("Name \(goQuoted(name)) already in use") }

    /// Deletes a stopped instance with its snapshots and backups.
    ///
    /// - Parameter force: Even if it is protected.
    package func delete(_ key: InstanceKey, force: Bool = false, by requestor: EventLifecycleRequestor?) async throws {
        try await environment.locks.with(key, .delete) {
            let instance = try await environment.load(key)
            guard await !lifecycle.isRunning(key) else { throw LXDError.badRequest("Instance is running") }
            if !force, isTrue(instance.expandedConfig["security.protection.delete"]) {
                throw LXDError.internalError("Container is protected")
            }
            await lifecycle.devicesLeft(instance)
            for snapshot in try await environment.removeEverything(of: instance) {
                environment.announce(
                    .instanceSnapshotDeleted, SnapshotService.path(key, snapshot), project: key.project, by: requestor)
            }
            environment.announce(.instanceDeleted, key, by: requestor)
        }
    }
}
