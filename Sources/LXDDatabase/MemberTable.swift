internal import GRDB

extension Migration {
    /// The servers of a cluster. A server on its own is the one row `none`.
    static let members = Migration(
        name: "members",
        sql: """
            CREATE TABLE nodes (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                name TEXT NOT NULL UNIQUE,
                description TEXT NOT NULL DEFAULT '',
                address TEXT NOT NULL UNIQUE,
                schema INTEGER NOT NULL DEFAULT 0,
                api_extensions INTEGER NOT NULL DEFAULT 0,
                heartbeat DATETIME DEFAULT CURRENT_TIMESTAMP,
                state INTEGER NOT NULL DEFAULT 0,
                arch INTEGER NOT NULL DEFAULT 0
            );
            INSERT INTO nodes (id, name, address) VALUES (1, 'none', '0.0.0.0');
            """)
}

/// The server that a row belongs to when nothing else is said: this one.
package let localMemberID: Int64 = 1
