internal import GRDB

/// What one statement of a person's query gave.
package struct RawResult: Sendable {
    package enum Value: Sendable, Hashable {
        case null
        case integer(Int64)
        case real(Double)
        case text(String)
        case blob([UInt8])
    }

    /// Whether it was a query; otherwise only ``changedRows`` means something.
    package var isQuery = true
    package var columns: [String] = []
    package var rows: [[Value]] = []
    package var changedRows = 0
}

/// For support: the database as it is.
extension Transaction {
    /// Runs one statement; of a query at most `limit` rows are returned.
    package func runRaw(_ sql: String, limit: Int = 100_000) throws -> RawResult {
        let statement = try database.makeStatement(sql: sql)
        var result = RawResult()
        guard statement.columnCount > 0 else {
            try statement.execute()
            result.isQuery = false
            result.changedRows = database.changesCount
            return result
        }
        result.columns = statement.columnNames
        let rows = try Row.fetchCursor(statement)
        while let row = try rows.next(), result.rows.count < limit {
            result.rows.append(row.databaseValues.map(Self.value))
        }
        return result
    }

    /// The schema, with the contents or without, as statements that make the same database again.
    package func dump(schemaOnly: Bool) throws -> String {
        var text = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"
        let objects = try Row.fetchAll(
            database,
            sql: """
                SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
                ORDER BY CASE type WHEN 'table' THEN 0 ELSE 1 END, rowid
                """)
        for object in objects {
            let type: String = object[0]
            let name: String = object[1]
            let sql: String = object[2]
            text += sql + ";\n"
            guard type == "table", !schemaOnly else { continue }
            let quotedName = "\"" + name.replacing("\"", with: "\"\"") + "\""
            let rows = try Row.fetchCursor(database, sql: "SELECT * FROM \(quotedName)")
            while let row = try rows.next() {
                let values = row.databaseValues.map { Self.literal(Self.value($0)) }.joined(separator: ",")
                text += "INSERT INTO \(name) VALUES(\(values));\n"
            }
        }
        return text + "COMMIT;\n"
    }

    private static func value(_ value: DatabaseValue) -> RawResult.Value {
        switch value.storage {
        case .null: .null
        case .int64(let number): .integer(number)
        case .double(let number): .real(number)
        case .string(let text): .text(text)
        case .blob(let data): .blob(Array(data))
        }
    }

    private static func literal(_ value: RawResult.Value) -> String {
        switch value {
        case .null: return "NULL"
        case .integer(let number): return String(number)
        case .real(let number): return String(number)
        case .text(let text): return "'" + text.replacing("'", with: "''") + "'"
        case .blob(let bytes):
            let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            return "X'" + digits.joined() + "'"
        }
    }
}
