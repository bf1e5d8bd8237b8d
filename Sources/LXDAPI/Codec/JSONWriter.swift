/// Writes a ``WireNode`` as JSON without white space, or indented as people read it.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private let indent: Int?

    /// - Parameter indent: Spaces a level; nil for one line.
    init(indent: Int? = nil) { self.indent = indent }

    mutating func write(_ node: WireNode, depth: Int = 0) throws {
        switch node {
        case .null, .absent: put("null")
        case .bool(let flag): put(flag ? "true" : "false")
        case .integer(let whole): put(String(whole))
        case .unsigned(let whole): put(String(whole))
        case .number(let number): try put(number)
        case .string(let text), .plain(let text): putQuoted(text)
        case .array(let elements):
            try putList("[", "]", elements.count, depth) { writer, index in
                try writer.write(elements[index], depth: depth + 1)
            }
        case .object(let members), .map(let members):
            try putList("{", "}", members.count, depth) { writer, index in
                writer.putQuoted(members[index].key)
                writer.put(writer.indent == nil ? ":" : ": ")
                try writer.write(members[index].value, depth: depth + 1)
            }
        }
    }

    private mutating func putList(
        _ open: StaticString, _ close: StaticString, _ count: Int, _ depth: Int,
        _ element: (inout JSONWriter, Int) throws -> Void
    ) rethrows {
        put(open)
        for index in 0..<count {
            if index > 0 { put(",") }
            newLine(depth + 1)
            try element(&self, index)
        }
        if count > 0 { newLine(depth) }
        put(close)
    }

    private mutating func newLine(_ depth: Int) {
        guard let indent else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * depth))
    }

    mutating func put(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func put(_ number: Int64) { put(String(number)) }

    private mutating func put(_ number: Double) throws {
        guard number.isFinite else {
            throw EncodingError.invalidValue(
                number, .init(codingPath: [], debugDescription: "JSON has no infinite numbers"))
        }
        // Whole numbers are written without a fraction, as Go writes them.
        if let whole = Int64(exactly: number), abs(number) < 1e15 { put(String(whole)) } else { put(String(number)) }
    }

    mutating func putQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            var start = 0
            for index in 0..<utf8.count {
                let byte = utf8[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                bytes.append(contentsOf: utf8[start..<index])
                start = index + 1
                putEscaped(byte)
            }
            bytes.append(contentsOf: utf8[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func putEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): put(#"\""# as StaticString)
        case UInt8(ascii: "\\"): put(#"\\"# as StaticString)
        case 0x0A: put(#"\n"# as StaticString)
        case 0x0D: put(#"\r"# as StaticString)
        case 0x09: put(#"\t"# as StaticString)
        default:
            put(byte < 0x10 ? #"\u000"# : #"\u00"# as StaticString)
            put(String(byte, radix: 16))
        }
    }
}
