package import LXDAPI
import LXDDatabase
import LXDStorage

extension InstanceService {
    /// Makes a new instance from another one or from a snapshot of one, on the same server.
    func copy(
        _ plan: CreatePlan, _ source: CreatePlan.CopySource, by requestor: EventLifecycleRequestor?, progress: ProgressSink
    ) async throws {
        if source.isRefresh, try await exists(plan.key) {
            throw LXDError.notImplemented("Refreshing an existing instance isn't supported by this server yet")
        }
        var row = plan.row
        row.config[VolatileKeys.applyTemplate] = "copy"
        try await makeCopy(of: source, as: row, progress: progress)
        environment.announce(
            .instanceCreated, plan.key, by: requestor,
            context: [
                "type": .string("container"),
                "storage-pool": .string(try await environment.load(plan.key).rootPool()),
            ])
    }

    /// Moves a stopped instance to another pool, another project or another name within this server.
    ///
    /// The new one is complete before the old one goes.
    package func move(
        _ key: InstanceKey, to target: InstanceKey, pool: String?, instanceOnly: Bool, by requestor: EventLifecycleRequestor?
    ) async throws {
        let instance = try await environment.load(key)
        guard await !lifecycle.isRunning(key) else {
            throw LXDError.badRequest(
                "Instance must be stopped to move between \(pool == nil ? "projects" : "pools") statelessly")
        }
        var row = instance.row
        let root = try requireRootDisk(instance.expandedDevices)
        row.devices[root.name] = root.config.merging(pool.map { ["pool": $0] } ?? [:]) { $1 }
        row.project = target.project
        row.name = target == key ? "lxd-move-of-\(VolatileKeys.newID())" : target.name
        let temporary = InstanceKey(project: row.project, name: row.name)
        let source = CreatePlan.CopySource(instance: instance, snapshot: nil, instanceOnly: instanceOnly, isRefresh: false)
        try await makeCopy(of: source, as: row, progress: .none)
        try await delete(key, force: true, by: nil)
        if temporary != target { try await rename(temporary, to: target.name, by: nil) }
        environment.announce(.instanceRenamed, target, by: requestor, context: ["old_name": .string(key.name)])
    }

    private func exists(_ key: InstanceKey) async throws -> Bool {
        try await environment.store.read { try $0.instance(project: key.project, name: key.name) != nil }
    }

    private func makeCopy(of source: CreatePlan.CopySource, as row: InstanceRow, progress: ProgressSink) async throws {
        let target = InstanceKey(project: row.project, name: row.name)
        let sourceKey = source.instance.key
        // Both are held; the order of their names keeps two opposite copies from waiting for each other.
        let keys = [sourceKey, target].sorted { $0.runtimeName < $1.runtimeName }
        try await environment.locks.with(keys[0], keys[0] == target ? .create : .copy) {
            try await environment.locks.with(keys[1], keys[1] == target ? .create : .copy) {
                let sourcePool = try source.instance.rootPool()
                let isRunning = await lifecycle.isRunning(sourceKey)
                let instance = try await insert(row, baseImage: row.config[VolatileKeys.baseImage] ?? "", .copy)
                let snapshots = source.instanceOnly ? [] : try await insertSnapshots(of: source.instance, into: instance)
                try await fill(instance, progress: progress) { [environment] pool, volume in
                    guard pool.poolName == sourcePool else {
                        throw LXDError.notImplemented("Copying between storage pools isn't supported by this server yet")
                    }
                    for snapshot in snapshots {
                        try await pool.create(
                            volume.withSnapshot(snapshot.name),
                            from: .volume(try environment.volume(sourceKey, snapshot: snapshot.name), isRunning: false))
                    }
                    try await pool.create(
                        volume,
                        from: .volume(
                            try environment.volume(sourceKey, snapshot: source.snapshot),
                            isRunning: isRunning && source.snapshot == nil))
                }
            }
        }
    }

    /// Writes the rows of the copied snapshots, oldest first.
    private func insertSnapshots(of source: LoadedInstance, into target: LoadedInstance) async throws -> [SnapshotRow] {
        try await environment.store.write { tx in
            let pool = try target.rootPool()
            let volume = try tx.storageVolume(pool: pool, project: target.project, kind: .container, name: target.name)
            return try tx.snapshots(instanceID: source.row.id).filter { $0.phase == .ready }.map { original in
                var row = original
                row.instanceID = target.row.id
                if let root = rootDisk(row.devices), root.config["pool"] != pool {
                    row.devices[root.name]?["pool"] = pool
                }
                row.id = try tx.insertSnapshot(row)
                if let volume {
                    try tx.insertStorageVolumeSnapshot(VolumeSnapshotRow(volumeID: volume.id, name: row.name))
                }
                return row
            }
        }
    }
}
