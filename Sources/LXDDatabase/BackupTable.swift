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

/// What a backup is one of; each kind has a table of its own.
package enum BackupOwner: Sendable {
    case instance, volume

    fileprivate var table: String { self == .instance ? "instances_backups" : "storage_volumes_backups" }
    fileprivate var idColumn: String { self == .instance ? "instance_id" : "storage_volume_id" }
    fileprivate var bareColumn: String { self == .instance ? "container_only" : "volume_only" }
}

/// A backup file that is kept on the server.
package struct BackupRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var owner: BackupOwner
    package var ownerID: Int64
    /// Without the owner's name.
    package var name = ""
    package var createdAt: LXDTime
    package var expiresAt: LXDTime?
    /// Without the owner's snapshots.
    package var isBare = false
    package var optimizedStorage = false
    package var phase = RowPhase.ready

    package init(of owner: BackupOwner, _ ownerID: Int64, name: String, createdAt: LXDTime) {
        self.owner = owner
        self.ownerID = ownerID
        self.name = name
        self.createdAt = createdAt
    }

    fileprivate init(_ owner: BackupOwner, row: Row) {
        self.owner = owner
        id = row[0]
        ownerID = row[1]
        name = row[2]
        createdAt = storedTime(row[3]) ?? LXDTime()
        expiresAt = storedTime(row[4])
        isBare = row[5]
        optimizedStorage = row[6]
        phase = RowPhase(rawValue: row[7]) ?? .ready
    }
}

extension Transaction {
    /// The backups of one instance or volume, oldest first.
    package func backups(of owner: BackupOwner, _ ownerID: Int64) throws -> [BackupRow] {
        try loadBackups(owner, "\(owner.idColumn) = ?", [ownerID])
    }

    /// The backups of all instances of a project, or of all projects.
    package func instanceBackups(project: String?) throws -> [BackupRow] {
        guard let project else { return try loadBackups(.instance, "1", []) }
        return try loadBackups(
            .instance,
            """
            instance_id IN (SELECT instances.id FROM instances JOIN projects ON projects.id = project_id
                WHERE projects.name = ?)
            """, [project])
    }

    package func backup(of owner: BackupOwner, _ ownerID: Int64, name: String) throws -> BackupRow? {
        try loadBackups(owner, "\(owner.idColumn) = ? AND name = ?", [ownerID, name]).first
    }

    package func expiredBackups(_ owner: BackupOwner, at time: LXDTime) throws -> [BackupRow] {
        try loadBackups(owner, "expiry_date IS NOT NULL AND expiry_date <= ?", [storedText(time)])
    }

    /// Those that a process that died left behind.
    package func unfinishedBackups(_ owner: BackupOwner) throws -> [BackupRow] { try loadBackups(owner, "phase != 0", []) }

    @discardableResult
    package func insertBackup(_ backup: BackupRow) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO \(backup.owner.table) (\(backup.owner.idColumn), name, creation_date, expiry_date,
                    \(backup.owner.bareColumn), optimized_storage, phase) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                backup.ownerID, backup.name, storedText(backup.createdAt), backup.expiresAt.map(storedText), backup.isBare,
                backup.optimizedStorage, backup.phase.rawValue,
            ])
        return database.lastInsertedRowID
    }

    package func setPhase(of backup: BackupRow, _ phase: RowPhase) throws {
        try database.execute(
            sql: "UPDATE \(backup.owner.table) SET phase = ? WHERE id = ?", arguments: [phase.rawValue, backup.id])
    }

    package func rename(_ backup: BackupRow, to name: String) throws {
        try database.execute(sql: "UPDATE \(backup.owner.table) SET name = ? WHERE id = ?", arguments: [name, backup.id])
    }

    package func delete(_ backup: BackupRow) throws {
        try database.execute(sql: "DELETE FROM \(backup.owner.table) WHERE id = ?", arguments: [backup.id])
    }

    private func loadBackups(
        _ owner: BackupOwner, _ condition: String, _ arguments: StatementArguments
    ) throws -> [BackupRow] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT id, \(owner.idColumn), name, creation_date, expiry_date, \(owner.bareColumn), optimized_storage, phase
                FROM \(owner.table) WHERE \(condition) ORDER BY creation_date, id
                """, arguments: arguments
        ).map { BackupRow(owner, row: $0) }
    }
}
