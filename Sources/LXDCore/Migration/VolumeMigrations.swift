package import LXDAPI
import LXDConfig
import LXDDatabase
import LXDStorage
package import Logging
import Synchronization

/// Copies and moves of custom volumes between servers.
package final class VolumeMigrations: Sendable {
    private let volumes: VolumeService
    private let operations: Operations
    private let dialer: any OperationDialer
    private let logger: Logger

    package init(volumes: VolumeService, operations: Operations, dialer: any OperationDialer, logger: Logger) {
        self.volumes = volumes
        self.operations = operations
        self.dialer = dialer
        self.logger = logger
    }

    // MARK: Source

    /// Starts sending a custom volume to another server.
    package func startSending(
        _ key: VolumeKey, _ request: StorageVolumePost, project: String, by requestor: EventLifecycleRequestor?
    ) async throws -> Operation {
        guard key.kind == .custom else { throw LXDError.badRequest("Only custom storage volumes can be migrated") }
        _ = try await volumes.find(key)
        let resources = ["storage_volumes": ["\(key.pool)/volumes/custom/\(key.name)"]]
        let volumeOnly = request.volumeOnly
        guard let target = request.target else {
            return try operations.startWebsocket(
                .volumeMigrate, project: project, resources: resources, sockets: MigrationConnection.socketNames,
                isCancellable: true, requestor: requestor, metadata: { $0.mapValues { .string($0) } }
            ) { [self] handle in
                try await send(key, volumeOnly: volumeOnly, over: MigrationConnection(of: handle), handle)
            }
        }
        let remote = try RemoteOperation(url: target.operation, certificatePEM: target.certificate)
        let connection = try await MigrationConnection(to: remote, secrets: target.secrets, through: dialer)
        do {
            return try operations.start(
                .volumeMigrate, project: project, resources: resources, isCancellable: true, requestor: requestor
            ) { [self] handle in
                try await send(key, volumeOnly: volumeOnly, over: connection, handle)
            }
        } catch {
            await connection.close(after: error)
            throw error
        }
    }

    private func send(
        _ key: VolumeKey, volumeOnly: Bool, over connection: MigrationConnection, _ handle: OperationHandle
    ) async throws {
        do {
            try await volumes.locks.with(key, .copy) {
                let report = TransferReport(ProgressSink { handle.progress($0, $1) })
                try await offer(of: key, volumeOnly: volumeOnly).send(over: connection, report)
            }
        } catch {
            await connection.close(after: error)
            throw error
        }
        await connection.close()
    }

    private func offer(of key: VolumeKey, volumeOnly: Bool) async throws -> MigrationOffer {
        let (row, snapshots, users, pool) = try await volumes.store.read { tx in
            let row = try VolumeService.find(tx, key)
            return (
                row, volumeOnly ? [] : try tx.storageVolumeSnapshots(volumeID: row.id),
                try VolumeService.instances(using: row, tx), try tx.storagePool(key.pool)
            )
        }
        var isRunning = false
        for user in users where await volumes.isRunning(user) { isRunning = true }
        var header = MigrationHeader()
        header.snapshotNames = snapshots.map(\.name)
        header.snapshots = snapshots.map { snapshot in
            var described = MigrationSnapshot()
            described.name = snapshot.name
            described.config = snapshot.config
            (described.createdAt, described.lastUsedAt, described.expiresAt) = (0, 0, 0)
            return described
        }
        var index = MigrationIndex()
        index.config = .with {
            $0.volume = .with {
                $0.name = row.name
                $0.type = row.kind.name
                $0.contentType = row.contentType
                $0.description = row.description
                $0.config = row.config
                $0.project = row.project
                $0.createdAt = row.createdAt
            }
            $0.volumeSnapshots = snapshots.map { snapshot in
                .with {
                    $0.name = snapshot.name
                    $0.contentType = row.contentType
                    $0.description = snapshot.description
                    $0.config = snapshot.config
                    $0.createdAt = snapshot.createdAt
                    $0.expiresAt = snapshot.expiresAt
                }
            }
        }
        return MigrationOffer(
            header: header, index: index, pool: try await volumes.storage.driver(for: key.pool),
            poolConfig: pool?.config ?? [:],
            volume: try VolumeService.volume(row), isRunning: isRunning)
    }

    // MARK: Target

    /// Starts receiving a custom volume from another server.
    package func startReceiving(
        pool: String, project: String, _ request: StorageVolumesPost, by requestor: EventLifecycleRequestor?
    ) async throws -> Operation {
        let draft = try await volumes.plan(pool: pool, project: project, request)
        let key = VolumeKey(pool: pool, project: draft.project, kind: .custom, name: draft.name)
        let source = request.source
        var present: VolumeRow?
        do { present = try await volumes.find(key) } catch let error as LXDError where error.code == .notFound {}
        guard present == nil || source.refresh else { throw LXDError.conflict("Volume by that name already exists") }
        if let present { try await volumes.requireUnused(present) }
        let row = present ?? draft
        let resources = ["storage_volumes": ["\(pool)/volumes/custom/\(key.name)"]]
        switch source.mode {
        case "push":
            return try operations.startWebsocket(
                .volumeCreate, project: project, resources: resources, sockets: MigrationConnection.socketNames,
                isCancellable: true, requestor: requestor, metadata: { $0.mapValues { .string($0) } }
            ) { [self] handle in
                try await receive(key, row, handle) { try await MigrationConnection(of: handle) }
            }
        case "pull":
            let remote = try RemoteOperation(url: source.operation, certificatePEM: source.certificate)
            return try operations.start(
                .volumeCopy, project: project, resources: resources, isCancellable: true, requestor: requestor
            ) { [self] handle in
                try await receive(key, row, handle) { [dialer] in
                    try await MigrationConnection(to: remote, secrets: source.secrets, through: dialer)
                }
            }
        default: throw LXDError.notImplemented("Mode '\(source.mode)' not implemented")
        }
    }

    /// - Parameter row: The volume that is there, or a new one without an id.
    private func receive(
        _ key: VolumeKey, _ row: VolumeRow, _ handle: OperationHandle,
        connect: @escaping @Sendable () async throws -> MigrationConnection
    ) async throws {
        let isRefresh = row.id != 0
        do {
            try await volumes.locks.with(key, isRefresh ? .copy : .create) {
                let connection = try await connect()
                do {
                    try await take(key, row, isRefresh: isRefresh, connection, handle)
                } catch {
                    await connection.close(after: error)
                    throw error
                }
                await connection.close()
            }
        } catch let error as LXDError {
            throw error.wrapped("Error transferring storage volume")
        }
        if !isRefresh {
            volumes.announce(
                .storageVolumeCreated, key.path, project: key.project, by: handle.requestor,
                context: ["type": .string("custom")])
        }
    }

    private func take(
        _ key: VolumeKey, _ row: VolumeRow, isRefresh: Bool, _ connection: MigrationConnection,
        _ handle: OperationHandle
    ) async throws {
        let driver = try await volumes.storage.driver(for: key.pool)
        let poolConfig = try await volumes.store.read { try $0.storagePool(key.pool)?.config ?? [:] }
        let volume = try VolumeService.volume(row)
        let arriving = Mutex<[VolumeSnapshotRow]>([])
        let hasArrived = Mutex(false)
        let intake = MigrationIntake(
            pool: driver, poolConfig: poolConfig, volume: volume, isRefresh: isRefresh, hasImage: { _ in false },
            choose: { [volumes] offered in
                guard isRefresh else { return offered }
                let present = try await volumes.store.read { try $0.storageVolumeSnapshots(volumeID: row.id) }
                // Snapshots of volumes are told apart by their names only, as in LXD.
                let changes = SnapshotChanges(
                    source: offered.map { ($0.name, 0) }, target: present.map { ($0.name, 0) })
                for snapshot in present where changes.obsolete.contains(snapshot.name) {
                    try await driver.delete(volume.withSnapshot(snapshot.name))
                    try await volumes.store.writeForRemoval { try $0.deleteStorageVolumeSnapshot(id: snapshot.id) }
                }
                return offered.filter { changes.missing.contains($0.name) }
            },
            prepare: { snapshots, index in
                arriving.withLock { rows in
                    rows = snapshots.map { Self.row($0, index.volumeSnapshot($0.name), of: row) }
                }
            },
            commit: { [volumes] in
                hasArrived.withLock { $0 = true }
                try await volumes.insert(isRefresh ? nil : row, snapshots: arriving.withLock { $0 }, id: row.id)
            })
        try await withUndo(logger) { undo in
            undo.add("volume \(volume)") { [volumes] in
                // Until then the pool has nothing of it.
                guard hasArrived.withLock({ $0 }) else { return }
                try await volumes.takeBack(
                    key, arriving.withLock { $0.map(\.name) }, isRefresh: isRefresh, driver, volume)
            }
            try await intake.receive(over: connection, TransferReport(ProgressSink { handle.progress($0, $1) }))
        }
    }

    private static func row(
        _ snapshot: MigrationSnapshot, _ described: StorageVolumeSnapshot?, of volume: VolumeRow
    ) -> VolumeSnapshotRow {
        var row = VolumeSnapshotRow(volumeID: volume.id, name: snapshot.name)
        let config = described?.config ?? snapshot.config
        row.config = config.filter { (try? VolumeKeys.validate([$0.key: $0.value], volume: volume.name)) != nil }
        row.description = described?.description ?? ""
        row.createdAt = described.map(\.createdAt) ?? .now()
        if let expires = described?.expiresAt, !expires.isZero { row.expiresAt = expires }
        return row
    }
}

