internal import GRDB

extension Migration {
    static let projects = Migration(
        name: "projects",
        sql: """
            CREATE TABLE projects (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                name TEXT NOT NULL UNIQUE,
                description TEXT NOT NULL
            );
            """ + ConfigTable.schema("projects_config", owner: "project_id", references: "projects") + """
            INSERT INTO projects (id, name, description) VALUES (1, 'default', 'Default LXD project');
            INSERT INTO projects_config (project_id, key, value) VALUES
                (1, 'features.images', 'true'), (1, 'features.profiles', 'true'),
                (1, 'features.storage.volumes', 'true'), (1, 'features.networks', 'true');
            """)
}

/// A project and its configuration.
package struct ProjectRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var name = ""
    package var description = ""
    package var config: [String: String] = [:]

    package init(name: String, description: String = "", config: [String: String] = [:]) {
        self.name = name
        self.description = description
        self.config = config
    }

    fileprivate init(row: Row) {
        id = row[0]
        name = row[1]
        description = row[2]
    }
}

private let projectConfig = ConfigTable(table: "projects_config", owner: "project_id")

extension Transaction {
    /// All projects by name.
    package func projects() throws -> [ProjectRow] {
        try loadProjects("1", [])
    }

    package func project(_ name: String) throws -> ProjectRow? {
        try loadProjects("name = ?", [name]).first
    }

    @discardableResult
    package func insertProject(_ project: ProjectRow) throws -> Int64 {
        try database.execute(
            sql: "INSERT INTO projects (name, description) VALUES (?, ?)", arguments: [project.name, project.description])
        let id = database.lastInsertedRowID
        try projectConfig.replace(database, owner: id, with: project.config)
        return id
    }

    /// Writes name, description and configuration of the row with the same id.
    package func updateProject(_ project: ProjectRow) throws {
        try database.execute(
            sql: "UPDATE projects SET name = ?, description = ? WHERE id = ?",
            arguments: [project.name, project.description, project.id])
        try projectConfig.replace(database, owner: project.id, with: project.config)
    }

    package func deleteProject(id: Int64) throws {
        try database.execute(sql: "DELETE FROM projects WHERE id = ?", arguments: [id])
    }

    private func loadProjects(_ condition: String, _ arguments: StatementArguments) throws -> [ProjectRow] {
        let config = try projectConfig.load(
            database, owners: "SELECT id FROM projects WHERE \(condition)", arguments)
        return try Row.fetchAll(
            database, sql: "SELECT id, name, description FROM projects WHERE \(condition) ORDER BY name",
            arguments: arguments
        ).map {
            var project = ProjectRow(row: $0)
            project.config = config[project.id] ?? [:]
            return project
        }
    }
}
