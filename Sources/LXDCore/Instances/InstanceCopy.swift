package import LXDAPI
import LXDDatabase
import LXDStorage

extension InstanceService {
    /// Makes a new instance from another one or from a snapshot of one, on the same server; or brings an existing copy
    /// up to date.
    func copy(
        _ plan: CreatePlan, _ source: CreatePlan.CopySource, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink
    ) async throws {
        if source.isRefresh, try await exists(plan.key) { return try await refresh(plan.key, from: source, progress) }
        var row = plan.row
        row.config[VolatileKeys.applyTemplate] = "copy"
        try await makeCopy(of: source, as: row, .copy, progress: progress)
        environment.announce(
            .instanceCreated, plan.key, by: requestor,
            context: [
                "type": .string("container"),
                "storage-pool": .string(try await environment.load(plan.key).rootPool()),
            ])
    }

    /// Moves an instance to another pool, another project or another name within this server.
    ///
    /// The new one is complete before the old one goes. The kept state of its processes goes along; one that runs stands still
    /// meanwhile, and goes on where it was when it cannot be moved.
    ///
    /// - Parameter isLive: Whether one that runs may be moved.
    package func move(
        _ key: InstanceKey, to target: InstanceKey, pool: String?, instanceOnly: Bool, isLive: Bool = false,
        by requestor: EventLifecycleRequestor?, progress: ProgressSink = .none
    ) async throws {
        guard await lifecycle.isRunning(key) else {
            return try await moveStopped(key, to: target, pool: pool, instanceOnly: instanceOnly, by: requestor, progress)
        }
        guard isLive else {
            throw LXDError.badRequest(
                "Instance must be stopped to move between \(pool == nil ? "projects" : "pools") statelessly")
        }
        try await lifecycle.stopStatefully(key, by: requestor)
        do {
            try await moveStopped(key, to: target, pool: pool, instanceOnly: instanceOnly, by: requestor, progress)
        } catch {
            // Cancelled or not, it runs on if it is still there.
            try await Task { [lifecycle] in try await lifecycle.start(key, isStateful: true, by: requestor) }.value
            throw error
        }
        try await Task { [lifecycle] in try await lifecycle.start(target, isStateful: true, by: requestor) }.value
    }

    private func moveStopped(
        _ key: InstanceKey, to target: InstanceKey, pool: String?, instanceOnly: Bool,
        by requestor: EventLifecycleRequestor?, _ progress: ProgressSink
    ) async throws {
        let instance = try await environment.load(key)
        var row = instance.row
        row.stateful = false
        let root = try requireRootDisk(instance.expandedDevices)
        row.devices[root.name] = root.config.merging(pool.map { ["pool": $0] } ?? [:]) { $1 }
        row.project = target.project
        row.name = target == key ? "lxd-move-of-\(VolatileKeys.newID())" : target.name
        let temporary = InstanceKey(project: row.project, name: row.name)
        let source = CreatePlan.CopySource(
            instance: instance, snapshot: nil, instanceOnly: instanceOnly, isRefresh: false)
        try await makeCopy(of: source, as: row, .move(key), progress: progress)
        if instance.row.stateful {
            let copy = try await environment.load(temporary)
            do {
                try await lifecycle.keepState(of: copy, from: try await lifecycle.imageDirectory(instance))
            } catch {
                try await environment.removeEverything(of: copy)
                throw error
            }
        }
        // From here on the move is done, whoever changes their mind.
        try await Task { [self] in
            try await delete(key, force: true, by: nil)
            if temporary != target { try await rename(temporary, to: target.name, isMove: true, by: nil) }
        }.value
        environment.announce(.instanceRenamed, target, by: requestor, context: ["old_name": .string(key.name)])
    }

    private func exists(_ key: InstanceKey) async throws -> Bool {
        try await environment.store.read { try $0.instance(project: key.project, name: key.name) != nil }
    }

    // MARK: New

