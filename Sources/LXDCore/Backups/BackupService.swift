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
    /// The server's `backups.compression_algorithm`.
    private let defaultCompression: @Sendable () async -> String

    package init(
        environment: InstanceEnvironment, instances: InstanceService, lifecycle: InstanceLifecycle,
        archive: BackupArchive, defaultCompression: @escaping @Sendable () async -> String
    ) {
        self.environment = environment
        self.instances = instances
        self.lifecycle = lifecycle
        self.archive = archive
        self.defaultCompression = defaultCompression
    }

    package func list(_ key: InstanceKey) async throws -> [InstanceBackup] {
        try await environment.store.read { tx in
            try tx.backups(instanceID: tx.loadInstance(key).row.id).filter { $0.phase == .ready }.map(\.wire)
        }
    }

    package func get(_ key: InstanceKey, _ name: String) async throws -> InstanceBackup { try await find(key, name).wire }

    /// The name of a new backup: as asked for, or the next of `backup0`, `backup1`…
    package func planName(_ key: InstanceKey, _ request: InstanceBackupsPost) async throws -> String {
        let name = try await environment.store.read { tx in
            try tx.admitBackupCreation(project: key.project)
            let instance = try tx.loadInstance(key)
            guard request.name.isEmpty else { return request.name }
            return try SnapshotTimes.name(
                pattern: "backup%d", existing: tx.backups(instanceID: instance.row.id).map(\.name))
        }
        return try Self.checked(name)
    }

    private static func checked(_ name: String) throws -> String {
        guard !name.contains("/") else { throw LXDError.badRequest("Backup names may not contain slashes") }
        return try SnapshotName(name).rawValue
    }

    package func create(
        _ key: InstanceKey, name: String, _ request: InstanceBackupsPost, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink
    ) async throws {
        let asked = request.compressionAlgorithm
        let compression = try ImageCompression(
            algorithm: try await algorithm(asked, project: key.project), isBackup: true)
        try await environment.locks.with(key, .backup) {
            let instanceOnly = request.instanceOnly || request.containerOnly
            let (instance, row, config) = try await environment.store.write { tx in
                try tx.admitBackupCreation(project: key.project)
                let instance = try tx.loadInstance(key)
                guard try tx.backup(instanceID: instance.row.id, name: name) == nil else {
                    throw LXDError.conflict("Backup \(goQuoted(key.name + "/" + name)) already exists")
                }
                var row = BackupRow(instanceID: instance.row.id, name: name, createdAt: .now())
                row.expiresAt = request.expiresAt.isZero ? nil : request.expiresAt
                row.instanceOnly = instanceOnly
                row.phase = .creating
                row.id = try tx.insertBackup(row)
                return (instance, row, try tx.backupConfig(instance, status: .stopped, withSnapshots: !instanceOnly))
            }
            let path = self.path(key, name)
            try await withUndo(environment.logger) { undo in
                undo.add("backup \(key)/\(name)") { [environment] in
                    try removeHostTree(path)
                    try await environment.store.writeForRemoval { try $0.deleteBackup(id: row.id) }
                }
                try makeHostDirectories(environment.paths.instanceBackups + "/" + key.runtimeName, mode: 0o700)
                try await write(instance, config, compression: compression, to: path, progress)
                try await environment.store.write { try $0.setBackupPhase(id: row.id, .ready) }
            }
            announce(.instanceBackupCreated, key, name, requestor)
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

    /// What the request asks for, else the project, else the server.
    private func algorithm(_ asked: String, project: String) async throws -> String {
        if !asked.isEmpty { return asked }
        let own = try await environment.store.read { try $0.requireProject(project).config["backups.compression_algorithm"] }
        if let own, !own.isEmpty { return own }
        return await defaultCompression()
    }

    package func rename(
        _ key: InstanceKey, _ name: String, to newName: String, by requestor: EventLifecycleRequestor?
    ) async throws {
        let newName = try Self.checked(newName)
        let row = try await find(key, name)
        try await environment.store.write { tx in
            guard try tx.backup(instanceID: row.instanceID, name: newName) == nil else {
                throw LXDError.conflict("Backup \(goQuoted(key.name + "/" + newName)) already exists")
            }
            try tx.renameBackup(id: row.id, to: newName)
        }
        try FileManager.default.moveItem(atPath: path(key, name), toPath: path(key, newName))
        announce(.instanceBackupRenamed, key, newName, requestor, ["old_name": .string(key.name + "/" + name)])
    }

    package func delete(_ key: InstanceKey, _ name: String, by requestor: EventLifecycleRequestor?) async throws {
        let row = try await find(key, name)
        try removeHostTree(path(key, name))
        try await environment.store.writeForRemoval { try $0.deleteBackup(id: row.id) }
        announce(.instanceBackupDeleted, key, name, requestor)
    }

    /// The file of a finished backup and its length.
    package func file(
        _ key: InstanceKey, _ name: String, by requestor: EventLifecycleRequestor?
    ) async throws -> (path: String, length: Int) {
        _ = try await find(key, name)
        let path = path(key, name)
        let length = try FileStatus.of(path: path, followLinks: false).size
        announce(.instanceBackupRetrieved, key, name, requestor)
        return (path, Int(length))
    }

    /// Deletes backups whose time is over, and what a process that died left unfinished.
    package func deleteExpired() async {
        do {
            let (gone, owners) = try await environment.store.read { tx in
                (try tx.expiredBackups(at: .now()), Dictionary(try tx.instances().map { ($0.id, $0) }) { first, _ in first })
            }
            for row in gone {
                guard let owner = owners[row.instanceID] else { continue }
                try await delete(InstanceKey(project: owner.project, name: owner.name), row.name, by: nil)
            }
        } catch {
            environment.logger.error("Failed deleting expired instance backups", metadata: ["error": "\(error)"])
        }
    }

    private func find(_ key: InstanceKey, _ name: String) async throws -> BackupRow {
        try await environment.store.read { tx in
            guard let row = try tx.backup(instanceID: tx.loadInstance(key).row.id, name: name), row.phase == .ready else {
                throw LXDError.notFound("Instance backup not found")
            }
            return row
        }
    }

    private func path(_ key: InstanceKey, _ name: String) -> String {
        environment.paths.instanceBackups + "/" + key.runtimeName + "/" + name
    }

    private func announce(
        _ action: LifecycleAction, _ key: InstanceKey, _ name: String, _ requestor: EventLifecycleRequestor?,
        _ context: [String: JSONValue] = [:]
    ) {
        environment.announce(
            action, ResourcePath.of("instances", key.name, "backups", name, project: key.project),
            project: key.project, by: requestor, context: context)
    }
}
