import LXDAPI

/// Decimal numbers as Go's strconv reads them, with its complaints.
enum GoInteger {
    struct Problem: Error {
        let text: String
    }

    /// A 64-bit number with an optional sign; nil if it is none.
    static func signed(_ text: String) -> Int64? { Int64(text) }

    /// The complaint of ParseInt (or Atoi) about a text that is no number.
    static func problem(_ text: String, function: String = "ParseInt") -> String {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : Substring(text)
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (48...57).contains($0) }
        return "strconv.\(function): parsing \(goQuoted(text)): \(isNumber ? "value out of range" : "invalid syntax")"
    }

    static func unsigned(_ text: String, bits: Int) -> Result<UInt64, Problem> {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
        guard isNumber else {
            return .failure(Problem(text: "strconv.ParseUint: parsing \(goQuoted(text)): invalid syntax"))
        }
        guard let value = UInt64(text), bits == 64 || value < 1 << UInt64(bits) else {
            return .failure(Problem(text: "strconv.ParseUint: parsing \(goQuoted(text)): value out of range"))
        }
        return .success(value)
    }
}
