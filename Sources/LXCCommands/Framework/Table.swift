import LXDAPI

/// The forms in which a list can be shown.
enum TableFormat: String {
    case table, compact, csv, json, yaml

    init(named name: String) throws {
        guard let format = TableFormat(rawValue: name) else { throw CommandFailure("Invalid format \(name.goQuoted)") }
        self = format
    }

    /// Whether the values themselves are shown in place of a table of them.
    var showsRaw: Bool { self == .json || self == .yaml }
}

/// Rows with a header, drawn as LXD's client draws them.
struct Table {
    var header: [String]
    var rows: [[String]]

    init(_ header: [String], _ rows: [[String]] = []) {
        self.header = header
        self.rows = rows
    }

    /// The text of the list in a format; `raw` is what JSON and YAML show instead of the rows.
    func render(_ format: TableFormat, raw: some Encodable) throws -> String {
        switch format {
        case .table: return drawn(borders: true)
        case .compact: return drawn(borders: false)
        case .csv: return CSV.text(rows)
        case .json: return try LXDJSON.encodeString(raw) + "\n"
        case .yaml: return try LXDYAML.encode(raw)
        }
    }

    /// Draws with lines around every row, or with blanks only.
    func drawn(borders: Bool) -> String {
        let titles = header.map { Self.title($0).split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
        let cells = rows.map { $0.map { $0.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) } }
        let columnCount = max(header.count, rows.map(\.count).max() ?? 0)
        var widths = [Int](repeating: 0, count: columnCount)
        for row in [titles] + cells {
            for (column, lines) in row.enumerated() {
                widths[column] = max(widths[column], lines.map(\.terminalWidth).max() ?? 0)
            }
        }
        let rule = borders ? "+" + widths.map { String(repeating: "-", count: $0 + 2) + "+" }.joined() + "\n" : ""
        var text = rule + lines(of: titles, widths, borders: borders, centred: true) + rule
        for row in cells { text += lines(of: row, widths, borders: borders, centred: false) + rule }
        return text
    }

    private func lines(of row: [[String]], _ widths: [Int], borders: Bool, centred: Bool) -> String {
        var text = ""
        for line in 0..<(row.map(\.count).max() ?? 0) {
            text += borders ? "|" : " "
            for (column, width) in widths.enumerated() {
                let cell = column < row.count && line < row[column].count ? row[column][line] : ""
                let gap = width - cell.terminalWidth
                let left = centred ? gap / 2 : 0
                text += " " + String(repeating: " ", count: left) + cell + String(repeating: " ", count: gap - left) + " "
                if borders { text += "|" }
            }
            text += borders ? "\n" : " \n"
        }
        return text
    }

    /// A header as it is shown: in capitals, with underscores and most full stops as blanks.
    static func title(_ name: String) -> String {
        let letters = Array(name)
        func isNumberOrBlank(_ letter: Character) -> Bool { letter == " " || ("0"..."9").contains(letter) }
        let shown = letters.enumerated().map { index, letter -> Character in
            if letter == "_" { return " " }
            guard letter == "." else { return letter }
            let afterText = index > 0 && !isNumberOrBlank(letters[index - 1])
            let beforeText = index + 1 < letters.count && !isNumberOrBlank(letters[index + 1])
            return afterText || beforeText ? " " : letter
        }
        let text = String(shown).trimmingBlanks
        return (text.isEmpty && !name.isEmpty ? " " : text).uppercased()
    }
}

/// Comma-separated values by RFC 4180, as Go writes them.
enum CSV {
    static func text(_ rows: [[String]]) -> String {
        rows.map { $0.map(field).joined(separator: ",") + "\n" }.joined()
    }

    private static func field(_ text: String) -> String {
        let needsQuotes =
            text == "\\." || text.first == " " || text.first == "\t"
            || text.utf8.contains { [UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }
        guard needsQuotes else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
