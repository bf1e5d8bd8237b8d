import Foundation
package import LXDAPI
import LXDConfig
import LXDDatabase
package import LXDImages
import LXDLinux
import LXDStorage
package import Logging
import SystemPackage

/// Backups of custom volumes: made, kept, handed out, and made volumes of again.
package final class VolumeBackupService: Sendable {
    let volumes: VolumeService
    let archive: BackupArchive
    let uploads: BackupUploads
    private let shelf: BackupShelf<VolumeKey>

    package init(
        volumes: VolumeService, archive: BackupArchive, paths: DaemonPaths, logger: Logger,
        defaultCompression: @escaping @Sendable () async -> String
    ) {
        self.volumes = volumes
        self.archive = archive
        uploads = BackupUploads(paths, logger: logger)
        shelf = BackupShelf(
            store: volumes.store, paths: paths, announce: volumes.announce, logger: logger, defaultCompression: defaultCompression)
    }

    package func list(_ key: VolumeKey) async throws -> [StoragePoolVolumeBackup] {
        try await shelf.list(key).map(Self.wire)
    }

    package func get(_ key: VolumeKey, _ name: String) async throws -> StoragePoolVolumeBackup {
        Self.wire(try await shelf.find(key, name))
    }

    /// The name of a new backup: as asked for, or the next of `backup0`, `backup1`…
    package func planName(_ key: VolumeKey, _ asked: String) async throws -> String {
        try await shelf.planName(key, asked)
    }

    package func create(
        _ key: VolumeKey, name: String, _ request: StoragePoolVolumeBackupsPost, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink
    ) async throws {
        let isBare = request.volumeOnly
        let wanted = BackupRequest(
            name: name, expiresAt: request.expiresAt, isBare: isBare, compressionAlgorithm: request.compressionAlgorithm)
        try await volumes.locks.with(key, .backup) {
            try await shelf.create(key, wanted, by: requestor) { tx in
                let volume = try VolumeService.find(tx, key)
                return (volume, isBare ? [] : try tx.storageVolumeSnapshots(volumeID: volume.id))
            } write: { content, path, compression in
                try await write(content.0, content.1, compression: compression, to: path, progress)
            }
        }
    }

    private func write(
        _ row: VolumeRow, _ snapshots: [VolumeSnapshotRow], compression: ImageCompression, to path: String,
        _ progress: ProgressSink
    ) async throws {
        let pool = try await volumes.storage.driver(for: row.pool)
        let isRunning = try await volumes.isInUse(row)
        let config = BackupConfig.with {
            $0.volume = .with {
                $0.config = row.config
                $0.description = row.description
                $0.name = row.name
                $0.type = "custom"
                $0.location = "none"
                $0.contentType = row.contentType
                $0.project = row.project
                $0.createdAt = row.createdAt
            }
            $0.volumeSnapshots = snapshots.map { snapshot in
                .with {
                    $0.config = snapshot.config
                    $0.description = snapshot.description
                    $0.name = snapshot.name
                    $0.expiresAt = snapshot.expiresAt
                    $0.contentType = row.contentType
                    $0.createdAt = snapshot.createdAt
                }
            }
        }
        let index = try LXDYAML.encode(
            BackupIndexDocument<BackupConfig>.with {
                $0.name = row.name
                $0.backend = type(of: pool).name
                $0.pool = row.pool
                $0.snapshots = snapshots.map(\.name)
                $0.optimized = false
                $0.optimizedHeader = false
                $0.type = "custom"
                $0.config = config
            })
        let volume = try VolumeService.volume(row)
        let all = try snapshots.map { try volume.withSnapshot($0.name) } + [volume]
        try await withTrees(all[...], of: pool, isRunning: isRunning, []) { [archive] trees in
            let output = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: [.ownerReadWrite])
            let result: Result<Void, any Error>
            do {
                try await archive.writeVolume(index: index, volumes: trees, to: output, compression: compression) {
                    totals in
                    progress("create_backup_progress", ByteCount.format(Int64(clamping: totals.readBytes)))
                }
                result = .success(())
            } catch {
                result = .failure(error)
            }
            try output.close()
            try result.get()
        }
    }

    /// Holds the trees of all volumes while `body` runs.
    private func withTrees(
        _ list: ArraySlice<Volume>, of pool: any PoolDriver, isRunning: Bool,
        _ held: [(snapshot: SnapshotName?, tree: Int32)],
        _ body: @escaping @Sendable ([(snapshot: SnapshotName?, tree: Int32)]) async throws -> Void
    ) async throws {
        guard let volume = list.first else { return try await body(held) }
        let rest = Array(list.dropFirst())
        let snapshot = try volume.snapshot.map { try SnapshotName($0) }
        try await pool.withTree(volume, isRunning: isRunning && !volume.isSnapshot) { tree in
            try await self.withTrees(
                rest[...], of: pool, isRunning: isRunning, held + [(snapshot, tree.metadata)], body)
        }
    }

    package func rename(
        _ key: VolumeKey, _ name: String, to newName: String, by requestor: EventLifecycleRequestor?
    ) async throws {
        try await shelf.rename(key, name, to: newName, by: requestor)
    }

    package func delete(_ key: VolumeKey, _ name: String, by requestor: EventLifecycleRequestor?) async throws {
        try await shelf.delete(key, name, by: requestor)
    }

    /// The file of a finished backup and its length.
    package func file(
        _ key: VolumeKey, _ name: String, by requestor: EventLifecycleRequestor?
    ) async throws -> (path: String, length: Int) {
        try await shelf.file(key, name, by: requestor)
    }

    /// Deletes backups whose time is over.
    package func deleteExpired() async { await deleteExpired(unfinished: false) }

    /// Removes what a process that died left behind. At the daemon's start only.
    package func clearUp() async { await deleteExpired(unfinished: true) }

    private func deleteExpired(unfinished: Bool) async {
        await shelf.deleteExpired(unfinished: unfinished) { tx in
            Dictionary(
                try tx.storageVolumes(kind: .custom).map {
                    ($0.id, VolumeKey(pool: $0.pool, project: $0.project, kind: .custom, name: $0.name))
                }
            ) { first, _ in first }
        }
    }

    private static func wire(_ row: BackupRow) -> StoragePoolVolumeBackup {
        .with {
            $0.name = row.name
            $0.createdAt = row.createdAt
            $0.expiresAt = row.expiresAt ?? .zero
            $0.volumeOnly = row.isBare
            $0.optimizedStorage = row.optimizedStorage
        }
    }
}

extension VolumeKey: BackupSubject {
    static let owner = BackupOwner.volume
    static let title = "Storage volume backup"
    static let actions = BackupActions(
        created: .storageVolumeBackupCreated, renamed: .storageVolumeBackupRenamed, deleted: .storageVolumeBackupDeleted,
        retrieved: .storageVolumeBackupRetrieved, context: ["type": .string("custom")])

    func backupFolder(_ paths: DaemonPaths) -> String {
        paths.volumeBackups + "/" + pool + "/" + project + "_" + name
    }

    func backupResource(_ backup: String) -> String {
        ResourcePath.of("storage-pools", pool, "volumes", kind.name, name, "backups", backup, project: project)
    }

    func backupOwnerID(_ tx: Transaction) throws -> Int64 {
        guard kind == .custom else { throw LXDError.badRequest("Invalid storage volume type \(goQuoted(kind.name))") }
        return try VolumeService.find(tx, self).id
    }
}
