internal import GRDB
package import LXDAPI

extension Migration {
    static let storageVolumes = Migration(
        name: "storage_volumes",
        sql: """
            CREATE TABLE storage_volumes (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                name TEXT NOT NULL,
                storage_pool_id INTEGER NOT NULL REFERENCES storage_pools (id) ON DELETE CASCADE,
                node_id INTEGER REFERENCES nodes (id) ON DELETE CASCADE,
                type INTEGER NOT NULL,
                description TEXT NOT NULL DEFAULT '',
                project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
                content_type INTEGER NOT NULL DEFAULT 0,
                creation_date DATETIME,
                UNIQUE (storage_pool_id, node_id, project_id, name, type)
            );
            """ + ConfigTable.schema("storage_volumes_config", owner: "storage_volume_id", references: "storage_volumes")
            + """
            CREATE TABLE storage_volumes_snapshots (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                storage_volume_id INTEGER NOT NULL REFERENCES storage_volumes (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                description TEXT NOT NULL DEFAULT '',
                expiry_date DATETIME,
                creation_date DATETIME,
                UNIQUE (storage_volume_id, name)
            );
            """
            + ConfigTable.schema(
                "storage_volumes_snapshots_config", owner: "storage_volume_snapshot_id",
                references: "storage_volumes_snapshots"))
}

/// What a volume is for; the numbers are those of LXD's schema.
package enum VolumeKind: Int, Sendable, CaseIterable {
    case container = 0
    case image = 1
    case custom = 2
    case virtualMachine = 3

    /// As in a URL: `container`, `image`, `custom`, `virtual-machine`.
    package var name: String {
        switch self {
        case .container: "container"
        case .image: "image"
        case .custom: "custom"
        case .virtualMachine: "virtual-machine"
        }
    }

    package init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// A volume of a pool.
package struct VolumeRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var pool = ""
    package var project = ""
    package var name = ""
    package var kind: VolumeKind = .custom
    /// `filesystem` or `block`.
    package var contentType = "filesystem"
    package var description = ""
    package var createdAt = LXDTime()
    package var config: [String: String] = [:]

    package init(pool: String, project: String, name: String, kind: VolumeKind) {
        self.pool = pool
        self.project = project
        self.name = name
        self.kind = kind
    }
}

/// A snapshot of a volume.
package struct VolumeSnapshotRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var volumeID: Int64 = 0
    /// Without the volume's name and slash.
    package var name = ""
    package var description = ""
    package var expiresAt = LXDTime()
    package var createdAt = LXDTime()
    package var config: [String: String] = [:]

    package init(volumeID: Int64, name: String) {
        self.volumeID = volumeID
        self.name = name
    }
}

private let volumeConfig = ConfigTable(table: "storage_volumes_config", owner: "storage_volume_id")
private let volumeSnapshotConfig = ConfigTable(
    table: "storage_volumes_snapshots_config", owner: "storage_volume_snapshot_id")

extension Transaction {
    /// The volumes that match all that is given, by id.
    package func storageVolumes(
        pool: String? = nil, project: String? = nil, kind: VolumeKind? = nil, name: String? = nil
    ) throws -> [VolumeRow] {
        var conditions = ["1"]
        var arguments: StatementArguments = []
        func add(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments += [value]
        }
        add("sp.name = ?", pool)
        add("p.name = ?", project)
        add("v.type = ?", kind?.rawValue)
        add("v.name = ?", name)
        return try loadVolumes(conditions.joined(separator: " AND "), arguments)
    }

    package func storageVolume(pool: String, project: String, kind: VolumeKind, name: String) throws -> VolumeRow? {
        try storageVolumes(pool: pool, project: project, kind: kind, name: name).first
    }

    @discardableResult
    package func insertStorageVolume(_ volume: VolumeRow) throws -> Int64 {
        try database.cachedStatement(
            sql: """
                INSERT INTO storage_volumes (name, storage_pool_id, node_id, type, description, project_id, content_type,
                    creation_date)
                VALUES (?, (SELECT id FROM storage_pools WHERE name = ?), ?, ?, ?,
                    (SELECT id FROM projects WHERE name = ?), ?, ?)
                """
        ).execute(arguments: [
            volume.name, volume.pool, localMemberID, volume.kind.rawValue, volume.description, volume.project,
            volume.contentType == "block" ? 1 : 0, storedText(volume.createdAt),
        ])
        let id = database.lastInsertedRowID
        try volumeConfig.replace(database, owner: id, with: volume.config)
        return id
    }

    /// Writes name, pool, project, description and configuration of the row with the same id.
    package func updateStorageVolume(_ volume: VolumeRow) throws {
        try database.execute(
            sql: """
                UPDATE storage_volumes SET name = ?, description = ?,
                    storage_pool_id = (SELECT id FROM storage_pools WHERE name = ?),
                    project_id = (SELECT id FROM projects WHERE name = ?) WHERE id = ?
                """, arguments: [volume.name, volume.description, volume.pool, volume.project, volume.id])
        try volumeConfig.replace(database, owner: volume.id, with: volume.config)
    }

