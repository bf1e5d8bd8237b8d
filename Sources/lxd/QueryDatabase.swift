import ArgumentParser
import Foundation
import LXDAPI

/// `lxd sql`
struct QueryDatabase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql",
        abstract: "Execute a SQL query against the LXD local or global database",
        discussion: """
            The local database is specific to the LXD cluster member you target the \
            command to, and contains member-specific data (such as the member network \
            address). The global database is common to all LXD members in the cluster, \
            and contains cluster-specific data (such as profiles, containers, etc). \
            This server keeps both in one file, so both names show the same tables.

            If <query> is the special value "-", then the query is read from standard input.

            If <query> is the special value ".dump", the command returns a SQL text dump \
            of the given database.

            If <query> is the special value ".schema", the command returns the SQL text \
            schema of the given database.

            This internal command is mostly useful for debugging and disaster \
            recovery. The LXD team will occasionally provide hotfixes to users as a \
            set of database queries to fix some data inconsistency.
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "local or global")
    var database: String

    @Argument(help: "A query, -, .dump or .schema")
    var query: String

    func run() async throws {
        guard ["local", "global"].contains(database) else {
            throw LXDError.badRequest("Invalid database type")
        }
        var text = query
        if text == "-" { text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) }
        guard !text.isEmpty else { throw LXDError.badRequest("No query provided") }
        if text == ".dump" || text == ".schema" {
            let schema = text == ".schema" ? "1" : "0"
            let answer = try await LocalServer.query("GET", "/internal/sql?database=\(database)&schema=\(schema)")
            print(answer["text"].stringValue ?? "", terminator: "")
            return
        }
        if text == ".sync" {
            _ = try await LocalServer.query("GET", "/internal/sql?database=\(database)&schema=1")
            return
        }
        let answer = try await LocalServer.query(
            "POST", "/internal/sql", body: ["database": .string(database), "query": .string(text)])
        let results = answer["Results"].arrayValue ?? []
        for (index, result) in results.enumerated() {
            if results.count > 1 { print("=> Query \(index):\n") }
            if result["type"].stringValue == "select" {
                Self.printTable(result)
            } else {
                print("Rows affected: \(result["rows_affected"].intValue ?? 0)")
            }
            if results.count > 1 { print() }
        }
    }

    private static func printTable(_ result: JSONValue) {
        let header = (result["columns"].arrayValue ?? []).map { $0.stringValue ?? "" }
        let rows = (result["rows"].arrayValue ?? []).map { ($0.arrayValue ?? []).map(text) }
        var widths = header.map(\.count)
        for row in rows {
            for (index, cell) in row.enumerated() where index < widths.count { widths[index] = max(widths[index], cell.count) }
        }
        let line = "+" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "+") + "+"
        func show(_ row: [String]) {
            let cells = zip(row, widths).map { " " + $0 + String(repeating: " ", count: $1 - $0.count) + " " }
            print("|" + cells.joined(separator: "|") + "|")
        }
        print(line)
        show(header)
        print(line)
        for row in rows { show(row) }
        print(line)
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "<nil>"
        case .bool(let flag): String(flag)
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .string(let text): text
        case .array, .object: ""
        }
    }
}
