internal import GRDB

/// A table of `key`, `value` rows that belong to a row of another table.
struct ConfigTable {
    let table: String
    let owner: String

    /// The maps of all owners that `owners`, a query giving one column of ids, selects.
    func load(_ database: Database, owners: String, _ arguments: StatementArguments) throws -> [Int64: [String: String]] {
        let statement = try database.cachedStatement(
            sql: "SELECT \(owner), key, value FROM \(table) WHERE \(owner) IN (\(owners))")
        var result: [Int64: [String: String]] = [:]
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        while let row = try rows.next() {
            let id: Int64 = row[0]
            result[id, default: [:]][row[1]] = row[2] ?? ""
        }
        return result
    }

    /// Makes the owner's map exactly `config`. Empty values are as good as absent ones and are not kept.
    func replace(_ database: Database, owner id: Int64, with config: [String: String]) throws {
        try database.cachedStatement(sql: "DELETE FROM \(table) WHERE \(owner) = ?").execute(arguments: [id])
        let insert = try database.cachedStatement(sql: "INSERT INTO \(table) (\(owner), key, value) VALUES (?, ?, ?)")
        for (key, value) in config where !value.isEmpty {
            try insert.execute(arguments: [id, key, value])
        }
    }

    /// Sets the keys with a value and removes those with `nil` or nothing in it; others stay.
    func merge(_ database: Database, owner id: Int64, _ changes: [String: String?]) throws {
        for (key, value) in changes {
            if let value, !value.isEmpty {
                try database.cachedStatement(
                    sql: """
                        INSERT INTO \(table) (\(owner), key, value) VALUES (?, ?, ?)
                        ON CONFLICT (\(owner), key) DO UPDATE SET value = excluded.value
                        """
                ).execute(arguments: [id, key, value])
            } else {
                try database.cachedStatement(sql: "DELETE FROM \(table) WHERE \(owner) = ? AND key = ?")
                    .execute(arguments: [id, key])
            }
        }
    }

    static func schema(_ table: String, owner: String, references: String) -> String {
        """
        CREATE TABLE \(table) (
            id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
            \(owner) INTEGER NOT NULL REFERENCES \(references) (id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT,
            UNIQUE (\(owner), key)
        );
        """
    }
}

/// A pair of tables with the named devices of a row of another table and their keys.
struct DeviceTable {
    let table: String
    let owner: String
    /// The column of the second table that refers to the first.
    let device: String

    func load(
        _ database: Database, owners: String, _ arguments: StatementArguments
    ) throws -> [Int64: [String: [String: String]]] {
        let statement = try database.cachedStatement(
            sql: """
                SELECT d.\(owner), d.name, c.key, c.value FROM \(table) AS d
                LEFT JOIN \(table)_config AS c ON c.\(device) = d.id WHERE d.\(owner) IN (\(owners))
                """)
        var result: [Int64: [String: [String: String]]] = [:]
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        while let row = try rows.next() {
            let id: Int64 = row[0]
            let name: String = row[1]
            if let key: String = row[2] {
                result[id, default: [:]][name, default: [:]][key] = row[3] ?? ""
            } else {
                result[id, default: [:]][name, default: [:]] = [:]
            }
        }
        return result
    }

    func replace(_ database: Database, owner id: Int64, with devices: [String: [String: String]]) throws {
        try database.cachedStatement(sql: "DELETE FROM \(table) WHERE \(owner) = ?").execute(arguments: [id])
        for (name, config) in devices {
            try database.cachedStatement(sql: "INSERT INTO \(table) (\(owner), name, type) VALUES (?, ?, ?)")
                .execute(arguments: [id, name, Self.typeCodes[config["type"] ?? ""] ?? 0])
            let deviceID = database.lastInsertedRowID
            let insert = try database.cachedStatement(
                sql: "INSERT INTO \(table)_config (\(device), key, value) VALUES (?, ?, ?)")
            for (key, value) in config where !value.isEmpty {
                try insert.execute(arguments: [deviceID, key, value])
            }
        }
    }

    static func schema(_ table: String, owner: String, device: String, references: String) -> String {
        """
        CREATE TABLE \(table) (
            id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
            \(owner) INTEGER NOT NULL REFERENCES \(references) (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            type INTEGER NOT NULL DEFAULT 0,
            UNIQUE (\(owner), name)
        );
        """ + ConfigTable.schema("\(table)_config", owner: device, references: table)
    }

    /// The numbers that LXD's schema gives the device types; for people reading the tables, never read by us.
    private static let typeCodes: [String: Int] = [
        "none": 0, "nic": 1, "disk": 2, "unix-char": 3, "unix-block": 4, "usb": 5, "gpu": 6, "infiniband": 7,
        "proxy": 8, "unix-hotplug": 9, "tpm": 10, "pci": 11,
    ]
}
