internal import GRDB
package import LXDAPI

extension Migration {
    static let warnings = Migration(
        name: "warnings",
        sql: """
            CREATE TABLE warnings (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                node_id INTEGER REFERENCES nodes (id) ON DELETE CASCADE,
                project_id INTEGER REFERENCES projects (id) ON DELETE CASCADE,
                entity_type_code INTEGER NOT NULL DEFAULT -1,
                entity_id INTEGER NOT NULL DEFAULT -1,
                uuid TEXT NOT NULL UNIQUE,
                type_code INTEGER NOT NULL,
                status INTEGER NOT NULL,
                first_seen_date DATETIME NOT NULL,
                last_seen_date DATETIME NOT NULL,
                updated_date DATETIME,
                last_message TEXT NOT NULL,
                count INTEGER NOT NULL
            );
            CREATE UNIQUE INDEX warnings_unique ON warnings
                (IFNULL(node_id, -1), IFNULL(project_id, -1), entity_type_code, entity_id, type_code);
            """)
}

/// Something the administrator should look at.
package struct WarningRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var uuid = ""
    /// Empty when it concerns no server in particular.
    package var member = ""
    /// Empty when it concerns no project.
    package var project = ""
    /// -1 when it concerns no object.
    package var entityTypeCode = -1
    package var entityID: Int64 = -1
    package var typeCode = 0
    /// 1 new, 2 acknowledged, 3 resolved.
    package var status = 1
    package var firstSeenAt = LXDTime()
    package var lastSeenAt = LXDTime()
    package var updatedAt = LXDTime()
    package var lastMessage = ""
    package var count = 0

    package init() {}
}

extension Transaction {
    /// The warnings of one project, or of all, by id.
    package func warnings(project: String? = nil) throws -> [WarningRow] {
        guard let project else { return try loadWarnings("1", []) }
        return try loadWarnings("p.name = ?", [project])
    }

    package func warning(uuid: String) throws -> WarningRow? {
        try loadWarnings("w.uuid = ?", [uuid]).first
    }

    /// Adds the warning, or counts it once more when the same one is there.
    package func upsertWarning(_ warning: WarningRow) throws {
        let project = warning.project.isEmpty ? nil : warning.project
        let known = try Int64.fetchOne(
            database,
            sql: """
                SELECT id FROM warnings WHERE type_code = ? AND entity_type_code = ? AND entity_id = ?
                    AND IFNULL(project_id, -1) = IFNULL((SELECT id FROM projects WHERE name = ?), -1)
                    AND IFNULL(node_id, -1) = IFNULL((SELECT id FROM nodes WHERE name = ?), -1)
                """,
            arguments: [
                warning.typeCode, warning.entityTypeCode, warning.entityID, project,
                warning.member.isEmpty ? nil : warning.member,
            ])
        if let known {
            // A resolved warning that comes back is new again; an acknowledged one stays so.
            try database.execute(
                sql: """
                    UPDATE warnings SET last_message = ?, last_seen_date = ?, count = count + 1,
                        status = CASE status WHEN 3 THEN 1 ELSE status END WHERE id = ?
                    """, arguments: [warning.lastMessage, storedText(warning.lastSeenAt), known])
            return
        }
        try database.execute(
            sql: """
                INSERT INTO warnings (node_id, project_id, entity_type_code, entity_id, uuid, type_code, status,
                    first_seen_date, last_seen_date, updated_date, last_message, count)
                VALUES ((SELECT id FROM nodes WHERE name = ?), (SELECT id FROM projects WHERE name = ?),
                    ?, ?, ?, ?, 1, ?, ?, ?, ?, 1)
                """,
            arguments: [
                warning.member.isEmpty ? nil : warning.member, project, warning.entityTypeCode, warning.entityID,
                warning.uuid, warning.typeCode, storedText(warning.lastSeenAt), storedText(warning.lastSeenAt),
                storedText(LXDTime()), warning.lastMessage,
            ])
    }

    package func setWarningStatus(uuid: String, _ status: Int, at time: LXDTime) throws {
        try database.execute(
            sql: "UPDATE warnings SET status = ?, updated_date = ? WHERE uuid = ?", arguments: [status, storedText(time), uuid])
    }

    /// Marks as resolved what was seen before and is no longer so.
    package func resolveWarnings(typeCode: Int, entityTypeCode: Int, entityID: Int64, at time: LXDTime) throws {
        try database.execute(
            sql: """
                UPDATE warnings SET status = 3, updated_date = ?
                WHERE type_code = ? AND entity_type_code = ? AND entity_id = ? AND status != 3
                """, arguments: [storedText(time), typeCode, entityTypeCode, entityID])
    }

    package func deleteWarning(uuid: String) throws {
        try database.execute(sql: "DELETE FROM warnings WHERE uuid = ?", arguments: [uuid])
    }

    /// Removes the warnings about an object that goes away.
    package func deleteWarnings(entityTypeCode: Int, entityID: Int64) throws {
        try database.execute(
            sql: "DELETE FROM warnings WHERE entity_type_code = ? AND entity_id = ?",
            arguments: [entityTypeCode, entityID])
    }

    private func loadWarnings(_ condition: String, _ arguments: StatementArguments) throws -> [WarningRow] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT w.id, w.uuid, IFNULL(n.name, ''), IFNULL(p.name, ''), w.entity_type_code, w.entity_id, w.type_code,
                    w.status, w.first_seen_date, w.last_seen_date, w.updated_date, w.last_message, w.count
                FROM warnings AS w LEFT JOIN nodes AS n ON n.id = w.node_id LEFT JOIN projects AS p ON p.id = w.project_id
                WHERE \(condition) ORDER BY w.id
                """, arguments: arguments
        ).map { row in
            var warning = WarningRow()
            warning.id = row[0]
            warning.uuid = row[1]
            warning.member = row[2]
            warning.project = row[3]
            warning.entityTypeCode = row[4]
            warning.entityID = row[5]
            warning.typeCode = row[6]
            warning.status = row[7]
            warning.firstSeenAt = storedTime(row[8]) ?? LXDTime()
            warning.lastSeenAt = storedTime(row[9]) ?? LXDTime()
            warning.updatedAt = storedTime(row[10]) ?? LXDTime()
            warning.lastMessage = row[11]
            warning.count = row[12]
            return warning
        }
    }
}
