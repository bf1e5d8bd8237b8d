package import LXDAPI
internal import GRDB

extension Migration {
    static let backups = Migration(
        name: "backups",
        sql: """
            CREATE TABLE instances_backups (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                instance_id INTEGER NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
                name VARCHAR(255) NOT NULL,
                creation_date DATETIME,
                expiry_date DATETIME,
                container_only INTEGER NOT NULL DEFAULT 0,
                optimized_storage INTEGER NOT NULL DEFAULT 0,
                phase INTEGER NOT NULL DEFAULT 0,
                UNIQUE (instance_id, name)
            );
            """)
}

/// A backup file of an instance that is kept on the server.
package struct BackupRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var instanceID: Int64 = 0
    /// Without the instance's name.
    package var name = ""
    package var createdAt: LXDTime
    package var expiresAt: LXDTime?
    package var instanceOnly = false
    package var optimizedStorage = false
    package var phase = RowPhase.ready

    package init(instanceID: Int64, name: String, createdAt: LXDTime) {
        self.instanceID = instanceID
        self.name = name
        self.createdAt = createdAt
    }

    fileprivate init(row: Row) {
        id = row[0]
        instanceID = row[1]
        name = row[2]
        createdAt = storedTime(row[3]) ?? LXDTime()
        expiresAt = storedTime(row[4])
        instanceOnly = row[5]
        optimizedStorage = row[6]
        phase = RowPhase(rawValue: row[7]) ?? .ready
    }
}

extension Transaction {
    /// An instance's backups, oldest first.
    package func backups(instanceID: Int64) throws -> [BackupRow] {
        try loadBackups("instance_id = ?", [instanceID])
    }

    /// The backups of all instances of a project, or of all projects.
    package func backups(project: String?) throws -> [BackupRow] {
        guard let project else { return try loadBackups("1", []) }
        return try loadBackups(
            """
            instance_id IN (SELECT instances.id FROM instances JOIN projects ON projects.id = project_id
                WHERE projects.name = ?)
            """, [project])
    }

    package func backup(instanceID: Int64, name: String) throws -> BackupRow? {
        try loadBackups("instance_id = ? AND name = ?", [instanceID, name]).first
    }

    package func expiredBackups(at time: LXDTime) throws -> [BackupRow] {
        try loadBackups("expiry_date IS NOT NULL AND expiry_date <= ?", [storedText(time)])
    }

    package func unfinishedBackups() throws -> [BackupRow] {
        try loadBackups("phase != 0", [])
    }

    @discardableResult
    package func insertBackup(_ backup: BackupRow) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO instances_backups (instance_id, name, creation_date, expiry_date, container_only,
                    optimized_storage, phase) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                backup.instanceID, backup.name, storedText(backup.createdAt), backup.expiresAt.map(storedText),
                backup.instanceOnly, backup.optimizedStorage, backup.phase.rawValue,
            ])
        return database.lastInsertedRowID
    }

    package func setBackupPhase(id: Int64, _ phase: RowPhase) throws {
        try database.execute(
            sql: "UPDATE instances_backups SET phase = ? WHERE id = ?", arguments: [phase.rawValue, id])
    }

    package func renameBackup(id: Int64, to name: String) throws {
        try database.execute(sql: "UPDATE instances_backups SET name = ? WHERE id = ?", arguments: [name, id])
    }

    package func deleteBackup(id: Int64) throws {
        try database.execute(sql: "DELETE FROM instances_backups WHERE id = ?", arguments: [id])
    }

    private func loadBackups(_ condition: String, _ arguments: StatementArguments) throws -> [BackupRow] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT id, instance_id, name, creation_date, expiry_date, container_only, optimized_storage, phase
                FROM instances_backups WHERE \(condition) ORDER BY creation_date, id
                """, arguments: arguments
        ).map { BackupRow(row: $0) }
    }
}
