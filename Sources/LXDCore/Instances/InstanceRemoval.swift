import Foundation
import LXDAPI
package import LXDDatabase
import LXDStorage
import Logging

extension InstanceEnvironment {
    /// Removes an instance's volume with all snapshots, its files and its rows. Safe to run twice.
    ///
    /// The row is marked first, so that a restart goes on where a killed process stopped.
    /// - Returns: The names of the snapshots, in the order in which they were removed.
    @discardableResult
    package func removeEverything(of instance: LoadedInstance) async throws -> [String] {
        let id = instance.row.id
        let snapshots = try await store.writeForRemoval { tx in
            try tx.setInstancePhase(id: id, .deleting)
            return try tx.snapshots(instanceID: id)
        }
        let poolName = try instance.rootPool()
        let pool = try await pools.driver(poolName)
        for snapshot in snapshots.reversed() {
            try await pool.delete(volume(instance.key, snapshot: snapshot.name))
        }
        try await pool.delete(volume(instance.key))
        removeFolder(paths.instanceBackups + "/" + instance.runtimeName)
        removeFolder(paths.instanceDevices(instance.runtimeName))
        removeFolder(paths.sharedMounts + "/" + instance.runtimeName)
        let key = instance.key
        try await store.writeForRemoval { tx in
            if let volume = try tx.storageVolume(pool: poolName, project: key.project, kind: .container, name: key.name) {
                try tx.deleteStorageVolume(id: volume.id)
            }
            try tx.deleteInstance(id: id)
        }
        return snapshots.reversed().map(\.name)
    }

    /// Finishes what a process that died was creating or deleting. Run once, before requests are answered.
    ///
    /// - Parameters:
    ///   - kept: Instances that somebody else finishes.
    ///   - leave: Tells the devices of an instance that it is going.
    package func removeUnfinished(
        except kept: Set<InstanceKey> = [], leave: (LoadedInstance) async -> Void = { _ in }
    ) async {
        do {
            let (instances, snapshots) = try await store.read { tx in
                (try tx.loadInstances().filter { $0.row.phase != .ready }, try tx.unfinishedSnapshots())
            }
            for instance in instances where !kept.contains(instance.key) {
                await leave(instance)
                await attempt("removing unfinished instance \(instance.runtimeName)") {
                    try await self.removeEverything(of: instance)
                }
            }
            let keptIDs = Set(instances.filter { kept.contains($0.key) }.map(\.row.id))
            for snapshot in snapshots where !keptIDs.contains(snapshot.instanceID) {
                await attempt("removing unfinished snapshot \(snapshot.name)") { try await self.removeUnfinished(snapshot) }
            }
        } catch {
            logger.error("Failed looking for unfinished instances", metadata: ["error": "\(error)"])
        }
    }

    private func removeUnfinished(_ snapshot: SnapshotRow) async throws {
        let owner = try await store.read { tx in try tx.loadInstances().first { $0.row.id == snapshot.instanceID } }
        guard let owner else { return }
        let pool = try await pools.driver(owner.rootPool())
        try await pool.delete(volume(owner.key, snapshot: snapshot.name))
        try await store.writeForRemoval { try $0.removeSnapshotRows(snapshot, of: owner) }
    }

    private func attempt(_ what: String, _ body: () async throws -> Void) async {
        do { try await body() } catch { logger.error("Failed \(what)", metadata: ["error": "\(error)"]) }
    }

    private func removeFolder(_ path: String) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch CocoaError.fileNoSuchFile {
        } catch {
            logger.warning("Failed removing \(path)", metadata: ["error": "\(error)"])
        }
    }
}

extension Transaction {
    /// Deletes the rows of a snapshot and of its volume.
    package func removeSnapshotRows(_ snapshot: SnapshotRow, of instance: LoadedInstance) throws {
        let pool = try instance.rootPool()
        if let volume = try storageVolume(pool: pool, project: instance.project, kind: .container, name: instance.name),
            let row = try storageVolumeSnapshot(volumeID: volume.id, name: snapshot.name)
        {
            try deleteStorageVolumeSnapshot(id: row.id)
        }
        try deleteSnapshot(id: snapshot.id)
    }
}
