package import LXDAPI
import LXDConfig
import LXDDatabase
import LXDStorage

extension VolumeService {
    package func snapshots(_ key: VolumeKey) async throws -> [StorageVolumeSnapshot] {
        try await store.read { tx in
            let row = try Self.find(tx, key)
            return try Self.snapshots(of: row, tx).map { Self.wire($0, of: row) }
        }
    }

    package func snapshot(_ key: VolumeKey, _ name: String) async throws -> StorageVolumeSnapshot {
        try await store.read { tx in
            let row = try Self.find(tx, key)
            let found = try Self.findSnapshot(tx, row, name)
            var snapshot = Self.wire(found, of: row)
            // Alone it has its own name and always a time, in lists the volume's name before it.
            snapshot.name = name
            snapshot.expiresAt = found.expiresAt
            return snapshot
        }
    }

    /// - Parameter pattern: What the snapshot is called when no name was asked for.
    /// - Returns: The name.
    package func createSnapshot(
        _ key: VolumeKey, _ request: StorageVolumeSnapshotsPost, pattern: String = "snap%d", by requestor: EventLifecycleRequestor?
    ) async throws -> String {
        try Self.requireCustom(key)
        return try await locks.with(key, .snapshot) {
            let row = try await find(key)
            try await requireNotOfDaemon(row, or: .badRequest("Volumes used by LXD itself cannot have snapshots"))
            let existing = try await store.read { tx in
                try tx.admitSnapshotCreation(project: key.project)
                return try tx.storageVolumeSnapshots(volumeID: row.id).map(\.name)
            }
            let wanted =
                request.name.isEmpty
                ? try SnapshotNames.name(pattern: SnapshotPattern.render(pattern, at: .now()), existing: existing) : request.name
            let name = try SnapshotName(wanted).rawValue
            guard !existing.contains(name) else { throw LXDError.conflict("Snapshot \"\(name)\" already in use") }
            let users = try await store.read { try Self.instances(using: row, $0) }
            var isRunning = false
            for user in users where await self.isRunning(user) { isRunning = true }
            let driver = try await storage.driver(for: key.pool)
            try await driver.snapshot(Self.volume(row), as: name, isRunning: isRunning)
            var draft = VolumeSnapshotRow(volumeID: row.id, name: name)
            draft.description = row.description
            draft.config = row.config
            draft.createdAt = .now()
            draft.expiresAt =
                try request.expiresAt ?? Expiry.date(row.config["snapshots.expiry"] ?? "", after: draft.createdAt)
            let snapshot = draft
            do {
                try await store.write { _ = try $0.insertStorageVolumeSnapshot(snapshot) }
            } catch {
                try await driver.delete(Self.volume(row).withSnapshot(name))
                throw error
            }
            announce(
                .storageVolumeSnapshotCreated, Self.snapshotPath(key, name), project: key.project, by: requestor,
                context: ["type": "custom"])
            return name
        }
    }

    package func renameSnapshot(
        _ key: VolumeKey, _ name: String, to newName: String, by requestor: EventLifecycleRequestor?
    ) async throws {
        try Self.requireCustom(key)
        let newName = try SnapshotName(newName).rawValue
        try await locks.with(key, .rename) {
            let row = try await find(key)
            var snapshot = try await store.read { tx in
                guard try tx.storageVolumeSnapshot(volumeID: row.id, name: newName) == nil else {
                    throw LXDError.conflict("Snapshot \"\(newName)\" already in use")
                }
                return try Self.findSnapshot(tx, row, name)
            }
            let driver = try await storage.driver(for: key.pool)
            try await driver.renameSnapshot(Self.volume(row).withSnapshot(name), to: newName)
            snapshot.name = newName
            let renamed = snapshot
            do {
                try await store.write { try $0.updateStorageVolumeSnapshot(renamed) }
            } catch {
                try await driver.renameSnapshot(Self.volume(row).withSnapshot(newName), to: name)
                throw error
            }
        }
        announce(
            .storageVolumeSnapshotRenamed, Self.snapshotPath(key, newName), project: key.project, by: requestor,
            context: ["old_name": .string(name)])
    }

