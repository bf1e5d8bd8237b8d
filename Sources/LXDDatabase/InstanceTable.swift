package import LXDAPI
internal import GRDB

extension Migration {
    /// `phase` tells rows whose volume is being made or removed from finished ones (see ``RowPhase``).
    static let instances = Migration(
        name: "instances",
        sql: """
            CREATE TABLE instances (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                architecture INTEGER NOT NULL,
                type INTEGER NOT NULL,
                ephemeral INTEGER NOT NULL DEFAULT 0,
                creation_date DATETIME NOT NULL DEFAULT 0,
                stateful INTEGER NOT NULL DEFAULT 0,
                last_use_date DATETIME,
                description TEXT NOT NULL,
                project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
                expiry_date DATETIME,
                phase INTEGER NOT NULL DEFAULT 0,
                UNIQUE (project_id, name)
            );
            CREATE INDEX instances_node_id_idx ON instances (node_id);
            """ + ConfigTable.schema("instances_config", owner: "instance_id", references: "instances")
            + DeviceTable.schema(
                "instances_devices", owner: "instance_id", device: "instance_device_id", references: "instances")
            + """
            CREATE TABLE instances_profiles (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                instance_id INTEGER NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
                profile_id INTEGER NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
                apply_order INTEGER NOT NULL DEFAULT 0,
                UNIQUE (instance_id, profile_id)
            );
            CREATE INDEX instances_profiles_profile_id_idx ON instances_profiles (profile_id);
            """)
}

/// How far the things that belong to a row have come.
///
/// A row that is not ``ready`` when the daemon starts is left over from a process that died: it is removed, with
/// whatever is on disk.
package enum RowPhase: Int, Sendable {
    case ready = 0
    case creating = 1
    case deleting = 2
}

/// An instance as stored: its own configuration, before profiles are applied.
package struct InstanceRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var project = ""
    package var location = "none"
    package var name = ""
    /// LXD's number of the architecture.
    package var architecture = 0
    package var type = InstanceType.container
    package var ephemeral = false
    package var stateful = false
    package var createdAt: LXDTime
    package var lastUsedAt: LXDTime?
    package var description = ""
    package var phase = RowPhase.ready
    package var config: [String: String] = [:]
    package var devices: [String: [String: String]] = [:]
    /// In the order in which they apply.
    package var profiles: [String] = []

    package init(project: String, name: String, createdAt: LXDTime) {
        self.project = project
        self.name = name
        self.createdAt = createdAt
    }

    fileprivate init(row: Row) {
        id = row[0]
        project = row[1]
        location = row[2]
        name = row[3]
        architecture = row[4]
        type = row[5] == 1 ? .virtualMachine : .container
        ephemeral = row[6]
        stateful = row[7]
        createdAt = storedTime(row[8]) ?? LXDTime()
        lastUsedAt = storedTime(row[9])
        description = row[10]
        phase = RowPhase(rawValue: row[11]) ?? .ready
    }
}

private let instanceConfig = ConfigTable(table: "instances_config", owner: "instance_id")
let instanceDevices = DeviceTable(
    table: "instances_devices", owner: "instance_id", device: "instance_device_id")

extension Transaction {
    /// The instances of one project, or of all, by project and name; five queries however many there are.
    package func instances(project: String? = nil) throws -> [InstanceRow] {
        guard let project else { return try loadInstances("1", []) }
        return try loadInstances("projects.name = ?", [project])
    }

    package func instance(project: String, name: String) throws -> InstanceRow? {
        try loadInstances("projects.name = ? AND instances.name = ?", [project, name]).first
    }

    package func instance(id: Int64) throws -> InstanceRow? {
        try loadInstances("instances.id = ?", [id]).first
    }

    /// The instances that use a profile.
    package func instances(usingProfile id: Int64) throws -> [InstanceRow] {
        try loadInstances("instances.id IN (SELECT instance_id FROM instances_profiles WHERE profile_id = ?)", [id])
    }

    /// What a restart has to clean up.
    package func unfinishedInstances() throws -> [InstanceRow] {
        try loadInstances("instances.phase != 0", [])
    }