extension VolumeService {
    /// The row of a volume that comes from elsewhere, checked like one that is made here.
    fileprivate func plan(pool: String, project: String, _ request: StorageVolumesPost) async throws -> VolumeRow {
        let name = try VolumeName(request.name).rawValue
        guard ["", "filesystem"].contains(request.contentType) else {
            throw LXDError.badRequest(
                "Volume content type \(goQuoted(request.contentType)) is not supported by this server")
        }
        let config = request.config.filter { (try? VolumeKeys.validate([$0.key: $0.value], volume: name)) != nil }
        return try await store.read { tx in
            guard try tx.storagePool(pool) != nil else { throw LXDError.notFound("Storage pool not found") }
            var row = VolumeRow(
                pool: pool, project: try tx.effectiveProject(project, .storageVolumes), name: name, kind: .custom)
            row.description = request.description
            row.createdAt = .now()
            row.config = config
            if try tx.storageVolume(pool: pool, project: row.project, kind: .custom, name: name) == nil {
                try tx.admitToProject(row, isNew: true)
            }
            return row
        }
    }

    /// Writes the rows of what has arrived.
    fileprivate func insert(_ new: VolumeRow?, snapshots: [VolumeSnapshotRow], id: Int64) async throws {
        try await store.write { tx in
            var id = id
            if let new {
                try tx.admitToProject(new, isNew: true)
                if !snapshots.isEmpty { try tx.admitSnapshotCreation(project: new.project) }
                id = try tx.insertStorageVolume(new)
            }
            for snapshot in snapshots {
                var snapshot = snapshot
                snapshot.volumeID = id
                try tx.insertStorageVolumeSnapshot(snapshot)
            }
        }
    }

    /// Removes what had arrived when the other server could not be told so; of a refresh only the new snapshots.
    fileprivate func takeBack(
        _ key: VolumeKey, _ snapshots: [String], isRefresh: Bool, _ driver: any PoolDriver, _ volume: Volume
    ) async throws {
        for name in snapshots { try await driver.delete(volume.withSnapshot(name)) }
        if !isRefresh { try await driver.delete(volume) }
        try await store.writeForRemoval { tx in
            guard let row = try tx.storageVolume(pool: key.pool, project: key.project, kind: .custom, name: key.name)
            else {
                return
            }
            for snapshot in try tx.storageVolumeSnapshots(volumeID: row.id) where snapshots.contains(snapshot.name) {
                try tx.deleteStorageVolumeSnapshot(id: snapshot.id)
            }
            if !isRefresh { try tx.deleteStorageVolume(id: row.id) }
        }
    }
}
