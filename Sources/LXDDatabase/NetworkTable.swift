internal import GRDB

extension Migration {
    static let networks = Migration(
        name: "networks",
        sql: """
            CREATE TABLE networks (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                description TEXT NOT NULL DEFAULT '',
                state INTEGER NOT NULL DEFAULT 0,
                type INTEGER NOT NULL DEFAULT 0,
                UNIQUE (project_id, name)
            );
            """ + ConfigTable.schema("networks_config", owner: "network_id", references: "networks") + """
            CREATE TABLE networks_nodes (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                network_id INTEGER NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
                node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
                state INTEGER NOT NULL DEFAULT 0,
                UNIQUE (network_id, node_id)
            );
            """)
}

/// How far a network or pool came when it was created.
package enum CreationState: Int, Sendable {
    case pending = 0
    case created = 1
    case errored = 2
}

/// A managed network.
package struct NetworkRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var project = ""
    package var name = ""
    package var description = ""
    /// LXD's name of it: `bridge`, `macvlan`, `physical`, `sriov`, `ovn`.
    package var type = "bridge"
    package var state: CreationState = .pending
    package var config: [String: String] = [:]

    package init(project: String, name: String, type: String = "bridge") {
        self.project = project
        self.name = name
        self.type = type
    }

    fileprivate static let types = ["bridge", "macvlan", "sriov", "ovn", "physical"]
}

private let networkConfig = ConfigTable(table: "networks_config", owner: "network_id")

extension Transaction {
    /// The managed networks of one project, or of all, by id.
    package func networks(project: String? = nil) throws -> [NetworkRow] {
        guard let project else { return try loadNetworks("1", []) }
        return try loadNetworks("projects.name = ?", [project])
    }

    package func network(project: String, name: String) throws -> NetworkRow? {
        try loadNetworks("projects.name = ? AND networks.name = ?", [project, name]).first
    }

    @discardableResult
    package func insertNetwork(_ network: NetworkRow) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO networks (project_id, name, description, state, type)
                VALUES ((SELECT id FROM projects WHERE name = ?), ?, ?, ?, ?)
                """,
            arguments: [
                network.project, network.name, network.description, network.state.rawValue,
                NetworkRow.types.firstIndex(of: network.type) ?? 0,
            ])
        let id = database.lastInsertedRowID
        try networkConfig.replace(database, owner: id, with: network.config)
        try database.execute(
            sql: "INSERT INTO networks_nodes (network_id, node_id, state) VALUES (?, ?, ?)",
            arguments: [id, localMemberID, network.state.rawValue])
        return id
    }

    /// Writes name, description, state and configuration of the row with the same id.
    package func updateNetwork(_ network: NetworkRow) throws {
        try database.execute(
            sql: "UPDATE networks SET name = ?, description = ?, state = ? WHERE id = ?",
            arguments: [network.name, network.description, network.state.rawValue, network.id])
        try database.execute(
            sql: "UPDATE networks_nodes SET state = ? WHERE network_id = ? AND node_id = ?",
            arguments: [network.state.rawValue, network.id, localMemberID])
        try networkConfig.replace(database, owner: network.id, with: network.config)
    }

    package func deleteNetwork(id: Int64) throws {
        try database.execute(sql: "DELETE FROM networks WHERE id = ?", arguments: [id])
    }

    private func loadNetworks(_ condition: String, _ arguments: StatementArguments) throws -> [NetworkRow] {
        let from = "FROM networks JOIN projects ON projects.id = networks.project_id WHERE \(condition)"
        let config = try networkConfig.load(database, owners: "SELECT networks.id \(from)", arguments)
        return try Row.fetchAll(
            database,
            sql: """
                SELECT networks.id, projects.name, networks.name, networks.description, networks.state, networks.type
                \(from) ORDER BY networks.id
                """, arguments: arguments
        ).map { row in
            let type: Int = row[5]
            var network = NetworkRow(
                project: row[1], name: row[2],
                type: NetworkRow.types.indices.contains(type) ? NetworkRow.types[type] : "unknown")
            network.id = row[0]
            network.description = row[3]
            network.state = CreationState(rawValue: row[4]) ?? .errored
            network.config = config[network.id] ?? [:]
            return network
        }
    }
}
