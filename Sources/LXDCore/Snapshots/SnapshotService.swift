package import LXDAPI
import LXDConfig
import LXDDatabase
import LXDLinux
import LXDRuntime
import LXDStorage
import Logging

/// Snapshots of instances.
package final class SnapshotService: Sendable {
    let environment: InstanceEnvironment
    private let instances: InstanceService
    let lifecycle: InstanceLifecycle

    package init(environment: InstanceEnvironment, instances: InstanceService, lifecycle: InstanceLifecycle) {
        self.environment = environment
        self.instances = instances
        self.lifecycle = lifecycle
    }

    /// An instance's snapshots, oldest first.
    package func list(_ key: InstanceKey) async throws -> [InstanceSnapshot] {
        let (instance, rows) = try await environment.store.read { tx in
            let instance = try tx.loadInstance(key)
            return (instance, try tx.snapshots(instanceID: instance.row.id))
        }
        var snapshots: [InstanceSnapshot] = []
        for row in rows { snapshots.append(instance.wire(row, size: await size(instance, row))) }
        return snapshots
    }

    package func get(_ key: InstanceKey, _ name: String) async throws -> InstanceSnapshot {
        let (instance, row) = try await find(key, name)
        return instance.wire(row, size: await size(instance, row))
    }

    /// - Throws: `notFound` unless there is such a snapshot.
    package func check(_ key: InstanceKey, _ name: String) async throws { _ = try await find(key, name) }

    /// The name and the end of life of a new snapshot, after everything that can be refused at once has been checked.
    package func plan(
        _ key: InstanceKey, _ request: InstanceSnapshotsPost
    ) async throws -> (name: String, expiresAt: LXDTime?) {
        let (instance, names) = try await environment.store.read { tx in
            try tx.admitSnapshotCreation(project: key.project)
            let instance = try tx.loadInstance(key)
            return (instance, try tx.snapshots(instanceID: instance.row.id).map(\.name))
        }
        if request.stateful, await lifecycle.isRunning(key) == false {
            throw LXDError.badRequest("Unable to create a stateful snapshot. The instance isn't running")
        }
        let name = request.name.isEmpty ? try Self.nextName(instance, existing: names) : request.name
        _ = try SnapshotName(name)
        let expiry: LXDTime?
        if let asked = request.expiresAt {
            expiry = asked.isZero ? nil : asked
        } else {
            expiry = try Expiry.parse(instance.expandedConfig["snapshots.expiry"] ?? "")?.date(after: .now())
        }
        return (name, expiry)
    }

    private static func nextName(_ instance: LoadedInstance, existing: [String]) throws -> String {
        let pattern = instance.expandedConfig["snapshots.pattern"].flatMap { $0.isEmpty ? nil : $0 } ?? "snap%d"
        return try SnapshotNames.name(pattern: SnapshotPattern.render(pattern, at: .now()), existing: existing)
    }

    /// - Parameter isStateful: With the state of all processes; the instance stands still meanwhile.
    package func create(
        _ key: InstanceKey, name: String, expiresAt: LXDTime?, isStateful: Bool = false, by requestor: EventLifecycleRequestor?
    ) async throws {
        try await environment.locks.with(key, .snapshot) {
            try await createLocked(key, name: name, expiresAt: expiresAt, isStateful: isStateful)
            environment.announce(
                LifecycleAction.instanceSnapshotCreated, Self.path(key, name), project: key.project, by: requestor)
        }
    }

    /// Takes the snapshot that `snapshots.schedule=@startup` asks for.
    package func createAtStart(_ instance: LoadedInstance) async throws {
        let triggers = (instance.expandedConfig["snapshots.schedule"] ?? "").lowercased().split(separator: ",")
        guard triggers.contains(where: { $0.filter { $0 != " " } == "@startup" }) else { return }
        let names = try await environment.store.read { tx -> [String]? in
            guard try tx.allowsSnapshots(project: instance.project) else { return nil }
            return try tx.snapshots(instanceID: instance.row.id).map(\.name)
        }
        guard let names else { return }
        let name = try Self.nextName(instance, existing: names)
        try await createLocked(
            instance.key, name: name,
            expiresAt: try Expiry.parse(instance.expandedConfig["snapshots.expiry"] ?? "")?.date(after: .now()))
    }

    private func createLocked(
        _ key: InstanceKey, name: String, expiresAt: LXDTime?, isStateful: Bool = false
    ) async throws {
        guard isStateful else { return try await takeLocked(key, name: name, expiresAt: expiresAt) }
        let instance = try await environment.load(key)
        let session = try await lifecycle.checkpointLocked(instance, keepsRunning: true)
        let images = try await lifecycle.imageDirectory(instance)
        do {
            // Nothing runs now: files and processes are of one moment.
            try await takeLocked(key, name: name, expiresAt: expiresAt, images: images)
        } catch {
            await Self.finish { try await session.abort() }
            try await BlockingPool.shared.run { try removeHostTree(images) }
            throw error
        }
        await Self.finish { try await session.commit() }
        try await BlockingPool.shared.run { try removeHostTree(images) }
    }

    /// The instance runs on whatever this says: the kernel lets it when criu ends.
    private static func finish(_ body: () async throws -> Void) async { try? await body() }

    /// - Parameter images: Of the processes, in the instance's folder.
    private func takeLocked(
        _ key: InstanceKey, name: String, expiresAt: LXDTime?, images: String? = nil
    ) async throws {
        let isRunning = await lifecycle.isRunning(key)
        let (instance, id) = try await environment.store.write { tx in
            let instance = try tx.loadInstance(key)
            try tx.admitSnapshotCreation(project: key.project)
            let poolName = try instance.rootPool()
            guard try tx.snapshot(instanceID: instance.row.id, name: name) == nil else {
                throw LXDError.conflict(
                    "Failed creating instance snapshot record \(goQuoted(name)): Add snapshot info to the database: This \"instances_snapshots\" entry already exists")
            }
            var row = SnapshotRow(instanceID: instance.row.id, name: name, createdAt: .now())
            row.expiresAt = expiresAt
            row.stateful = images != nil
            row.config = instance.row.config
            row.devices = instance.row.devices
            row.phase = .creating
            let id = try tx.insertSnapshot(row)
            if let volume = try tx.storageVolume(pool: poolName, project: key.project, kind: .container, name: key.name) {
                var volumeRow = VolumeSnapshotRow(volumeID: volume.id, name: name)
                volumeRow.config = volume.config
                try tx.insertStorageVolumeSnapshot(volumeRow)
            }
            row.id = id
            return (instance, row)
        }
        try await withUndo(environment.logger) { undo in
            undo.add("snapshot \(key.runtimeName)/\(name)") { [environment] in
                try await environment.pools.driver(instance.rootPool()).delete(environment.volume(key, snapshot: name))
                try await environment.store.writeForRemoval { try $0.removeSnapshotRows(id, of: instance) }
            }
            let pool = try await environment.pools.driver(instance.rootPool())
            try await pool.snapshot(environment.volume(key), as: name, isRunning: isRunning)
            if let images {
                try await copyImages(images, to: try await lifecycle.imageDirectory(instance, snapshot: name))
            }
            try await environment.store.write { try $0.setSnapshotPhase(id: id.id, .ready) }
        }
        try await environment.writeBackupFile(key)
    }

    package func rename(
        _ key: InstanceKey, _ name: String, to newName: String, by requestor: EventLifecycleRequestor?
    ) async throws {
        let newName = try SnapshotName(newName).rawValue
        try await environment.locks.with(key, .snapshot) {
            let (instance, row) = try await find(key, name)
            try await checkNameIsFree(key, newName)
            let pool = try await environment.pools.driver(instance.rootPool())
            try await pool.renameSnapshot(environment.volume(key, snapshot: name), to: newName)
            do {
                try await environment.store.write { tx in
                    try tx.renameSnapshot(id: row.id, to: newName)
                    let volume = try tx.storageVolume(
                        pool: instance.rootPool(), project: key.project, kind: .container, name: key.name)
                    if let volume, var snapshot = try tx.storageVolumeSnapshot(volumeID: volume.id, name: name) {
                        snapshot.name = newName
                        try tx.updateStorageVolumeSnapshot(snapshot)
                    }
                }
            } catch {
                try await pool.renameSnapshot(environment.volume(key, snapshot: newName), to: name)
                throw error
            }
            try await environment.writeBackupFile(key)
            environment.announce(
                LifecycleAction.instanceSnapshotRenamed, Self.path(key, newName), project: key.project, by: requestor,
                context: ["old_name": .string(key.name + "/" + name)])
        }
    }

    /// - Throws: `conflict` in LXD's words.
    package func checkNameIsFree(_ key: InstanceKey, _ name: String) async throws {
        let isTaken = try await environment.store.read { tx in
            let instance = try tx.loadInstance(key)
            return try tx.snapshot(instanceID: instance.row.id, name: name) != nil
        }
        guard !isTaken else { throw LXDError.conflict("Name '\(key.name)/\(name)' already in use") }
    }

    /// - Parameter time: The zero time: never.
    package func setExpiry(
        _ key: InstanceKey, _ name: String, _ time: LXDTime, by requestor: EventLifecycleRequestor?
    ) async throws {
        let (_, row) = try await find(key, name)
        try await environment.store.write { try $0.setSnapshotExpiry(id: row.id, time.isZero ? nil : time) }
        environment.announce(
            LifecycleAction.instanceSnapshotUpdated, Self.path(key, name), project: key.project, by: requestor)
    }

    package func delete(_ key: InstanceKey, _ name: String, by requestor: EventLifecycleRequestor?) async throws {
        try await environment.locks.with(key, .snapshot) {
            let (instance, row) = try await find(key, name)
            try await environment.store.writeForRemoval { try $0.setSnapshotPhase(id: row.id, .deleting) }
            try await environment.pools.driver(instance.rootPool()).delete(environment.volume(key, snapshot: name))
            try await environment.store.writeForRemoval { try $0.removeSnapshotRows(row, of: instance) }
            do {
                try await environment.writeBackupFile(key)
            } catch {
                // The snapshot is gone: on a full disk that was the point of it, and the file is written again by the next change.
                environment.logger.warning("Failed writing backup.yaml", metadata: ["error": "\(error)"])
            }
            environment.announce(
                LifecycleAction.instanceSnapshotDeleted, Self.path(key, name), project: key.project, by: requestor)
        }
    }

    /// Gives an instance the contents and the configuration of its snapshot; a running one is stopped and started again.
    package func restore(
        _ key: InstanceKey, _ name: String, stateful: Bool, by requestor: EventLifecycleRequestor?
    ) async throws {
        let name = name.hasPrefix(key.name + "/") ? String(name.dropFirst(key.name.count + 1)) : name
        let (instance, snapshot) = try await findForRestore(key, name)
        if stateful {
            guard snapshot.stateful else {
                throw LXDError.badRequest("Stateful snapshot restore requested by snapshot is stateless")
            }
            try await lifecycle.engine.requireCheckpoints()
        }
        try await environment.locks.with(key, .restore) {
            try await environment.store.read { tx in try tx.admitRestore(of: snapshot, to: key) }
            let wasRunning = await lifecycle.isRunning(key)
            if wasRunning { try await lifecycle.stopLocked(key, keepEphemeral: true) }
            let pool = try await environment.pools.driver(try await environment.load(key).rootPool())
            try await pool.restore(environment.volume(key), from: name)
            try await instances.updateLocked(key, way: .restore) { row in
                row.config = snapshot.config
                row.devices = snapshot.devices
            }
            try await restoreVolumeConfig(key, name)
            if stateful {
                let images = try await lifecycle.imageDirectory(instance)
                try await copyImages(try await lifecycle.imageDirectory(instance, snapshot: name), to: images)
                try await environment.store.write { try $0.setInstanceStateful(id: instance.row.id, true) }
                try await lifecycle.startLocked(key, isStateful: true)
            } else if wasRunning {
                try await lifecycle.startLocked(key)
            }
            environment.announce(
                .instanceRestored, key, by: requestor, context: ["snapshot": .string(key.name + "/" + name)])
        }
    }

    /// Drivers that keep whole folders have them in the copy already.
    private func copyImages(_ from: String, to: String) async throws {
        if (try? FileStatus.of(path: to)) != nil { return }
        try await ProcessRunner.runChecked(
            "cp", ["-a", "--reflink=auto", "-T", "--", from, to], deadline: .seconds(3600))
    }

    private func restoreVolumeConfig(_ key: InstanceKey, _ name: String) async throws {
        try await environment.store.write { tx in
            let pool = try tx.loadInstance(key).rootPool()
            guard var volume = try tx.storageVolume(pool: pool, project: key.project, kind: .container, name: key.name),
                let snapshot = try tx.storageVolumeSnapshot(volumeID: volume.id, name: name)
            else { return }
            volume.config = snapshot.config
            try tx.updateStorageVolume(volume)
        }
    }

    /// Deletes the snapshots whose time is over; says what could not be deleted in the log.
    package func deleteExpired() async {
        do {
            let expired = try await environment.store.read { tx in
                let owners = Dictionary(try tx.instances().map { ($0.id, $0) }) { first, _ in first }
                return try tx.expiredSnapshots(at: .now()).compactMap { row in
                    owners[row.instanceID].map { (InstanceKey(project: $0.project, name: $0.name), row.name) }
                }
            }
            for (key, name) in expired { try await delete(key, name, by: nil) }
        } catch {
            environment.logger.error("Failed deleting expired instance snapshots", metadata: ["error": "\(error)"])
        }
    }

    private func findForRestore(_ key: InstanceKey, _ name: String) async throws -> (LoadedInstance, SnapshotRow) {
        do { return try await find(key, name) } catch let error as LXDError where error.code == .notFound {
            throw LXDError.notFound("Snapshot \(key.name)/\(name) does not exist")
        }
    }

    private func find(_ key: InstanceKey, _ name: String) async throws -> (LoadedInstance, SnapshotRow) {
        try await environment.store.read { tx in
            let instance = try tx.loadInstance(key)
            guard let row = try tx.snapshot(instanceID: instance.row.id, name: name) else {
                throw LXDError.notFound("Instance snapshot not found")
            }
            return (instance, row)
        }
    }

    /// Bytes that only the snapshot holds; -1 where that is not known.
    private func size(_ instance: LoadedInstance, _ snapshot: SnapshotRow) async -> Int64 {
        do {
            let pool = try await environment.pools.driver(instance.rootPool())
            let bytes = try await pool.usage(of: environment.volume(instance.key, snapshot: snapshot.name))
            return bytes.map { Int64(clamping: $0) } ?? -1
        } catch {
            environment.logger.debug("Snapshot size unknown", metadata: ["error": "\(error)"])
            return -1
        }
    }

    static func path(_ key: InstanceKey, _ name: String) -> String {
        ResourcePath.of("instances", key.name, "snapshots", name, project: key.project)
    }
}
