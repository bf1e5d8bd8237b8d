/// What a YAML scalar without quotes stands for, by the rules of the reference's YAML library (YAML 1.1 with Go's numbers).
enum YAMLScalar {
    static func isNull(_ text: String) -> Bool {
        switch text {
        case "", "~", "null", "Null", "NULL": true
        default: false
        }
    }

    static func resolve(_ text: String) -> JSONValue {
        if isNull(text) { return .null }
        switch text {
        case "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
        case "false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .number(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .number(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .number(-.infinity)
        default: break
        }
        guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return .string(text) }
        return number(text) ?? .string(text)
    }

    private static func number(_ text: String) -> JSONValue? {
        let plain = text.filter { $0 != "_" }
        var digits = Substring(plain)
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        for (prefix, radix) in [("0b", 2), ("0x", 16), ("0o", 8), ("0", 8)]
        where digits.count > prefix.count && digits.hasPrefix(prefix) {
            if let value = Int64((isNegative ? "-" : "") + digits.dropFirst(prefix.count), radix: radix) {
                return .integer(value)
            }
        }
        if let value = Int64(plain) { return .integer(value) }
        // The shape is checked first: Double also reads "nan", "infinity" and hexadecimal fractions.
        guard digits.utf8.first.map({ $0 == UInt8(ascii: ".") || (48...57).contains($0) }) == true,
            digits.utf8.contains(where: { (48...57).contains($0) }),
            digits.utf8.allSatisfy({ (48...57).contains($0) || ".eE+-".utf8.contains($0) })
        else { return nil }
        return Double(plain).map(JSONValue.number)
    }

    /// Whether text has the shape `190:20:30`, which YAML 1.1 readers take for a number.
    static func isBase60(_ text: String) -> Bool {
        guard let first = text.utf8.first, "+-0123456789".utf8.contains(first), text.utf8.contains(UInt8(ascii: ":"))
        else { return false }
        var rest = Substring(text)
        if rest.hasPrefix("+") || rest.hasPrefix("-") { rest = rest.dropFirst() }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1, let head = parts.first, head.utf8.first.map({ (48...57).contains($0) }) == true,
            head.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: "_") })
        else { return false }
        for (index, part) in parts.dropFirst().enumerated() {
            var part = part
            if index == parts.count - 2, let dot = part.firstIndex(of: ".") {
                guard
                    part[part.index(after: dot)...].utf8.allSatisfy({
                        (48...57).contains($0) || $0 == UInt8(ascii: "_")
                    })
                else { return false }
                part = part[..<dot]
            }
            guard let value = Int(part), (0...59).contains(value), part.count <= 2 else { return false }
        }
        return true
    }
}
