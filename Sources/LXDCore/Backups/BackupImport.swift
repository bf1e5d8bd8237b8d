import Foundation
package import LXDAPI
import LXDConfig
import LXDDatabase
import LXDLinux
import LXDImages
import LXDStorage
import SystemPackage
import Logging

/// An uploaded backup whose index has been read and checked.
package struct ImportPlan: Sendable {
    package let path: String
    package let name: String
    let row: InstanceRow
    let snapshots: [InstanceSnapshot]
    /// Of the root volume and, by their names, of its snapshots.
    let volumeConfig: [String: String]
    let snapshotVolumeConfigs: [String: [String: String]]
}

extension BackupService {
    /// Takes an upload into a file of its own.
    ///
    /// - Parameter nextChunk: The next bytes; nil at the end.
    /// - Returns: The file; the caller hands it to ``importInstance(_:by:)`` or ``discard(_:)``.
    package func receive(_ nextChunk: @Sendable () async throws -> [UInt8]?) async throws -> String {
        try await uploads.receive(nextChunk)
    }

    package func discard(_ path: String) { uploads.discard(path) }

    /// Reads the index of an uploaded backup. Nothing else in it is believed.
    ///
    /// - Parameters:
    ///   - pool: Where to put the instance; empty for the pool it came from or, if there is none of that name, the
    ///     default profile's.
    ///   - name: Another name for the instance; empty for its own.
    package func planImport(_ path: String, project: String, pool: String, name: String) async throws -> ImportPlan {
        let index = try await archive.readIndex(of: FilePath(path))
        let document: BackupIndexDocument<BackupConfig> = try LXDYAML.decode(from: index.text)
        guard let config = document.config, let container = config.container else {
            throw LXDError.badRequest("Backup is missing its configuration")
        }
        let name = name.isEmpty ? index.name.rawValue : try InstanceName(name).rawValue
        let snapshots = try config.snapshots.named(index.snapshots, \.name)
        let target = try await environment.store.read { tx in
            guard try tx.instance(project: project, name: name) == nil else {
                throw LXDError.conflict("Instance \(goQuoted(name)) already exists")
            }
            let isKnown = try tx.storagePool(index.pool) != nil
            if !pool.isEmpty || isKnown {
                let wanted = pool.isEmpty ? index.pool : pool
                guard try tx.storagePool(wanted) != nil else { throw LXDError.notFound("Storage pool not found") }
                return wanted
            }
            let owner = try tx.effectiveProject(project, .profiles)
            guard let profile = try tx.profile(project: owner, name: "default"),
                let found = rootDisk(profile.devices)?.config["pool"]
            else { throw LXDError.notFound("Failed to get root disk device: No root device could be found") }
            return found
        }
        var row = InstanceRow(project: project, name: name, createdAt: container.createdAt)
        row.architecture = try Architectures.named(container.architecture).id
        row.description = container.description
        row.ephemeral = container.ephemeral
        row.config = container.config
        row.devices = container.devices
        row.profiles = container.profiles
        row.lastUsedAt = container.lastUsedAt
        let profiles = row.profiles
        let inherited = try await environment.store.read { try $0.requireProfiles(profiles, project: project) }
        let root = rootDisk(Expansion.devices(inherited, own: row.devices))
        if root?.config["pool"] != target {
            row.devices[root?.name ?? "root"] = (root?.config ?? ["type": "disk", "path": "/"]).merging(["pool": target]) { $1 }
        }
        let wanted = row
        row = try await environment.store.read { tx in
            var row = wanted
            try tx.stripVolatile(&row.config, project: project)
            let instance = LoadedInstance(row, profiles: inherited)
            try tx.admitToProject(instance, replacing: nil)
            for snapshot in snapshots { try tx.admitToProject(snapshot: snapshot.config, snapshot.devices, of: instance) }
            return row
        }
        // Keys of the drivers of other pools mean nothing here.
        func known(_ config: [String: String]) -> [String: String] {
            config.filter { (try? VolumeKeys.validate([$0.key: $0.value], volume: name, isCustom: false)) != nil }
        }
        return ImportPlan(
            path: path, name: name, row: row, snapshots: snapshots, volumeConfig: known(config.volume?.config ?? [:]),
            snapshotVolumeConfigs: Dictionary(config.volumeSnapshots.map { ($0.name, known($0.config)) }) { first, _ in first })
    }

    /// Makes the instance of an uploaded backup and removes the upload.
    package func importInstance(_ plan: ImportPlan, by requestor: EventLifecycleRequestor?) async throws {
        defer { discard(plan.path) }
        let key = InstanceKey(project: plan.row.project, name: plan.name)
        try await environment.locks.with(key, .create) {
            let instance = try await instances.insert(
                plan.row, baseImage: plan.row.config[VolatileKeys.baseImage] ?? "", .importBackup)
            do { try await insertSnapshots(plan, instance) } catch {
                try await environment.removeEverything(of: instance)
                throw error
            }
            try await instances.fill(instance, progress: .none) { [archive] pool, volume in
                @Sendable func unpack(_ snapshot: String?, _ target: FillTarget) async throws {
                    try await archive.unpack(
                        FilePath(plan.path), snapshot: try snapshot.map { try SnapshotName($0) }, root: target.root,
                        metadata: target.metadata)
                }
                for snapshot in plan.snapshots {
                    try await pool.create(
                        volume.withSnapshot(snapshot.name),
                        from: .fill { try await unpack(snapshot.name, $0) })
                }
                try await pool.create(volume, from: .fill { try await unpack(nil, $0) })
            }
            environment.announce(
                .instanceCreated, key, by: requestor,
                context: ["type": .string("container"), "storage-pool": .string(try instance.rootPool())])
            for snapshot in plan.snapshots {
                environment.announce(
                    .instanceSnapshotCreated, SnapshotService.path(key, snapshot.name), project: key.project,
                    by: requestor)
            }
        }
    }

    private func insertSnapshots(_ plan: ImportPlan, _ instance: LoadedInstance) async throws {
        try await environment.store.write { tx in
            let pool = try instance.rootPool()
            var volume = try tx.storageVolume(pool: pool, project: instance.project, kind: .container, name: instance.name)
            if volume != nil { volume?.config = plan.volumeConfig }
            if let volume { try tx.updateStorageVolume(volume) }
            for snapshot in plan.snapshots {
                var row = SnapshotRow(instanceID: instance.row.id, name: snapshot.name, createdAt: snapshot.createdAt)
                row.expiresAt = snapshot.expiresAt.isZero ? nil : snapshot.expiresAt
                row.config = snapshot.config
                row.devices = snapshot.devices
                try tx.admitToProject(snapshot: row.config, row.devices, of: instance)
                if let root = rootDisk(row.devices) { row.devices[root.name]?["pool"] = pool }
                try tx.insertSnapshot(row)
                if let volume {
                    var copy = VolumeSnapshotRow(volumeID: volume.id, name: snapshot.name)
                    copy.config = plan.snapshotVolumeConfigs[snapshot.name] ?? [:]
                    copy.createdAt = snapshot.createdAt
                    try tx.insertStorageVolumeSnapshot(copy)
                }
            }
        }
    }
}
