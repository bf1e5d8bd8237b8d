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
    let paths: DaemonPaths
    private let logger: Logger
    /// The server's `backups.compression_algorithm`.
    private let defaultCompression: @Sendable () async -> String

    package init(
        volumes: VolumeService, archive: BackupArchive, paths: DaemonPaths, logger: Logger,
        defaultCompression: @escaping @Sendable () async -> String
    ) {
        self.volumes = volumes
        self.archive = archive
        self.paths = paths
        self.logger = logger
        self.defaultCompression = defaultCompression
    }

    package func list(_ key: VolumeKey) async throws -> [StoragePoolVolumeBackup] {
        try Self.requireCustom(key)
        return try await volumes.store.read { tx in
            try tx.volumeBackups(volumeID: VolumeService.find(tx, key).id).filter { $0.phase == .ready }.map {
                Self.wire($0, key)
            }
        }
    }

    package func get(_ key: VolumeKey, _ name: String) async throws -> StoragePoolVolumeBackup {
        Self.wire(try await find(key, name), key)
    }

    /// The name of a new backup: as asked for, or the next of `backup0`, `backup1`…
    package func planName(_ key: VolumeKey, _ asked: String) async throws -> String {
        try Self.requireCustom(key)
        let name = try await volumes.store.read { tx in
            try tx.admitBackupCreation(project: key.project)
            let existing = try tx.volumeBackups(volumeID: VolumeService.find(tx, key).id).map(\.name)
            return asked.isEmpty ? try SnapshotTimes.name(pattern: "backup%d", existing: existing) : asked
        }
        return try Self.checked(name)
    }

    package func create(
        _ key: VolumeKey, name: String, _ request: StoragePoolVolumeBackupsPost, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink
    ) async throws {
        var algorithm = request.compressionAlgorithm
        if algorithm.isEmpty {
            let own = try await volumes.store.read {
                try $0.requireProject(key.project).config["backups.compression_algorithm"]
            }
            algorithm = own ?? ""
        }
        if algorithm.isEmpty { algorithm = await defaultCompression() }
        let compression = try ImageCompression(algorithm: algorithm, isBackup: true)
        try await volumes.locks.with(key, .backup) {
            let (volume, snapshots, row) = try await volumes.store.write { tx in
                try tx.admitBackupCreation(project: key.project)
                let volume = try VolumeService.find(tx, key)
                guard try tx.volumeBackup(volumeID: volume.id, name: name) == nil else {
                    throw LXDError.conflict("Backup \(goQuoted(key.name + "/" + name)) already exists")
                }
                var row = VolumeBackupRow(volumeID: volume.id, name: name, createdAt: .now())
                row.expiresAt = request.expiresAt.isZero ? nil : request.expiresAt
                row.volumeOnly = request.volumeOnly
                row.phase = .creating
                row.id = try tx.insertVolumeBackup(row)
                return (volume, request.volumeOnly ? [] : try tx.storageVolumeSnapshots(volumeID: volume.id), row)
            }
            let path = path(key, name)
            try await withUndo(logger) { undo in
                undo.add("backup \(key.name)/\(name)") { [volumes] in
                    try removeHostTree(path)
                    try await volumes.store.writeForRemoval { try $0.deleteVolumeBackup(id: row.id) }
                }
                try makeHostDirectories(folder(key), mode: 0o700)
                try await write(volume, snapshots, compression: compression, to: path, progress)
                try await volumes.store.write { try $0.setVolumeBackupPhase(id: row.id, .ready) }
            }
            announce(.storageVolumeBackupCreated, key, name, requestor, ["type": .string("custom")])
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

    package func rename(_ key: VolumeKey, _ name: String, to newName: String, by requestor: EventLifecycleRequestor?)
        async throws
    {
        let newName = try Self.checked(newName)
        let row = try await find(key, name)
        try await volumes.store.write { tx in
            guard try tx.volumeBackup(volumeID: row.volumeID, name: newName) == nil else {
                throw LXDError.conflict("Backup \(goQuoted(key.name + "/" + newName)) already exists")
            }
            try tx.renameVolumeBackup(id: row.id, to: newName)
        }
        try FileManager.default.moveItem(atPath: path(key, name), toPath: path(key, newName))
        announce(.storageVolumeBackupRenamed, key, newName, requestor, ["old_name": .string(key.name + "/" + name)])
    }

    package func delete(_ key: VolumeKey, _ name: String, by requestor: EventLifecycleRequestor?) async throws {
        let row = try await find(key, name)
        try removeHostTree(path(key, name))
        try await volumes.store.writeForRemoval { try $0.deleteVolumeBackup(id: row.id) }
        announce(.storageVolumeBackupDeleted, key, name, requestor)
    }

    /// The file of a finished backup and its length.
    package func file(_ key: VolumeKey, _ name: String, by requestor: EventLifecycleRequestor?) async throws -> (
        path: String, length: Int
    ) {
        _ = try await find(key, name)
        let path = path(key, name)
        let length = try FileStatus.of(path: path, followLinks: false).size
        announce(.storageVolumeBackupRetrieved, key, name, requestor)
        return (path, Int(length))
    }

    /// Deletes backups whose time is over, and at the daemon's start what was left unfinished.
    package func deleteExpired(unfinished: Bool = false) async {
        do {
            let (gone, owners) = try await volumes.store.read { tx in
                (
                    try tx.volumeBackupsToRemove(at: .now(), unfinished: unfinished),
                    Dictionary(try tx.storageVolumes(kind: .custom).map { ($0.id, $0) }) { first, _ in first }
                )
            }
            for row in gone {
                guard let owner = owners[row.volumeID] else { continue }
                let key = VolumeKey(pool: owner.pool, project: owner.project, kind: .custom, name: owner.name)
                try removeHostTree(path(key, row.name))
                try await volumes.store.writeForRemoval { try $0.deleteVolumeBackup(id: row.id) }
                announce(.storageVolumeBackupDeleted, key, row.name, nil)
            }
        } catch {
            logger.error("Failed deleting expired volume backups", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Parts

    private func find(_ key: VolumeKey, _ name: String) async throws -> VolumeBackupRow {
        try Self.requireCustom(key)
        return try await volumes.store.read { tx in
            guard let row = try tx.volumeBackup(volumeID: VolumeService.find(tx, key).id, name: name),
                row.phase == .ready
            else {
                throw LXDError.notFound("Storage volume backup not found")
            }
            return row
        }
    }

    private static func requireCustom(_ key: VolumeKey) throws {
        guard key.kind == .custom else {
            throw LXDError.badRequest("Invalid storage volume type \(goQuoted(key.kind.name))")
        }
    }

    private static func checked(_ name: String) throws -> String {
        guard !name.contains("/") else { throw LXDError.badRequest("Backup names may not contain slashes") }
        // It becomes the name of a file.
        return try SnapshotName(name).rawValue
    }

    private static func wire(_ row: VolumeBackupRow, _ key: VolumeKey) -> StoragePoolVolumeBackup {
        .with {
            $0.name = row.name
            $0.createdAt = row.createdAt
            $0.expiresAt = row.expiresAt ?? .zero
            $0.volumeOnly = row.volumeOnly
            $0.optimizedStorage = row.optimizedStorage
        }
    }

    private func folder(_ key: VolumeKey) -> String {
        paths.volumeBackups + "/" + key.pool + "/" + key.project + "_" + key.name
    }

    private func path(_ key: VolumeKey, _ name: String) -> String { folder(key) + "/" + name }

    private func announce(
        _ action: LifecycleAction, _ key: VolumeKey, _ name: String, _ requestor: EventLifecycleRequestor?,
        _ context: [String: JSONValue] = [:]
    ) {
        let path = ResourcePath.of(
            "storage-pools", key.pool, "volumes", key.kind.name, key.name, "backups", name, project: key.project)
        volumes.announce(action, path, project: key.project, by: requestor, context: context)
    }
}
