internal import GRDB
internal import LXDAPI

extension Migration {
    static let liveMigrations = Migration(
        name: "liveMigrations",
        sql: """
            CREATE TABLE live_migrations (
                id TEXT PRIMARY KEY NOT NULL,
                side TEXT NOT NULL,
                project TEXT NOT NULL,
                instance TEXT NOT NULL,
                phase TEXT NOT NULL,
                secret TEXT NOT NULL,
                peers TEXT NOT NULL,
                certificate TEXT NOT NULL,
                images TEXT NOT NULL
            );
            """)
}

/// A running instance on its way between two servers, as one of them has to know it after a crash.
///
/// The source's row is the decision: while it is `open` the instance is the source's, from `committed` on the target's. It
/// goes when the target has said that it has the instance, or when the move is given up: what is not there was not committed.
package struct LiveMigrationRow: Sendable, Hashable {
    package enum Side: String, Sendable {
        case source, target
    }
    package enum Phase: String, Sendable {
        /// Undecided.
        case open
        /// Of the target: everything is restored and waits for the source's decision.
        case ready
        /// The instance is the target's, and whoever has this row knows.
        case committed
        /// Of the source: nothing of the instance runs here any more; what will have its name is another one.
        case ended
    }

    /// The same on both servers.
    package var id: String
    package var side: Side
    package var project: String
    package var instance: String
    package var phase = Phase.open
    /// By which the target may ask for the decision.
    package var secret: String
    /// Of the target: where to ask, URLs of the source.
    package var peers: [String] = []
    /// Of the target: the source's certificate, PEM.
    package var certificate = ""
    /// Of the target: where the images of the processes are.
    package var images = ""

    package init(id: String, side: Side, project: String, instance: String, secret: String) {
        (self.id, self.side, self.project, self.instance, self.secret) = (id, side, project, instance, secret)
    }

    fileprivate init?(row: Row) {
        guard let side = Side(rawValue: row[1]), let phase = Phase(rawValue: row[4]) else { return nil }
        self.init(id: row[0], side: side, project: row[2], instance: row[3], secret: row[5])
        self.phase = phase
        let list: String = row[6]
        peers = list.split(separator: "\n").map(String.init)
        certificate = row[7]
        images = row[8]
    }
}

extension Transaction {
    package func liveMigrations() throws -> [LiveMigrationRow] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT id, side, project, instance, phase, secret, peers, certificate, images FROM live_migrations
                ORDER BY rowid
                """
        ).compactMap { LiveMigrationRow(row: $0) }
    }

    package func liveMigration(id: String, _ side: LiveMigrationRow.Side) throws -> LiveMigrationRow? {
        try liveMigrations().first { $0.id == id && $0.side == side }
    }

    package func insertLiveMigration(_ row: LiveMigrationRow) throws {
        try database.execute(
            sql: """
                INSERT INTO live_migrations (id, side, project, instance, phase, secret, peers, certificate, images)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                row.id, row.side.rawValue, row.project, row.instance, row.phase.rawValue, row.secret,
                row.peers.joined(separator: "\n"), row.certificate, row.images,
            ])
    }

    /// - Throws: `conflict` unless the row is in the phase that it leaves.
    package func decideLiveMigration(id: String, from old: LiveMigrationRow.Phase, _ phase: LiveMigrationRow.Phase) throws {
        try database.execute(
            sql: "UPDATE live_migrations SET phase = ? WHERE id = ? AND phase = ?",
            arguments: [phase.rawValue, id, old.rawValue])
        guard database.changesCount == 1 else { throw LXDError.conflict("The migration is not open any more") }
    }

    package func deleteLiveMigration(id: String) throws {
        try database.execute(sql: "DELETE FROM live_migrations WHERE id = ?", arguments: [id])
    }
}
