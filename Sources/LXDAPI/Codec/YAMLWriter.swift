/// Writes a ``WireNode`` as YAML the way the reference's YAML library does: block style, lists not indented in maps, map
/// keys in natural order, long plain text folded after column 80.
struct YAMLWriter {
    private(set) var text = ""
    private var column = 0
    private static let width = 80

    mutating func writeDocument(_ node: WireNode) {
        writeBlock(node, indent: 0, inList: false)
        if text.last != "\n" { text += "\n" }
    }

    private mutating func put(_ part: String) {
        text += part
        column += part.unicodeScalars.count
    }

    private mutating func newLine(_ indent: Int) {
        text += "\n" + String(repeating: " ", count: indent)
        column = indent
    }

    /// Writes a value whose first line begins at the present column.
    private mutating func writeBlock(_ node: WireNode, indent: Int, inList: Bool) {
        switch node {
        case .array(let elements) where !elements.isEmpty:
            for (index, element) in elements.enumerated() {
                if index > 0 { newLine(indent) }
                put("- ")
                writeBlock(element, indent: indent + 2, inList: true)
            }
        case .object(let members) where !members.isEmpty:
            writeMembers(members.map { (YAMLWriter.fieldName($0.key), $0.value) }, indent)
        case .map(let members) where !members.isEmpty:
            writeMembers(members.sorted { YAMLWriter.precedes($0.key, $1.key) }, indent)
        default: writeFlat(node, indent: indent)
        }
    }

    private mutating func writeMembers(_ members: [(key: String, value: WireNode)], _ indent: Int) {
        for (index, (key, value)) in members.enumerated() {
            if index > 0 { newLine(indent) }
            writeString(key, indent: indent, isKey: true)
            put(":")
            switch value {
            case .array(let elements) where !elements.isEmpty:
                newLine(indent)
                writeBlock(value, indent: indent, inList: false)
            case .object(let inner) where !inner.isEmpty, .map(let inner) where !inner.isEmpty:
                newLine(indent + 2)
                writeBlock(value, indent: indent + 2, inList: false)
            default:
                put(" ")
                writeFlat(value, indent: indent + 2)
            }
        }
    }

    private mutating func writeFlat(_ node: WireNode, indent: Int) {
        switch node {
        case .null: put("null")
        case .bool(let flag): put(flag ? "true" : "false")
        case .integer(let whole): put(String(whole))
        case .unsigned(let whole): put(String(whole))
        case .number(let number): put(Int64(exactly: number).map { String($0) } ?? String(number))
        case .string(let text): writeString(text, indent: indent, isKey: false)
        case .plain(let text): put(text)
        case .absent(let isMap): put(isMap ? "{}" : "[]")
        case .array: put("[]")
        case .object, .map: put("{}")
        }
    }

    private mutating func writeString(_ value: String, indent: Int, isKey: Bool) {
        let analysis = ScalarAnalysis(value)
        if value.utf8.contains(UInt8(ascii: "\n")) {
            if isKey || !analysis.allowsBlock {
                writeDoubleQuoted(value, indent, folds: !isKey)
            } else {
                writeLiteral(value, indent)
            }
            return
        }
        if case .string = YAMLScalar.resolve(value), !YAMLScalar.isBase60(value), !ScalarAnalysis.isTimestamp(value),
            !value.isEmpty
        {
            if analysis.allowsPlain {
                writeFolded(value, indent, escape: { $0 }, folds: !isKey)
            } else if analysis.allowsSingleQuotes {
                put("'")
                writeFolded(value, indent, escape: { $0 == "'" ? "''" : $0 }, folds: !isKey)
                put("'")
            } else {
                writeDoubleQuoted(value, indent, folds: !isKey)
            }
        } else {
            writeDoubleQuoted(value, indent, folds: !isKey)
        }
    }

    /// A single space past the width becomes a line break.
    private mutating func writeFolded(_ value: String, _ indent: Int, escape: (String) -> String, folds: Bool) {
        let scalars = Array(value.unicodeScalars)
        var wasSpace = false
        for (index, scalar) in scalars.enumerated() {
            if scalar == " " {
                let isInner = index > 0 && index < scalars.count - 1
                if folds, isInner, !wasSpace, column > YAMLWriter.width, scalars[index + 1] != " " {
                    newLine(indent)
                } else {
                    put(" ")
                }
                wasSpace = true
            } else {
                put(escape(String(scalar)))
                wasSpace = false
            }
        }
    }

    private mutating func writeDoubleQuoted(_ value: String, _ indent: Int, folds: Bool) {
        put("\"")
        let scalars = Array(value.unicodeScalars)
        var wasSpace = false
        for (index, scalar) in scalars.enumerated() {
            if scalar == " ", folds, !wasSpace, column > YAMLWriter.width, index > 0, index < scalars.count - 1 {
                newLine(indent)
                if scalars[index + 1] == " " { put("\\") }
                wasSpace = true
                continue
            }
            wasSpace = scalar == " "
            put(YAMLWriter.escaped(scalar))
        }
        put("\"")
    }

    private mutating func writeLiteral(_ value: String, _ indent: Int) {
        // Explicit indentation is needed where the text itself begins with a space or a break.
        var header = "|"
        if let first = value.unicodeScalars.first, first == " " || first == "\n" { header += "2" }
        if !value.hasSuffix("\n") { header += "-" } else if value == "\n" || value.hasSuffix("\n\n") { header += "+" }
        put(header)
        var lines = value.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for line in lines {
            text += "\n"
            column = 0
            if !line.isEmpty {
                text += String(repeating: " ", count: indent) + line
                column = indent + line.count
            }
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\u{00}": return "\\0"
        case "\u{07}": return "\\a"
        case "\u{08}": return "\\b"
        case "\u{09}": return "\\t"
        case "\u{0A}": return "\\n"
        case "\u{0B}": return "\\v"
        case "\u{0C}": return "\\f"
        case "\u{0D}": return "\\r"
        case "\u{1B}": return "\\e"
        case "\u{85}": return "\\N"
        case "\u{A0}": return "\\_"
        case "\u{2028}": return "\\L"
        case "\u{2029}": return "\\P"
        default:
            if ScalarAnalysis.isPrintable(scalar), scalar.value != 0xFEFF { return String(scalar) }
            let digits = String(scalar.value, radix: 16, uppercase: true)
            let (letter, width) = scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
            return "\\" + letter + String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
    }

    /// The name a field has in YAML: fields without a tag in the reference are `Name` in JSON and `name` here.
    private static func fieldName(_ name: String) -> String {
        name.unicodeScalars.first?.properties.isUppercase == true ? name.lowercased() : name
    }
}
