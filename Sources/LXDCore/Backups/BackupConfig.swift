package import LXDAPI
package import LXDDatabase
import LXDLinux
import SystemPackage

/// Everything that describes an instance: the contents of `backup.yaml` beside it and, within `index.yaml`, of a backup.
package struct BackupConfig: WireValue {
    @OmitEmpty package var container: Instance?
    @OmitEmpty package var snapshots: [InstanceSnapshot]
    @OmitEmpty package var pool: StoragePool?
    @OmitEmpty package var profiles: [Profile]
    @OmitEmpty package var volume: StorageVolume?
    @OmitEmpty package var volumeSnapshots: [StorageVolumeSnapshot]

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case container, snapshots, pool, profiles, volume
        case volumeSnapshots = "volume_snapshots"
    }
}

extension Transaction {
    /// What the backup file of an instance says.
    package func backupConfig(_ instance: LoadedInstance, status: StatusCode, withSnapshots: Bool) throws -> BackupConfig {
        let poolName = try instance.rootPool()
        let snapshots = withSnapshots ? try snapshots(instanceID: instance.row.id).filter { $0.phase == .ready } : []
        let pool = try storagePool(poolName)
        let volume = try storageVolume(pool: poolName, project: instance.project, kind: .container, name: instance.name)
        let rows = try volume.map { try storageVolumeSnapshots(volumeID: $0.id) } ?? []
        let snapshotConfigs = Dictionary(rows.map { ($0.name, $0.config) }) { first, _ in first }
        return .with {
            $0.container = instance.wire(status: status)
            $0.snapshots = snapshots.map { instance.wire($0) }
            $0.pool = pool.map { row in
                .with {
                    $0.config = row.config
                    $0.description = row.description
                    $0.name = row.name
                    $0.driver = row.driver
                    $0.status = "Created"
                    $0.locations = ["none"]
                }
            }
            $0.profiles = instance.profiles.map { row in
                .with {
                    $0.config = row.config
                    $0.description = row.description
                    $0.devices = row.devices
                    $0.name = row.name
                }
            }
            $0.volume = .with {
                $0.config = volume?.config ?? [:]
                $0.name = instance.name
                $0.type = "container"
                $0.location = instance.row.location
                $0.contentType = "filesystem"
                $0.project = instance.project
                $0.createdAt = instance.row.createdAt
            }
            $0.volumeSnapshots = snapshots.map { snapshot in
                .with {
                    $0.config = snapshotConfigs[snapshot.name] ?? [:]
                    $0.name = snapshot.name
                    $0.expiresAt = snapshot.expiresAt ?? .zero
                    $0.contentType = "filesystem"
                    $0.createdAt = snapshot.createdAt
                }
            }
        }
    }
}

extension InstanceEnvironment {
    /// Writes `backup.yaml` beside an instance, for `lxd recover` and for people. It is never believed when an instance
    /// is imported, and made anew from the rows.
    package func writeBackupFile(_ key: InstanceKey) async throws {
        let (instance, config) = try await store.read { tx in
            let instance = try tx.loadInstance(key)
            return (instance, try tx.backupConfig(instance, status: .stopped, withSnapshots: true))
        }
        let folder = try await directory(of: instance)
        try await BlockingPool.shared.run {
            do {
                try AtomicFile.write(try LXDYAML.encode(config), to: folder + "/backup.yaml", mode: 0o400, sync: false)
            } catch Errno.noSuchFileOrDirectory {
                return  // The volume is not there yet or no more; whoever makes it writes the file.
            }
        }
    }
}
