package import LXDAPI
internal import GRDB

extension Migration {
    static let snapshots = Migration(
        name: "snapshots",
        sql: """
            CREATE TABLE instances_snapshots (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                instance_id INTEGER NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                creation_date DATETIME NOT NULL DEFAULT 0,
                stateful INTEGER NOT NULL DEFAULT 0,
                description TEXT NOT NULL,
                expiry_date DATETIME,
                phase INTEGER NOT NULL DEFAULT 0,
                UNIQUE (instance_id, name)
            );
            CREATE INDEX instances_snapshots_expiry_idx ON instances_snapshots (expiry_date);
            """
            + ConfigTable.schema(
                "instances_snapshots_config", owner: "instance_snapshot_id", references: "instances_snapshots")
            + DeviceTable.schema(
                "instances_snapshots_devices", owner: "instance_snapshot_id", device: "instance_snapshot_device_id",
                references: "instances_snapshots"))
}

/// A snapshot of an instance: what its own configuration was then. Its profiles are the instance's present ones.
package struct SnapshotRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var instanceID: Int64 = 0
    /// Without the instance's name.
    package var name = ""
    package var stateful = false
    package var createdAt: LXDTime
    /// Nothing: kept until deleted.
    package var expiresAt: LXDTime?
    package var description = ""
    package var phase = RowPhase.ready
    package var config: [String: String] = [:]
    package var devices: [String: [String: String]] = [:]

    package init(instanceID: Int64, name: String, createdAt: LXDTime) {
        self.instanceID = instanceID
        self.name = name
        self.createdAt = createdAt
    }

    fileprivate init(row: Row) {
        id = row[0]
        instanceID = row[1]
        name = row[2]
        stateful = row[3]
        createdAt = storedTime(row[4]) ?? LXDTime()
        expiresAt = storedTime(row[5])
        description = row[6]
        phase = RowPhase(rawValue: row[7]) ?? .ready
    }
}

private let snapshotConfig = ConfigTable(table: "instances_snapshots_config", owner: "instance_snapshot_id")
private let snapshotDevices = DeviceTable(
    table: "instances_snapshots_devices", owner: "instance_snapshot_id", device: "instance_snapshot_device_id")

extension Transaction {
    /// An instance's snapshots, oldest first.
    package func snapshots(instanceID: Int64) throws -> [SnapshotRow] {
        try loadSnapshots("instance_id = ?", [instanceID])
    }

    /// The snapshots of all instances of a project, or of all projects.
    package func snapshots(project: String?) throws -> [SnapshotRow] {
        guard let project else { return try loadSnapshots("1", []) }
        return try loadSnapshots(
            """
            instance_id IN (SELECT instances.id FROM instances JOIN projects ON projects.id = project_id
                WHERE projects.name = ?)
            """, [project])
    }

    package func snapshot(instanceID: Int64, name: String) throws -> SnapshotRow? {
        try loadSnapshots("instance_id = ? AND name = ?", [instanceID, name]).first
    }

    /// Snapshots whose time is over at `time`.
    package func expiredSnapshots(at time: LXDTime) throws -> [SnapshotRow] {
        try loadSnapshots("expiry_date IS NOT NULL AND expiry_date <= ?", [storedText(time)])
    }

    /// What a restart has to clean up.
    package func unfinishedSnapshots() throws -> [SnapshotRow] {
        try loadSnapshots("phase != 0", [])
    }

    @discardableResult
    package func insertSnapshot(_ snapshot: SnapshotRow) throws -> Int64 {
        try database.cachedStatement(
            sql: """
                INSERT INTO instances_snapshots (instance_id, name, creation_date, stateful, description, expiry_date,
                    phase) VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                snapshot.instanceID, snapshot.name, storedText(snapshot.createdAt), snapshot.stateful,
                snapshot.description, snapshot.expiresAt.map(storedText), snapshot.phase.rawValue,
            ])
        let id = database.lastInsertedRowID
        try snapshotConfig.replace(database, owner: id, with: snapshot.config)
        try snapshotDevices.replace(database, owner: id, with: snapshot.devices)
        return id
    }

    package func setSnapshotExpiry(id: Int64, _ time: LXDTime?) throws {
        try database.execute(
            sql: "UPDATE instances_snapshots SET expiry_date = ? WHERE id = ?", arguments: [time.map(storedText), id])
    }

    package func setSnapshotPhase(id: Int64, _ phase: RowPhase) throws {
        try database.execute(
            sql: "UPDATE instances_snapshots SET phase = ? WHERE id = ?", arguments: [phase.rawValue, id])
    }

    package func renameSnapshot(id: Int64, to name: String) throws {
        try database.execute(sql: "UPDATE instances_snapshots SET name = ? WHERE id = ?", arguments: [name, id])
    }

    package func deleteSnapshot(id: Int64) throws {
        try database.execute(sql: "DELETE FROM instances_snapshots WHERE id = ?", arguments: [id])
    }

    private func loadSnapshots(_ condition: String, _ arguments: StatementArguments) throws -> [SnapshotRow] {
        var snapshots = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT id, instance_id, name, stateful, creation_date, expiry_date, description, phase
                    FROM instances_snapshots WHERE \(condition) ORDER BY creation_date, id
                    """), arguments: arguments
        ).map { SnapshotRow(row: $0) }
        if snapshots.isEmpty { return [] }
        let ids = "SELECT id FROM instances_snapshots WHERE \(condition)"
        let config = try snapshotConfig.load(database, owners: ids, arguments)
        let devices = try snapshotDevices.load(database, owners: ids, arguments)
        for index in snapshots.indices {
            snapshots[index].config = config[snapshots[index].id] ?? [:]
            snapshots[index].devices = devices[snapshots[index].id] ?? [:]
        }
        return snapshots
    }
}
