/// Reads JSON text into a ``WireNode``. Nesting is bounded; bytes that are no UTF-8 become U+FFFD, as in Go.
struct JSONReader {
    /// The deepest nesting that is read.
    static let depthLimit = 512

    struct Problem: Error {
        let text: String
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// - Throws: ``Problem`` that says what is wrong and at which byte.
    static func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(Problem) -> WireNode {
        var reader = JSONReader(bytes)
        reader.skipSpace()
        let node = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.fail("unexpected data after the value") }
        return node
    }

    private func fail(_ text: String) -> Problem {
        Problem(text: position >= bytes.count ? "unexpected end of JSON input" : "\(text) at byte \(position)")
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(Problem) -> WireNode {
        guard depth < Self.depthLimit else { throw fail("nested deeper than \(Self.depthLimit) levels") }
        switch peek {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ node: WireNode) throws(Problem) -> WireNode {
        let matches = text.withUTF8Buffer { word in
            position + word.count <= bytes.count && word.indices.allSatisfy { bytes[position + $0] == word[$0] }
        }
        guard matches else { throw fail("invalid character") }
        position += text.utf8CodeUnitCount
        return node
    }

    private mutating func object(_ depth: Int) throws(Problem) -> WireNode {
        position += 1
        var members: [(key: String, value: WireNode)] = []
        skipSpace()
        if peek == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw fail("expected a name") }
            let key = try string()
            skipSpace()
            guard peek == UInt8(ascii: ":") else { throw fail("expected ':'") }
            position += 1
            skipSpace()
            members.append((key, try value(depth: depth + 1)))
            skipSpace()
            let separator = peek
            guard separator == UInt8(ascii: ",") || separator == UInt8(ascii: "}") else {
                throw fail("expected ',' or '}'")
            }
            position += 1
            if separator == UInt8(ascii: "}") { return .object(members) }
        }
    }

    private mutating func array(_ depth: Int) throws(Problem) -> WireNode {
        position += 1
        var elements: [WireNode] = []
        skipSpace()
        if peek == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            skipSpace()
            elements.append(try value(depth: depth + 1))
            skipSpace()
            let separator = peek
            guard separator == UInt8(ascii: ",") || separator == UInt8(ascii: "]") else {
                throw fail("expected ',' or ']'")
            }
            position += 1
            if separator == UInt8(ascii: "]") { return .array(elements) }
        }
    }

    private mutating func string() throws(Problem) -> String {
        position += 1
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
            guard bytes[position] >= 0x20 else { throw fail("control character in a string") }
            position += 1
        }
        guard position < bytes.count else { throw fail("string without an end") }
        if bytes[position] == UInt8(ascii: "\"") {
            defer { position += 1 }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
        return try escapedString(from: start)
    }

    /// Goes on with a string at its first backslash.
    private mutating func escapedString(from start: Int) throws(Problem) -> String {
        var text = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                try escape(&text)
            default:
                guard byte >= 0x20 else { throw fail("control character in a string") }
                text.append(byte)
                position += 1
            }
        }
        throw fail("string without an end")
    }

    private mutating func escape(_ text: inout [UInt8]) throws(Problem) {
        guard let byte = peek else { throw fail("string without an end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            let hasPair =
                (0xD800..<0xDC00).contains(code) && position + 1 < bytes.count
                && bytes[position] == UInt8(ascii: "\\") && bytes[position + 1] == UInt8(ascii: "u")
            if hasPair {
                let back = position
                position += 2
                let low = try hexadecimal()
                if (0xDC00..<0xE000).contains(low) {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    position = back
                }
            }
            text.append(contentsOf: String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
        default:
            position -= 1
            throw fail("invalid escape")
        }
    }

    private mutating func hexadecimal() throws(Problem) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fail("invalid escape")
            }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func number() throws(Problem) -> WireNode {
        let start = position
        var isWhole = true
        if peek == UInt8(ascii: "-") { position += 1 }
        let firstDigit = position
        skipDigits()
        guard position > firstDigit, bytes[firstDigit] != UInt8(ascii: "0") || position == firstDigit + 1 else {
            throw fail("invalid character")
        }
        if peek == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            guard skipDigits() else { throw fail("invalid number") }
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isWhole = false
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            guard skipDigits() else { throw fail("invalid number") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole {
            if let value = Int64(text) { return .integer(value) }
            if let value = UInt64(text) { return .unsigned(value) }
        }
        guard let value = Double(text), value.isFinite else { throw fail("number out of range") }
        return .number(value)
    }

    @discardableResult
    private mutating func skipDigits() -> Bool {
        let start = position
        while let byte = peek, (48...57).contains(byte) { position += 1 }
        return position > start
    }
}
