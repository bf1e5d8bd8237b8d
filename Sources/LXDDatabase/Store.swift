internal import Foundation
internal import GRDB
internal import Synchronization

/// The database of one server: a SQLite file in WAL mode.
///
/// Commits survive a killed process at once and a power cut up to the last checkpoint; readers never wait for the
/// writer. Nothing outside this module knows which engine is behind it.
package final class Store: Sendable {
    private let pool: DatabasePool
    private let reserve: DiskReserve
    private let commits = Atomic<UInt64>(0)

    /// Opens the file, creating it when missing, and brings its schema up to date.
    ///
    /// - Throws: A description of what is wrong when the file is no database, or was written by a newer version.
    package init(path: String) throws {
        var configuration = Configuration()
        configuration.label = "lxd.db"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(10)
        // For the queries people type (`lxd sql`): SQLite's shell takes them so.
        configuration.acceptsDoubleQuotedStringLiterals = true
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            // KiB of pages for each of the connections; the whole database of a busy server fits.
            try database.execute(sql: "PRAGMA cache_size = -512")
            try database.execute(sql: "PRAGMA journal_size_limit = 4194304")
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        let migrator = Self.migrator(Migration.all)
        if try pool.read({ try migrator.hasBeenSuperseded($0) }) { throw StoreError.newerSchema }
        try migrator.migrate(pool)
        reserve = DiskReserve(path: path + "-reserve")
        reserve.take()
    }

    /// Runs `body` on a consistent view of the data.
    package func read<T: Sendable>(_ body: @Sendable @escaping (Transaction) throws -> T) async throws -> T {
        try await pool.read { try body(Transaction(database: $0)) }
    }

    /// Runs `body` as the only writer; all of it is committed when it returns, none of it when it throws.
    ///
    /// Keep it short and free of input and output: every other writer waits.
    package func write<T: Sendable>(_ body: @Sendable @escaping (Transaction) throws -> T) async throws -> T {
        // Counted when it failed too: one needless look at the data is cheaper than a missed one.
        defer { commits.add(1, ordering: .releasing) }
        return try await pool.write { try body(Transaction(database: $0)) }
    }

    /// A ``write(_:)`` that no loss of power takes back once it has returned.
    package func writeDurably<T: Sendable>(_ body: @Sendable @escaping (Transaction) throws -> T) async throws -> T {
        defer { commits.add(1, ordering: .releasing) }
        return try await pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            defer { try? database.execute(sql: "PRAGMA synchronous = NORMAL") }
            var result: T?
            try database.inTransaction {
                result = try body(Transaction(database: database))
                return .commit
            }
            guard let result else { throw DatabaseError(resultCode: .SQLITE_ABORT) }
            return result
        }
    }

    /// A ``write(_:)`` of what frees space or leads to it: on a full disk it goes through, in room kept for that.
    ///
    /// - Parameter body: May run twice, the first time without effect.
    package func writeForRemoval<T: Sendable>(_ body: @Sendable @escaping (Transaction) throws -> T) async throws -> T {
        do {
            let result = try await write(body)
            if !reserve.isTaken { reserve.take() }
            return result
        } catch let error as DatabaseError where Self.wantsRoom(error) {
            reserve.giveUp()
            return try await write(body)
        }
    }

    /// SQLite says "full" of the files it writes, and "input/output error" when it cannot grow the index of its log.
    private static func wantsRoom(_ error: DatabaseError) -> Bool {
        error.resultCode == .SQLITE_FULL || error.resultCode == .SQLITE_IOERR
    }

    /// A number that is another after each ``write(_:)`` has returned.
    ///
    /// What was read after asking for it is still true while it is the same: for answers that are asked for often and
    /// change seldom.
    package var version: UInt64 { commits.load(ordering: .acquiring) }

    /// Reads a database that a daemon may be using, without changing anything.
    ///
    /// - Returns: `nil` if there is no file at that path.
    package static func inspect<T>(path: String, _ body: (Transaction) throws -> T) throws -> T? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        // A connection opened for reading cannot read a log-structured file that nobody has open.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA query_only = 1") }
        return try DatabaseQueue(path: path, configuration: configuration).read { try body(Transaction(database: $0)) }
    }

    /// Folds the write-ahead log into the main file and closes it; for the end of the process.
    package func close() throws {
        try pool.close()
    }

    private static func migrator(_ migrations: [Migration]) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for migration in migrations {
            migrator.registerMigration(migration.name) { try $0.execute(sql: migration.sql) }
        }
        return migrator
    }
}

/// The open transaction that all queries are methods of. It must not leave the closure it was given to.
package struct Transaction {
    let database: Database
}

/// Why a database file was not opened.
package enum StoreError: Error, CustomStringConvertible {
    case newerSchema

    package var description: String {
        switch self {
        case .newerSchema: "The database was written by a newer version of LXD"
        }
    }
}
