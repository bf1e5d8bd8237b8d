import Foundation
package import LXDAPI
import LXDConfig
import LXDDatabase
import LXDImages
import LXDLinux
import LXDStorage
import SystemPackage

/// An uploaded backup of a custom volume whose index has been read and checked.
package struct VolumeImportPlan: Sendable {
    package let path: String
    let row: VolumeRow
    let snapshots: [VolumeSnapshotRow]

    package var name: String { row.name }
}

extension VolumeBackupService {
    /// Takes an upload into a file of its own.
    ///
    /// - Parameter nextChunk: The next bytes; nil at the end.
    /// - Returns: The file; the caller hands it on or removes it with ``discard(_:)``.
    package func receive(_ nextChunk: @Sendable () async throws -> [UInt8]?) async throws -> String {
        try await uploads.receive(nextChunk)
    }

    package func discard(_ path: String) { uploads.discard(path) }

    /// Reads the index of an uploaded backup. Nothing else in it is believed.
    ///
    /// - Parameter name: Another name for the volume; empty for its own.
    package func planImport(_ path: String, project: String, pool: String, name: String) async throws
        -> VolumeImportPlan
    {
        let index = try await archive.readVolumeIndex(of: FilePath(path))
        let document: BackupIndexDocument<BackupConfig> = try LXDYAML.decode(from: index.text)
        guard let described = document.config?.volume else {
            throw LXDError.badRequest("Backup is missing its configuration")
        }
        guard described.contentType.isEmpty || described.contentType == "filesystem" else {
            throw LXDError.badRequest(
                "Volume content type \(goQuoted(described.contentType)) is not supported by this server")
        }
        let name = name.isEmpty ? index.name.rawValue : try VolumeName(name).rawValue
        // Keys of the drivers of other pools mean nothing here.
        @Sendable func known(_ config: [String: String]) -> [String: String] {
            config.filter { (try? VolumeKeys.validate([$0.key: $0.value], volume: name)) != nil }
        }
        let snapshots = try (document.config?.volumeSnapshots ?? []).named(index.snapshots, \.name).map { found in
            var row = VolumeSnapshotRow(volumeID: 0, name: found.name)
            row.config = known(found.config)
            row.description = found.description
            row.createdAt = found.createdAt
            if let expires = found.expiresAt, !expires.isZero { row.expiresAt = expires }
            return row
        }
        let row = try await volumes.store.read { tx in
            guard try tx.storagePool(pool) != nil else { throw LXDError.notFound("Storage pool not found") }
            var row = VolumeRow(
                pool: pool, project: try tx.effectiveProject(project, .storageVolumes), name: name, kind: .custom)
            row.description = described.description
            row.config = known(described.config)
            row.createdAt = described.createdAt.isZero ? .now() : described.createdAt
            guard try tx.storageVolume(pool: pool, project: row.project, kind: .custom, name: name) == nil else {
                throw LXDError.conflict("Volume by that name already exists")
            }
            try tx.admitToProject(row, isNew: true)
            return row
        }
        return VolumeImportPlan(path: path, row: row, snapshots: snapshots)
    }

    /// Makes the volume of an uploaded backup and removes the upload.
    package func importVolume(_ plan: VolumeImportPlan, by requestor: EventLifecycleRequestor?) async throws {
        defer { discard(plan.path) }
        let row = plan.row
        let key = VolumeKey(pool: row.pool, project: row.project, kind: .custom, name: row.name)
        try await volumes.locks.with(key, .create) {
            let driver = try await volumes.storage.driver(for: row.pool)
            let volume = try VolumeService.volume(row)
            guard await !driver.exists(volume) else { throw LXDError.conflict("Volume by that name already exists") }
            do {
                for snapshot in plan.snapshots.map({ Optional($0) }) + [nil] {
                    let name = try snapshot.map { try SnapshotName($0.name) }
                    try await driver.create(
                        name.map { try volume.withSnapshot($0.rawValue) } ?? volume,
                        from: .fill { [archive] target in
                            try await archive.unpackVolume(FilePath(plan.path), snapshot: name, to: target.root)
                        })
                }
                try await volumes.store.write { tx in
                    try tx.admitToProject(row, isNew: true)
                    if !plan.snapshots.isEmpty { try tx.admitSnapshotCreation(project: row.project) }
                    let id = try tx.insertStorageVolume(row)
                    for snapshot in plan.snapshots {
                        var snapshot = snapshot
                        snapshot.volumeID = id
                        try tx.insertStorageVolumeSnapshot(snapshot)
                    }
                }
            } catch {
                for snapshot in try await driver.snapshots(of: volume) { try await driver.delete(snapshot) }
                try await driver.delete(volume)
                throw error
            }
        }
        volumes.announce(
            .storageVolumeCreated, key.path, project: row.project, by: requestor, context: ["type": .string("custom")])
    }
}
