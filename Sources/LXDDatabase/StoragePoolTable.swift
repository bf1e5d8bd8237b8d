internal import GRDB

extension Migration {
    static let storagePools = Migration(
        name: "storage_pools",
        sql: """
            CREATE TABLE storage_pools (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                name TEXT NOT NULL UNIQUE,
                driver TEXT NOT NULL,
                description TEXT NOT NULL DEFAULT '',
                state INTEGER NOT NULL DEFAULT 0
            );
            """ + ConfigTable.schema("storage_pools_config", owner: "storage_pool_id", references: "storage_pools") + """
            CREATE TABLE storage_pools_nodes (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                storage_pool_id INTEGER NOT NULL REFERENCES storage_pools (id) ON DELETE CASCADE,
                node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
                state INTEGER NOT NULL DEFAULT 0,
                UNIQUE (storage_pool_id, node_id)
            );
            """)
}

/// A storage pool.
package struct PoolRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var name = ""
    package var driver = ""
    package var description = ""
    package var state: CreationState = .pending
    package var config: [String: String] = [:]

    package init(name: String, driver: String) {
        self.name = name
        self.driver = driver
    }
}

private let poolConfig = ConfigTable(table: "storage_pools_config", owner: "storage_pool_id")

extension Transaction {
    /// All pools by id.
    package func storagePools() throws -> [PoolRow] {
        try loadPools("1", [])
    }

    package func storagePool(_ name: String) throws -> PoolRow? {
        try loadPools("name = ?", [name]).first
    }

    @discardableResult
    package func insertStoragePool(_ pool: PoolRow) throws -> Int64 {
        try database.execute(
            sql: "INSERT INTO storage_pools (name, driver, description, state) VALUES (?, ?, ?, ?)",
            arguments: [pool.name, pool.driver, pool.description, pool.state.rawValue])
        let id = database.lastInsertedRowID
        try poolConfig.replace(database, owner: id, with: pool.config)
        try database.execute(
            sql: "INSERT INTO storage_pools_nodes (storage_pool_id, node_id, state) VALUES (?, ?, ?)",
            arguments: [id, localMemberID, pool.state.rawValue])
        return id
    }

    /// Writes description, state and configuration of the row with the same id.
    package func updateStoragePool(_ pool: PoolRow) throws {
        try database.execute(
            sql: "UPDATE storage_pools SET description = ?, state = ? WHERE id = ?",
            arguments: [pool.description, pool.state.rawValue, pool.id])
        try database.execute(
            sql: "UPDATE storage_pools_nodes SET state = ? WHERE storage_pool_id = ? AND node_id = ?",
            arguments: [pool.state.rawValue, pool.id, localMemberID])
        try poolConfig.replace(database, owner: pool.id, with: pool.config)
    }

    package func deleteStoragePool(id: Int64) throws {
        try database.execute(sql: "DELETE FROM storage_pools WHERE id = ?", arguments: [id])
    }

    private func loadPools(_ condition: String, _ arguments: StatementArguments) throws -> [PoolRow] {
        let config = try poolConfig.load(
            database, owners: "SELECT id FROM storage_pools WHERE \(condition)", arguments)
        return try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT id, name, driver, description, state FROM storage_pools WHERE \(condition) ORDER BY id"),
            arguments: arguments
        ).map { row in
            var pool = PoolRow(name: row[1], driver: row[2])
            pool.id = row[0]
            pool.description = row[3]
            pool.state = CreationState(rawValue: row[4]) ?? .errored
            pool.config = config[pool.id] ?? [:]
            return pool
        }
    }
}