    private func makeCopy(
        of source: CreatePlan.CopySource, as row: InstanceRow, _ way: ConfigGate.Way, progress: ProgressSink
    ) async throws {
        let target = InstanceKey(project: row.project, name: row.name)
        try await holding(source.instance.key, target, .create) {
            let instance = try await insert(row, baseImage: row.config[VolatileKeys.baseImage] ?? "", way)
            let snapshots: [SnapshotRow]
            do {
                snapshots = try await insertSnapshots(of: source, into: instance, only: nil)
            } catch {
                try await environment.removeEverything(of: instance)
                throw error
            }
            try await fill(instance, progress: progress) { [self] pool, volume in
                try await fillCopy(of: source, snapshots.map(\.name), in: pool, volume, instance, progress)
            }
        }
    }

    /// Within a pool volumes share what they can; into another one everything travels.
    private func fillCopy(
        of source: CreatePlan.CopySource, _ snapshots: [String], in pool: any PoolDriver, _ volume: Volume,
        _ instance: LoadedInstance, _ progress: ProgressSink
    ) async throws {
        let sourceKey = source.instance.key
        guard try pool.poolName == source.instance.rootPool() else {
            return try await transfer(source, snapshots, to: instance, isRefresh: false, progress)
        }
        for snapshot in snapshots {
            try Task.checkCancellation()
            try await pool.create(
                volume.withSnapshot(snapshot),
                from: .volume(try environment.volume(sourceKey, snapshot: snapshot), isRunning: false))
        }
        try await pool.create(
            volume,
            from: .volume(
                try environment.volume(sourceKey, snapshot: source.snapshot), isRunning: await isWriting(source)))
    }

    // MARK: Refresh

    private func refresh(_ target: InstanceKey, from source: CreatePlan.CopySource, _ progress: ProgressSink)
        async throws
    {
        try await holding(source.instance.key, target, .copy) {
            guard await !lifecycle.isRunning(target) else {
                throw LXDError.internalError("Failed getting exclusive access to instance: Instance is running")
            }
            let instance = try await environment.load(target)
            try await withUndo(environment.logger) { undo in
                undo.add("snapshots of \(instance.runtimeName)") { [environment] in
                    try await environment.removeUnfinishedSnapshots(of: instance)
                }
                let missing =
                    try await source.instanceOnly ? [] : removeObsoleteSnapshots(of: instance, source.instance)
                let snapshots = try await insertSnapshots(of: source, into: instance, only: missing)
                try await transfer(source, snapshots.map(\.name), to: instance, isRefresh: true, progress)
                try await environment.store.write { tx in
                    for snapshot in snapshots { try tx.setSnapshotPhase(id: snapshot.id, .ready) }
                }
            }
            try await environment.writeBackupFile(target)
        }
    }

    /// Removes the snapshots that the source does not have, or not so.
    ///
    /// - Returns: The names of those that are missing then.
    private func removeObsoleteSnapshots(of target: LoadedInstance, _ source: LoadedInstance) async throws -> Set<
        String
    > {
        let (wanted, present) = try await environment.store.read { tx in
            (
                try tx.snapshots(instanceID: source.row.id).filter { $0.phase == .ready },
                try tx.snapshots(instanceID: target.row.id)
            )
        }
        let changes = SnapshotChanges(
            source: wanted.map { ($0.name, $0.createdAt.seconds) },
            target: present.map { ($0.name, $0.createdAt.seconds) })
        for snapshot in present where changes.obsolete.contains(snapshot.name) {
            try await environment.removeSnapshot(snapshot, of: target)
        }
        return changes.missing
    }

    // MARK: What both share

    /// Runs `body` while nobody else changes either instance.
    private func holding(
        _ source: InstanceKey, _ target: InstanceKey, _ action: InstanceAction, _ body: () async throws -> Void
    ) async throws {
        guard source != target else { throw LXDError.badRequest("The source and the target are the same instance") }
        // The order of their names keeps two opposite copies from waiting for each other.
        let keys = [source, target].sorted { $0.runtimeName < $1.runtimeName }
        try await environment.locks.with(keys[0], keys[0] == target ? action : .copy) {
            try await environment.locks.with(keys[1], keys[1] == target ? action : .copy) { try await body() }
        }
    }

