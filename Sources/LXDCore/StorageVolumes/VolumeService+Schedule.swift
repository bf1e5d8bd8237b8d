package import LXDAPI
import LXDConfig
import LXDDatabase
package import Logging

extension VolumeService {
    /// Takes the snapshots of custom volumes that `snapshots.schedule` asks for in this minute, and deletes those whose
    /// time is over; what fails is logged and the rest goes on.
    package func keepSchedules(at time: LXDTime, logger: Logger) async {
        do {
            let (due, expired) = try await store.read { tx in
                let rows = try tx.storageVolumes(kind: .custom)
                let expired = try rows.flatMap { row in
                    try tx.storageVolumeSnapshots(volumeID: row.id)
                        .filter { !$0.expiresAt.isZero && $0.expiresAt <= time }.map { (row, $0.name) }
                }
                return (
                    try rows.filter { try Self.isDue($0, at: time) && tx.allowsSnapshots(project: $0.project) }, expired
                )
            }
            for (row, name) in expired {
                do { try await deleteSnapshot(Self.key(row), name, by: nil) } catch {
                    logger.error(
                        "Failed deleting an expired volume snapshot",
                        metadata: ["volume": "\(row.name)/\(name)", "error": "\(error)"])
                }
            }
            for row in due {
                let pattern = row.config["snapshots.pattern"].flatMap { $0.isEmpty ? nil : $0 } ?? "snap%d"
                do {
                    _ = try await createSnapshot(Self.key(row), StorageVolumeSnapshotsPost(), pattern: pattern, by: nil)
                } catch {
                    logger.error(
                        "Error creating volume snapshot", metadata: ["volume": "\(row.name)", "error": "\(error)"])
                }
            }
        } catch {
            logger.error("Failed loading volumes for snapshots", metadata: ["error": "\(error)"])
        }
    }

    /// Whether the minute of `time` is one of a volume's schedule.
    static func isDue(_ row: VolumeRow, at time: LXDTime) -> Bool {
        guard let text = row.config["snapshots.schedule"], !text.isEmpty else { return false }
        // Checked when it was written; one that an older version let in never comes due.
        return ((try? CronSchedule.parse(text)) ?? []).contains { $0.matches(time) }
    }

    private static func key(_ row: VolumeRow) -> VolumeKey {
        VolumeKey(pool: row.pool, project: row.project, kind: row.kind, name: row.name)
    }
}
