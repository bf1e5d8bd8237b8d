internal import GRDB

extension Migration {
    static let serverConfig = Migration(
        name: "config",
        sql: """
            CREATE TABLE config (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                key TEXT NOT NULL UNIQUE,
                value TEXT
            );
            """)
}

extension Transaction {
    /// The server's configuration as set; defaults are not in it.
    package func serverConfig() throws -> [String: String] {
        var config: [String: String] = [:]
        let rows = try Row.fetchCursor(database, sql: "SELECT key, value FROM config")
        while let row = try rows.next() {
            config[row[0]] = row[1] ?? ""
        }
        return config
    }

    /// Makes the server's configuration exactly `config`; empty values are not kept.
    package func replaceServerConfig(_ config: [String: String]) throws {
        try database.execute(sql: "DELETE FROM config")
        for (key, value) in config where !value.isEmpty {
            try database.execute(sql: "INSERT INTO config (key, value) VALUES (?, ?)", arguments: [key, value])
        }
    }
}