    private func isWriting(_ source: CreatePlan.CopySource) async -> Bool {
        guard source.snapshot == nil else { return false }
        return await lifecycle.isRunning(source.instance.key)
    }

    private func transfer(
        _ source: CreatePlan.CopySource, _ snapshots: [String], to instance: LoadedInstance, isRefresh: Bool,
        _ progress: ProgressSink
    ) async throws {
        let from = try await environment.pools.driver(source.instance.rootPool())
        let to = try await environment.pools.driver(instance.rootPool())
        let method = try LocalTransfer.method(from: from, to: to, isRefresh: isRefresh)
        try await LocalTransfer.run(
            from: from,
            OutgoingTransfer(
                volume: try environment.volume(source.instance.key, snapshot: source.snapshot), snapshots: snapshots,
                method: method, isRunning: await isWriting(source), isRefresh: isRefresh,
                isAllowInconsistent: source.isAllowInconsistent),
            to: to,
            IncomingTransfer(
                volume: try environment.volume(instance.key), snapshots: snapshots, method: method,
                isRefresh: isRefresh,
                images: environment.imagesVisible(in: instance.project)),
            TransferReport(progress))
    }

    /// Writes the rows of the copied snapshots, oldest first, and what is known of the source's volumes.
    ///
    /// - Parameter only: For an existing target: the names of those to be added; they are unfinished.
    private func insertSnapshots(
        of source: CreatePlan.CopySource, into target: LoadedInstance, only names: Set<String>?
    ) async throws -> [SnapshotRow] {
        try await environment.store.write { tx in
            let pool = try target.rootPool()
            let original = try tx.storageVolume(
                pool: source.instance.rootPool(), project: source.instance.project, kind: .container,
                name: source.instance.name)
            let configs = try original.map { try tx.storageVolumeSnapshots(volumeID: $0.id) } ?? []
            func volumeConfig(_ snapshot: String?) -> [String: String] {
                guard let snapshot else { return original?.config ?? [:] }
                return configs.first { $0.name == snapshot }?.config ?? [:]
            }
            let volume = try tx.storageVolume(pool: pool, project: target.project, kind: .container, name: target.name)
            if var volume, names == nil {
                volume.config = Self.knownVolumeKeys(volumeConfig(source.snapshot), of: target.name)
                try tx.updateStorageVolume(volume)
            }
            guard !source.instanceOnly else { return [] }
            let snapshots = try tx.snapshots(instanceID: source.instance.row.id).filter { snapshot in
                snapshot.phase == .ready && names?.contains(snapshot.name) ?? true
            }
            return try snapshots.map { snapshot in
                var row = snapshot
                row.instanceID = target.row.id
                if names != nil { row.phase = .creating }
                try tx.admitToProject(
                    snapshot: row.config, row.devices, of: target, isMove: source.instance.project == target.project)
                Self.setRootPool(of: &row, pool, target)
                row.id = try tx.insertSnapshot(row)
                guard let volume else { return row }
                var copy = VolumeSnapshotRow(volumeID: volume.id, name: row.name)
                copy.config = Self.knownVolumeKeys(volumeConfig(row.name), of: target.name)
                copy.createdAt = row.createdAt
                try tx.insertStorageVolumeSnapshot(copy)
                return row
            }
        }
    }

    /// Lets a snapshot's root disk be in the pool of its instance, whatever its own or the profiles' devices say.
    private static func setRootPool(of snapshot: inout SnapshotRow, _ pool: String, _ instance: LoadedInstance) {
        if let own = rootDisk(snapshot.devices) {
            snapshot.devices[own.name]?["pool"] = pool
        } else if rootDisk(Expansion.devices(instance.profiles, own: snapshot.devices))?.config["pool"] != pool {
            let name = rootDisk(instance.expandedDevices)?.name ?? "root"
            snapshot.devices[name] = ["type": "disk", "path": "/", "pool": pool]
        }
    }
}