    package func deleteStorageVolume(id: Int64) throws {
        try database.execute(sql: "DELETE FROM storage_volumes WHERE id = ?", arguments: [id])
    }

    /// The snapshots of a volume, oldest first.
    package func storageVolumeSnapshots(volumeID: Int64) throws -> [VolumeSnapshotRow] {
        try loadVolumeSnapshots("storage_volume_id = ?", [volumeID])
    }

    /// The names of all snapshots in a pool, by the number of their volume's row; those of instances as the instances
    /// have them.
    package func snapshotNames(pool: String) throws -> [Int64: [String]] {
        var names: [Int64: [String]] = [:]
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    WITH volumes AS (
                        SELECT v.* FROM storage_volumes AS v JOIN storage_pools AS p ON p.id = v.storage_pool_id WHERE p.name = ?)
                    SELECT volumes.id, s.name FROM volumes
                    JOIN instances AS i ON i.project_id = volumes.project_id AND i.name = volumes.name
                    JOIN instances_snapshots AS s ON s.instance_id = i.id WHERE volumes.type IN (0, 3)
                    UNION ALL
                    SELECT volumes.id, s.name FROM volumes
                    JOIN storage_volumes_snapshots AS s ON s.storage_volume_id = volumes.id WHERE volumes.type = 2
                    """), arguments: [pool])
        while let row = try rows.next() {
            let id: Int64 = row[0]
            names[id, default: []].append(row[1])
        }
        return names
    }

    package func storageVolumeSnapshot(volumeID: Int64, name: String) throws -> VolumeSnapshotRow? {
        try loadVolumeSnapshots("storage_volume_id = ? AND name = ?", [volumeID, name]).first
    }

    @discardableResult
    package func insertStorageVolumeSnapshot(_ snapshot: VolumeSnapshotRow) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO storage_volumes_snapshots (storage_volume_id, name, description, expiry_date, creation_date)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                snapshot.volumeID, snapshot.name, snapshot.description, storedText(snapshot.expiresAt),
                storedText(snapshot.createdAt),
            ])
        let id = database.lastInsertedRowID
        try volumeSnapshotConfig.replace(database, owner: id, with: snapshot.config)
        return id
    }

    /// Writes name, description, expiry and configuration of the row with the same id.
    package func updateStorageVolumeSnapshot(_ snapshot: VolumeSnapshotRow) throws {
        try database.execute(
            sql: "UPDATE storage_volumes_snapshots SET name = ?, description = ?, expiry_date = ? WHERE id = ?",
            arguments: [snapshot.name, snapshot.description, storedText(snapshot.expiresAt), snapshot.id])
        try volumeSnapshotConfig.replace(database, owner: snapshot.id, with: snapshot.config)
    }

    package func deleteStorageVolumeSnapshot(id: Int64) throws {
        try database.execute(sql: "DELETE FROM storage_volumes_snapshots WHERE id = ?", arguments: [id])
    }

    private func loadVolumes(_ condition: String, _ arguments: StatementArguments) throws -> [VolumeRow] {
        let from = """
            FROM storage_volumes AS v JOIN storage_pools AS sp ON sp.id = v.storage_pool_id
            JOIN projects AS p ON p.id = v.project_id WHERE \(condition)
            """
        let config = try volumeConfig.load(database, owners: "SELECT v.id \(from)", arguments)
        return try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT v.id, sp.name, p.name, v.name, v.type, v.content_type, v.description, v.creation_date
                    \(from) ORDER BY v.id
                    """), arguments: arguments
        ).compactMap { row in
            guard let kind = VolumeKind(rawValue: row[4]) else { return nil }
            var volume = VolumeRow(pool: row[1], project: row[2], name: row[3], kind: kind)
            volume.id = row[0]
            volume.contentType = (row[5] as Int) == 1 ? "block" : "filesystem"
            volume.description = row[6]
            volume.createdAt = storedTime(row[7]) ?? LXDTime()
            volume.config = config[volume.id] ?? [:]
            return volume
        }
    }

    private func loadVolumeSnapshots(
        _ condition: String, _ arguments: StatementArguments
    ) throws -> [VolumeSnapshotRow] {
        let config = try volumeSnapshotConfig.load(
            database, owners: "SELECT id FROM storage_volumes_snapshots WHERE \(condition)", arguments)
        return try Row.fetchAll(
            database,
            sql: """
                SELECT id, storage_volume_id, name, description, expiry_date, creation_date
                FROM storage_volumes_snapshots WHERE \(condition) ORDER BY id
                """, arguments: arguments
        ).map { row in
            var snapshot = VolumeSnapshotRow(volumeID: row[1], name: row[2])
            snapshot.id = row[0]
            snapshot.description = row[3]
            snapshot.expiresAt = storedTime(row[4]) ?? LXDTime()
            snapshot.createdAt = storedTime(row[5]) ?? LXDTime()
            snapshot.config = config[snapshot.id] ?? [:]
            return snapshot
        }
    }
}
