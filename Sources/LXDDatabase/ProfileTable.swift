internal import GRDB

extension Migration {
    static let profiles = Migration(
        name: "profiles",
        sql: """
            CREATE TABLE profiles (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                name TEXT NOT NULL,
                description TEXT NOT NULL,
                project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
                UNIQUE (project_id, name)
            );
            """ + ConfigTable.schema("profiles_config", owner: "profile_id", references: "profiles")
            + DeviceTable.schema(
                "profiles_devices", owner: "profile_id", device: "profile_device_id", references: "profiles")
            + """
            INSERT INTO profiles (id, name, description, project_id) VALUES (1, 'default', 'Default LXD profile', 1);
            """)
}

/// A profile: configuration and devices that instances share.
package struct ProfileRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var project = ""
    package var name = ""
    package var description = ""
    package var config: [String: String] = [:]
    package var devices: [String: [String: String]] = [:]

    package init(
        project: String, name: String, description: String = "", config: [String: String] = [:],
        devices: [String: [String: String]] = [:]
    ) {
        self.project = project
        self.name = name
        self.description = description
        self.config = config
        self.devices = devices
    }

    fileprivate init(row: Row) {
        id = row[0]
        project = row[1]
        name = row[2]
        description = row[3]
    }
}

/// A user of a profile.
package struct ProfileUse: Sendable, Hashable {
    package var project: String
    package var instance: String
}

private let profileConfig = ConfigTable(table: "profiles_config", owner: "profile_id")
private let profileDevices = DeviceTable(table: "profiles_devices", owner: "profile_id", device: "profile_device_id")

extension Transaction {
    /// The profiles of one project, or of all, by project and name.
    package func profiles(project: String? = nil) throws -> [ProfileRow] {
        guard let project else { return try loadProfiles("1", []) }
        return try loadProfiles("projects.name = ?", [project])
    }

    package func profile(project: String, name: String) throws -> ProfileRow? {
        try loadProfiles("projects.name = ? AND profiles.name = ?", [project, name]).first
    }

    @discardableResult
    package func insertProfile(_ profile: ProfileRow) throws -> Int64 {
        try database.execute(
            sql: "INSERT INTO profiles (name, description, project_id) VALUES (?, ?, (SELECT id FROM projects WHERE name = ?))",
            arguments: [profile.name, profile.description, profile.project])
        let id = database.lastInsertedRowID
        try profileConfig.replace(database, owner: id, with: profile.config)
        try profileDevices.replace(database, owner: id, with: profile.devices)
        return id
    }

    /// Writes name, description, configuration and devices of the row with the same id.
    package func updateProfile(_ profile: ProfileRow) throws {
        try database.execute(
            sql: "UPDATE profiles SET name = ?, description = ? WHERE id = ?",
            arguments: [profile.name, profile.description, profile.id])
        try profileConfig.replace(database, owner: profile.id, with: profile.config)
        try profileDevices.replace(database, owner: profile.id, with: profile.devices)
    }

    package func deleteProfile(id: Int64) throws {
        try database.execute(sql: "DELETE FROM profiles WHERE id = ?", arguments: [id])
    }

    /// The instances that use each profile, keyed by the profile's id.
    package func profileUses() throws -> [Int64: [ProfileUse]] {
        var uses: [Int64: [ProfileUse]] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT ip.profile_id, projects.name, instances.name FROM instances_profiles AS ip
                JOIN instances ON instances.id = ip.instance_id JOIN projects ON projects.id = instances.project_id
                ORDER BY projects.name, instances.name
                """)
        while let row = try rows.next() {
            let id: Int64 = row[0]
            uses[id, default: []].append(ProfileUse(project: row[1], instance: row[2]))
        }
        return uses
    }

    private func loadProfiles(_ condition: String, _ arguments: StatementArguments) throws -> [ProfileRow] {
        let from = "FROM profiles JOIN projects ON projects.id = profiles.project_id WHERE \(condition)"
        let config = try profileConfig.load(database, owners: "SELECT profiles.id \(from)", arguments)
        let devices = try profileDevices.load(database, owners: "SELECT profiles.id \(from)", arguments)
        return try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT profiles.id, projects.name, profiles.name, profiles.description \(from)
                    ORDER BY projects.name, profiles.name
                    """), arguments: arguments
        ).map {
            var profile = ProfileRow(row: $0)
            profile.config = config[profile.id] ?? [:]
            profile.devices = devices[profile.id] ?? [:]
            return profile
        }
    }
}