    package func updateSnapshot(
        _ key: VolumeKey, _ name: String, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (StorageVolumeSnapshot) throws -> Void,
        _ change: @escaping @Sendable (StorageVolumeSnapshot) throws -> StorageVolumeSnapshotPut
    ) async throws {
        try await store.write { tx in
            let row = try Self.find(tx, key)
            var snapshot = try Self.findSnapshot(tx, row, name)
            let current = Self.wire(snapshot, of: row)
            try precondition(current)
            let put = try change(current)
            snapshot.description = put.description
            // When an instance's snapshot goes is said by the instance's snapshot.
            if key.kind == .custom { snapshot.expiresAt = put.expiresAt ?? LXDTime() }
            if snapshot.id == 0 {
                try tx.insertStorageVolumeSnapshot(snapshot)
            } else {
                try tx.updateStorageVolumeSnapshot(snapshot)
            }
        }
        announce(
            .storageVolumeSnapshotUpdated, Self.snapshotPath(key, name), project: key.project, by: requestor)
    }

    package func deleteSnapshot(_ key: VolumeKey, _ name: String, by requestor: EventLifecycleRequestor?) async throws {
        try Self.requireCustom(key)
        try await locks.with(key, .delete) {
            let row = try await find(key)
            let snapshot = try await store.read { try Self.findSnapshot($0, row, name) }
            try await storage.driver(for: key.pool).delete(Self.volume(row).withSnapshot(name))
            try await store.writeForRemoval { try $0.deleteStorageVolumeSnapshot(id: snapshot.id) }
        }
        announce(
            .storageVolumeSnapshotDeleted, Self.snapshotPath(key, name), project: key.project, by: requestor)
    }

    func restore(_ key: VolumeKey, from name: String) async throws {
        try Self.requireCustom(key)
        try await locks.with(key, .restore) {
            let row = try await find(key)
            try await requireUnused(row)
            _ = try await store.read { try Self.findSnapshot($0, row, name) }
            try await storage.driver(for: key.pool).restore(Self.volume(row), from: name)
        }
    }

    /// The snapshots of any volume; an instance's are those of its own table.
    static func snapshots(of row: VolumeRow, _ tx: Transaction) throws -> [VolumeSnapshotRow] {
        switch row.kind {
        case .custom:
            return try tx.storageVolumeSnapshots(volumeID: row.id)
        case .image:
            return []
        case .container, .virtualMachine:
            guard let instance = try tx.instance(project: row.project, name: row.name) else { return [] }
            let own = try tx.storageVolumeSnapshots(volumeID: row.id)
            return try tx.snapshots(instanceID: instance.id).map { snapshot in
                var volume = own.first { $0.name == snapshot.name } ?? VolumeSnapshotRow(volumeID: row.id, name: snapshot.name)
                volume.createdAt = snapshot.createdAt
                volume.expiresAt = snapshot.expiresAt ?? LXDTime()
                return volume
            }
        }
    }

    private static func findSnapshot(_ tx: Transaction, _ row: VolumeRow, _ name: String) throws -> VolumeSnapshotRow {
        guard let snapshot = try snapshots(of: row, tx).first(where: { $0.name == name }) else {
            throw LXDError.notFound("Storage volume snapshot not found")
        }
        return snapshot
    }

    private static func requireCustom(_ key: VolumeKey) throws {
        guard key.kind == .custom else {
            throw LXDError.badRequest("Invalid storage volume type \"\(key.kind.name)\"")
        }
    }

    private static func snapshotPath(_ key: VolumeKey, _ name: String) -> String {
        ResourcePath.of(
            "storage-pools", key.pool, "volumes", key.kind.name, key.name, "snapshots", name, project: key.project)
    }

    private static func wire(_ snapshot: VolumeSnapshotRow, of row: VolumeRow) -> StorageVolumeSnapshot {
        .with {
            $0.name = row.name + "/" + snapshot.name
            $0.description = snapshot.description
            $0.config = snapshot.config
            $0.contentType = row.contentType
            $0.createdAt = snapshot.createdAt
            $0.expiresAt = snapshot.expiresAt.isZero ? nil : snapshot.expiresAt
        }
    }
}
