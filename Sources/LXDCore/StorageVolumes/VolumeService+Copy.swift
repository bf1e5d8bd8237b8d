package import LXDAPI
import LXDDatabase
import LXDStorage

/// Copies and moves of custom volumes within the server: to another name, project or pool.
extension VolumeService {
    /// Copies contents, each snapshot's first.
    ///
    /// - Parameter source: A volume, or a snapshot that becomes the volume.
    func copy(
        _ source: Volume, in pool: String, isRunning: Bool, to target: Volume, snapshots: [String],
        _ driver: any PoolDriver,
        _ progress: ProgressSink
    ) async throws {
        do {
            if pool == driver.poolName {
                for name in snapshots {
                    try await driver.create(
                        target.withSnapshot(name), from: .volume(source.parent.withSnapshot(name), isRunning: false))
                }
                try await driver.create(target, from: .volume(source, isRunning: isRunning))
            } else {
                let origin = try await storage.driver(for: pool)
                let method = try LocalTransfer.method(from: origin, to: driver, isRefresh: false)
                try await LocalTransfer.run(
                    from: origin, .init(volume: source, snapshots: snapshots, method: method, isRunning: isRunning),
                    to: driver,
                    .init(volume: target, snapshots: snapshots, method: method), TransferReport(progress))
            }
        } catch {
            // Nobody knows of them yet.
            for snapshot in try await driver.snapshots(of: target) { try await driver.delete(snapshot) }
            try await driver.delete(target)
            throw error
        }
    }

    /// Brings a copy up to date with the volume it was made from: contents, and which snapshots there are.
    package func refresh(
        pool: String, project: String, _ request: StorageVolumesPost, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink
    ) async throws {
        let key = try await key(pool: pool, project: project, kind: .custom, name: request.name)
        let source = try await sourceRow(request.source, owner: key.project, pool: pool).row
        let sourceKey = VolumeKey(pool: source.pool, project: source.project, kind: .custom, name: source.name)
        guard sourceKey != key else { throw LXDError.badRequest("A volume cannot be refreshed from itself") }
        try await withBoth(sourceKey, key, .copy) {
            let target = try await find(key)
            try await requireUnused(target)
            let (offered, present) = try await store.read { tx in
                (
                    request.source.volumeOnly ? [] : try tx.storageVolumeSnapshots(volumeID: source.id),
                    try tx.storageVolumeSnapshots(volumeID: target.id)
                )
            }
            let volume = try Self.volume(target)
            let (from, to) = (try await storage.driver(for: source.pool), try await storage.driver(for: pool))
            if !request.source.volumeOnly {
                for snapshot in present where !offered.contains(where: { $0.name == snapshot.name }) {
                    try await to.delete(volume.withSnapshot(snapshot.name))
                    try await store.writeForRemoval { try $0.deleteStorageVolumeSnapshot(id: snapshot.id) }
                }
            }
            let missing = offered.filter { snapshot in !present.contains { $0.name == snapshot.name } }
            let method = try LocalTransfer.method(from: from, to: to, isRefresh: true)
            let isRunning = try await isInUse(source)
            try await LocalTransfer.run(
                from: from,
                .init(
                    volume: try Self.volume(source), snapshots: missing.map(\.name), method: method,
                    isRunning: isRunning, isRefresh: true),
                to: to, .init(volume: volume, snapshots: missing.map(\.name), method: method, isRefresh: true),
                TransferReport(progress))
            try await store.write { tx in
                for var snapshot in missing {
                    snapshot.volumeID = target.id
                    try tx.insertStorageVolumeSnapshot(snapshot)
                }
            }
        }
        announce(.storageVolumeUpdated, key.path, project: key.project, by: requestor)
    }

    /// Moves a volume to another pool or project, or both; devices that attach it follow.
    ///
    /// - Returns: Where it is now.
    @discardableResult
    package func move(
        _ key: VolumeKey, to request: StorageVolumePost, by requestor: EventLifecycleRequestor?, progress: ProgressSink
    ) async throws -> VolumeKey {
        let name = try VolumeName(request.name).rawValue
        let pool = request.pool.isEmpty ? key.pool : request.pool
        let project =
            request.project.isEmpty
            ? key.project : try await store.read { try $0.effectiveProject(request.project, .storageVolumes) }
        let target = VolumeKey(pool: pool, project: project, kind: .custom, name: name)
        try await withBoth(key, target, .rename) {
            let row = try await find(key)
            try await requireUnused(row)
            try await requireNotOfDaemon(
                row, or: .internalError("Volume is used by LXD itself and cannot be renamed"))
            var moved = row
            (moved.pool, moved.project, moved.name) = (pool, project, name)
            let finished = moved
            try await store.read { tx in
                guard try tx.storagePool(pool) != nil else { throw LXDError.notFound("Storage pool not found") }
                guard try tx.storageVolume(pool: pool, project: project, kind: .custom, name: name) == nil else {
                    throw LXDError.conflict("Volume by that name already exists")
                }
                if project != row.project { try tx.admitToProject(finished, isNew: true) }
            }
            let (from, to) = (try Self.volume(row), try Self.volume(finished))
            let driver = try await storage.driver(for: pool)
            let origin = try await storage.driver(for: key.pool)
            let snapshots = try await store.read { try $0.storageVolumeSnapshots(volumeID: row.id) }.map(\.name)
            if pool == key.pool {
                try await driver.rename(from, to: to.name)
            } else {
                try await copy(from, in: key.pool, isRunning: false, to: to, snapshots: snapshots, driver, progress)
            }
            do {
                try await store.write { tx in
                    try Self.renameInDevices(tx, key, name, pool: pool)
                    try tx.updateStorageVolume(finished)
                }
            } catch {
                if pool == key.pool {
                    try await driver.rename(to, to: from.name)
                } else {
                    for name in snapshots { try await driver.delete(to.withSnapshot(name)) }
                    try await driver.delete(to)
                }
                throw error
            }
            if pool != key.pool {
                for name in snapshots { try await origin.delete(from.withSnapshot(name)) }
                try await origin.delete(from)
            }
        }
        announce(.storageVolumeDeleted, key.path, project: key.project, by: requestor)
        announce(
            .storageVolumeCreated, target.path, project: target.project, by: requestor,
            context: ["type": .string("custom")])
        return target
    }

    /// Whether a running instance attaches the volume.
    func isInUse(_ row: VolumeRow) async throws -> Bool {
        for user in try await store.read({ try Self.instances(using: row, $0) }) where await isRunning(user) {
            return true
        }
        return false
    }

    /// Holds two volumes; the order of their names keeps two opposite copies from waiting for each other.
    private func withBoth<Result: Sendable>(
        _ one: VolumeKey, _ other: VolumeKey, _ action: InstanceAction, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        let keys = [one, other].sorted { ($0.pool, $0.project, $0.name) < ($1.pool, $1.project, $1.name) }
        return try await locks.with(keys[0], action) { try await locks.with(keys[1], action, body) }
    }
}
