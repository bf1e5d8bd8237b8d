import Foundation
package import LXDAPI
import LXDConfig
import LXDDatabase
package import LXDImages
import LXDLinux
import LXDStorage
import Logging
import SystemPackage

/// Backups of instances: made, kept, handed out.
package final class BackupService: Sendable {
    let environment: InstanceEnvironment
    let instances: InstanceService
    let lifecycle: InstanceLifecycle
    let archive: BackupArchive
    let uploads: BackupUploads
    private let shelf: BackupShelf<InstanceKey>

    package init(
        environment: InstanceEnvironment, instances: InstanceService, lifecycle: InstanceLifecycle,
        archive: BackupArchive, defaultCompression: @escaping @Sendable () async -> String
    ) {
        self.environment = environment
        self.instances = instances
        self.lifecycle = lifecycle
        self.archive = archive
        uploads = BackupUploads(environment.paths, logger: environment.logger)
        shelf = BackupShelf(
            store: environment.store, paths: environment.paths, announce: environment.announce, logger: environment.logger,
            defaultCompression: defaultCompression)
    }

    package func list(_ key: InstanceKey) async throws -> [InstanceBackup] { try await shelf.list(key).map(\.wire) }

    package func get(_ key: InstanceKey, _ name: String) async throws -> InstanceBackup {
        try await shelf.find(key, name).wire
    }

    /// The name of a new backup: as asked for, or the next of `backup0`, `backup1`…
    package func planName(_ key: InstanceKey, _ request: InstanceBackupsPost) async throws -> String {
        try await shelf.planName(key, request.name)
    }

    package func create(
        _ key: InstanceKey, name: String, _ request: InstanceBackupsPost, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink
    ) async throws {
        let isBare = request.instanceOnly || request.containerOnly
        let wanted = BackupRequest(
            name: name, expiresAt: request.expiresAt, isBare: isBare, compressionAlgorithm: request.compressionAlgorithm)
        try await environment.locks.with(key, .backup) {
            try await shelf.create(key, wanted, by: requestor) { tx in
                let instance = try tx.loadInstance(key)
                return (instance, try tx.backupConfig(instance, status: .stopped, withSnapshots: !isBare))
            } write: { content, path, compression in
                try await write(content.0, content.1, compression: compression, to: path, progress)
            }
        }
    }

    private func write(
        _ instance: LoadedInstance, _ config: BackupConfig, compression: ImageCompression, to path: String,
        _ progress: ProgressSink
    ) async throws {
        let pool = try await environment.pools.driver(instance.rootPool())
        let isRunning = await lifecycle.isRunning(instance.key)
        let index = BackupIndexDocument<BackupConfig>.with {
            $0.name = instance.name
            $0.backend = type(of: pool).name
            $0.pool = pool.poolName
            $0.snapshots = config.snapshots.map(\.name)
            $0.optimized = false
            $0.optimizedHeader = false
            $0.type = "container"
            $0.config = config
        }
        let text = try LXDYAML.encode(index)
        let description = try LXDYAML.encode(config)
        let volumes =
            try config.snapshots.map { try environment.volume(instance.key, snapshot: $0.name) }
            + [try environment.volume(instance.key)]
        try await withTrees(volumes[...], of: pool, isRunning: isRunning, description, []) { [archive] trees in
            let output = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: [.ownerReadWrite])
            try await Self.closing(output) {
                try await archive.write(index: text, volumes: trees, to: output, compression: compression) { totals in
                    progress("create_backup_progress", ByteCount.format(Int64(clamping: totals.readBytes)))
                }
            }
        }
    }

    private static func closing(_ file: FileDescriptor, _ body: () async throws -> Void) async throws {
        do { try await body() } catch {
            try file.close()
            throw error
        }
        try file.close()
    }

    /// Holds the trees of all volumes while `body` runs.
    private func withTrees(
        _ volumes: ArraySlice<Volume>, of pool: any PoolDriver, isRunning: Bool, _ description: String,
        _ held: [BackupArchive.Volume], _ body: @escaping @Sendable ([BackupArchive.Volume]) async throws -> Void
    ) async throws {
        guard let volume = volumes.first else { return try await body(held) }
        let rest = Array(volumes.dropFirst())
        let snapshot = try volume.snapshot.map { try SnapshotName($0) }
        try await pool.withTree(volume, isRunning: isRunning && !volume.isSnapshot) { tree in
            let part = BackupArchive.Volume(
                snapshot: snapshot, tree: PackedTree(layers: tree.layers, metadata: tree.metadata), description: description)
            try await self.withTrees(rest[...], of: pool, isRunning: isRunning, description, held + [part], body)
        }
    }

    package func rename(
        _ key: InstanceKey, _ name: String, to newName: String, by requestor: EventLifecycleRequestor?
    ) async throws {
        try await shelf.rename(key, name, to: newName, by: requestor)
    }

    package func delete(_ key: InstanceKey, _ name: String, by requestor: EventLifecycleRequestor?) async throws {
        try await shelf.delete(key, name, by: requestor)
    }

    /// The file of a finished backup and its length.
    package func file(
        _ key: InstanceKey, _ name: String, by requestor: EventLifecycleRequestor?
    ) async throws -> (path: String, length: Int) {
        try await shelf.file(key, name, by: requestor)
    }

    /// Deletes backups whose time is over.
    package func deleteExpired() async { await deleteExpired(unfinished: false) }

    /// Removes what a process that died left behind. At the daemon's start only.
    package func clearUp() async {
        uploads.discardAll()
        await deleteExpired(unfinished: true)
    }

    private func deleteExpired(unfinished: Bool) async {
        await shelf.deleteExpired(unfinished: unfinished) { tx in
            Dictionary(try tx.instances().map { ($0.id, InstanceKey(project: $0.project, name: $0.name)) }) { first, _ in first }
        }
    }
}

extension InstanceKey: BackupSubject {
    static let owner = BackupOwner.instance
    static let title = "Instance backup"
    static let actions = BackupActions(
        created: .instanceBackupCreated, renamed: .instanceBackupRenamed, deleted: .instanceBackupDeleted,
        retrieved: .instanceBackupRetrieved, context: [:])

    func backupFolder(_ paths: DaemonPaths) -> String { paths.instanceBackups + "/" + runtimeName }

    func backupResource(_ backup: String) -> String {
        ResourcePath.of("instances", name, "backups", backup, project: project)
    }

    func backupOwnerID(_ tx: Transaction) throws -> Int64 { try tx.loadInstance(self).row.id }
}
