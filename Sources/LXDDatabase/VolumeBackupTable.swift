package import LXDAPI
internal import GRDB

extension Migration {
    static let volumeBackups = Migration(
        name: "volumeBackups",
        sql: """
            CREATE TABLE storage_volumes_backups (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                storage_volume_id INTEGER NOT NULL REFERENCES storage_volumes (id) ON DELETE CASCADE,
                name VARCHAR(255) NOT NULL,
                creation_date DATETIME,
                expiry_date DATETIME,
                volume_only INTEGER NOT NULL DEFAULT 0,
                optimized_storage INTEGER NOT NULL DEFAULT 0,
                phase INTEGER NOT NULL DEFAULT 0,
                UNIQUE (storage_volume_id, name)
            );
            """)
}

/// A backup file of a custom volume that is kept on the server.
package struct VolumeBackupRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var volumeID: Int64 = 0
    /// Without the volume's name.
    package var name = ""
    package var createdAt: LXDTime
    package var expiresAt: LXDTime?
    package var volumeOnly = false
    package var optimizedStorage = false
    package var phase = RowPhase.ready

    package init(volumeID: Int64, name: String, createdAt: LXDTime) {
        self.volumeID = volumeID
        self.name = name
        self.createdAt = createdAt
    }

    fileprivate init(row: Row) {
        id = row[0]
        volumeID = row[1]
        name = row[2]
        createdAt = storedTime(row[3]) ?? LXDTime()
        expiresAt = storedTime(row[4])
        volumeOnly = row[5]
        optimizedStorage = row[6]
        phase = RowPhase(rawValue: row[7]) ?? .ready
    }
}

extension Transaction {
    /// A volume's backups, oldest first.
    package func volumeBackups(volumeID: Int64) throws -> [VolumeBackupRow] {
        try loadVolumeBackups("storage_volume_id = ?", [volumeID])
    }

    package func volumeBackup(volumeID: Int64, name: String) throws -> VolumeBackupRow? {
        try loadVolumeBackups("storage_volume_id = ? AND name = ?", [volumeID, name]).first
    }

    /// Those whose time is over, and those that a process that died left unfinished.
    package func volumeBackupsToRemove(at time: LXDTime, unfinished: Bool) throws -> [VolumeBackupRow] {
        try loadVolumeBackups(
            "(expiry_date IS NOT NULL AND expiry_date <= ?)" + (unfinished ? " OR phase != 0" : ""), [storedText(time)])
    }

    @discardableResult
    package func insertVolumeBackup(_ backup: VolumeBackupRow) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO storage_volumes_backups (storage_volume_id, name, creation_date, expiry_date, volume_only,
                    optimized_storage, phase) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                backup.volumeID, backup.name, storedText(backup.createdAt), backup.expiresAt.map(storedText), backup.volumeOnly,
                backup.optimizedStorage, backup.phase.rawValue,
            ])
        return database.lastInsertedRowID
    }

    package func setVolumeBackupPhase(id: Int64, _ phase: RowPhase) throws {
        try database.execute(sql: "UPDATE storage_volumes_backups SET phase = ? WHERE id = ?", arguments: [phase.rawValue, id])
    }

    package func renameVolumeBackup(id: Int64, to name: String) throws {
        try database.execute(sql: "UPDATE storage_volumes_backups SET name = ? WHERE id = ?", arguments: [name, id])
    }

    package func deleteVolumeBackup(id: Int64) throws {
        try database.execute(sql: "DELETE FROM storage_volumes_backups WHERE id = ?", arguments: [id])
    }

    private func loadVolumeBackups(_ condition: String, _ arguments: StatementArguments) throws -> [VolumeBackupRow] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT id, storage_volume_id, name, creation_date, expiry_date, volume_only, optimized_storage, phase
                FROM storage_volumes_backups WHERE \(condition) ORDER BY creation_date, id
                """, arguments: arguments
        ).map { VolumeBackupRow(row: $0) }
    }
}