    package func instanceNames(project: String) throws -> [String] {
        try String.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT instances.name FROM instances JOIN projects ON projects.id = instances.project_id
                    WHERE projects.name = ? ORDER BY instances.name
                    """), arguments: [project])
    }

    /// The value of one key in every instance that has it, keyed by the instance's id.
    package func instanceConfigValues(key: String) throws -> [Int64: String] {
        var values: [Int64: String] = [:]
        for row in try Row.fetchAll(
            database.cachedStatement(sql: "SELECT instance_id, value FROM instances_config WHERE key = ?"),
            arguments: [key])
        {
            values[row[0]] = row[1]
        }
        return values
    }

    /// Adds a row; its project and profiles must exist.
    @discardableResult
    package func insertInstance(_ instance: InstanceRow) throws -> Int64 {
        try database.cachedStatement(
            sql: """
                INSERT INTO instances (node_id, name, architecture, type, ephemeral, creation_date, stateful,
                    last_use_date, description, project_id, phase)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM projects WHERE name = ?), ?)
                """
        ).execute(
            arguments: [
                localMemberID, instance.name, instance.architecture, instance.type == .virtualMachine ? 1 : 0,
                instance.ephemeral, storedText(instance.createdAt), instance.stateful,
                instance.lastUsedAt.map(storedText), instance.description, instance.project, instance.phase.rawValue,
            ])
        let id = database.lastInsertedRowID
        try instanceConfig.replace(database, owner: id, with: instance.config)
        try instanceDevices.replace(database, owner: id, with: instance.devices)
        try replaceProfiles(of: id, project: instance.project, with: instance.profiles)
        return id
    }

    /// Writes everything a user can change of the row with the same id: all but project, location and creation date.
    package func updateInstance(_ instance: InstanceRow) throws {
        try database.cachedStatement(
            sql: """
                UPDATE instances SET name = ?, architecture = ?, ephemeral = ?, stateful = ?, description = ?
                WHERE id = ?
                """
        ).execute(
            arguments: [
                instance.name, instance.architecture, instance.ephemeral, instance.stateful, instance.description,
                instance.id,
            ])
        try instanceConfig.replace(database, owner: instance.id, with: instance.config)
        try instanceDevices.replace(database, owner: instance.id, with: instance.devices)
        try replaceProfiles(of: instance.id, project: instance.project, with: instance.profiles)
    }

    /// Sets keys, or removes those with `nil`; meant for volatile ones, so nothing is checked.
    package func mergeInstanceConfig(id: Int64, _ changes: [String: String?]) throws {
        try instanceConfig.merge(database, owner: id, changes)
    }

    package func setInstancePhase(id: Int64, _ phase: RowPhase) throws {
        try database.execute(sql: "UPDATE instances SET phase = ? WHERE id = ?", arguments: [phase.rawValue, id])
    }

    package func setInstanceLastUsed(id: Int64, _ time: LXDTime) throws {
        try database.execute(
            sql: "UPDATE instances SET last_use_date = ? WHERE id = ?", arguments: [storedText(time), id])
    }

    package func renameInstance(id: Int64, to name: String) throws {
        try database.execute(sql: "UPDATE instances SET name = ? WHERE id = ?", arguments: [name, id])
    }

    /// Moves a row to another project; its profiles must exist there under the same names.
    package func moveInstance(id: Int64, project: String, profiles: [String]) throws {
        try database.execute(
            sql: "UPDATE instances SET project_id = (SELECT id FROM projects WHERE name = ?) WHERE id = ?",
            arguments: [project, id])
        try replaceProfiles(of: id, project: project, with: profiles)
    }

    package func deleteInstance(id: Int64) throws {
        try database.execute(sql: "DELETE FROM instances WHERE id = ?", arguments: [id])
    }

    /// The profiles are the project's own, or the default project's when it shares those.
    private func replaceProfiles(of id: Int64, project: String, with names: [String]) throws {
        try database.cachedStatement(sql: "DELETE FROM instances_profiles WHERE instance_id = ?")
            .execute(arguments: [id])
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO instances_profiles (instance_id, profile_id, apply_order) VALUES (?,
                    (SELECT profiles.id FROM profiles JOIN projects ON projects.id = profiles.project_id
                     WHERE profiles.name = ? AND projects.name = CASE WHEN EXISTS (
                         SELECT 1 FROM projects_config AS c JOIN projects AS p ON p.id = c.project_id
                         WHERE p.name = ? AND c.key = 'features.profiles' AND c.value IN ('true', '1', 'yes', 'on'))
                     THEN ? ELSE 'default' END), ?)
                """)
        for (order, name) in names.enumerated() {
            try insert.execute(arguments: [id, name, project, project, order + 1])
        }
    }

    private func loadInstances(_ condition: String, _ arguments: StatementArguments) throws -> [InstanceRow] {
        let from = "FROM instances JOIN projects ON projects.id = instances.project_id WHERE \(condition)"
        let ids = "SELECT instances.id \(from)"
        var instances = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT instances.id, projects.name, (SELECT nodes.name FROM nodes WHERE nodes.id = node_id),
                        instances.name, architecture, type, ephemeral, stateful, creation_date, last_use_date,
                        instances.description, phase
                    \(from) ORDER BY projects.name, instances.name
                    """), arguments: arguments
        ).map { InstanceRow(row: $0) }
        if instances.isEmpty { return [] }
        let config = try instanceConfig.load(database, owners: ids, arguments)
        let devices = try instanceDevices.load(database, owners: ids, arguments)
        var profiles: [Int64: [String]] = [:]
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT instance_id, profiles.name FROM instances_profiles
                    JOIN profiles ON profiles.id = profile_id WHERE instance_id IN (\(ids)) ORDER BY apply_order
                    """), arguments: arguments)
        while let row = try rows.next() {
            let id: Int64 = row[0]
            profiles[id, default: []].append(row[1])
        }
        for index in instances.indices {
            let id = instances[index].id
            instances[index].config = config[id] ?? [:]
            instances[index].devices = devices[id] ?? [:]
            instances[index].profiles = profiles[id] ?? []
        }
        return instances
    }
}
