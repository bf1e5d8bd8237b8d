/// A `filter=` query: clauses `FIELD OPERATOR VALUE` joined by `and` and `or`, each with an optional `not` before it.
///
///     name eq web1 or not config.image.os eq Debian
///
/// Clauses count from left to right without precedence. A value is a pattern that must match the whole text, in either
/// case, unless it has an anchor of its own. Source: doc/rest-api.md, "Filtering".
public struct FilterExpression: Sendable {
    struct Clause: Sendable {
        var isAlternative = false
        var isNegated = false
        var path: [String] = []
        var pattern: FilterPattern
    }

    let clauses: [Clause]

    /// - Throws: `.badRequest` with LXD's text for an expression that is cut off or malformed.
    public init(_ text: String) throws(LXDError) {
        guard text.utf8.count <= 4096 else { throw .badRequest("Invalid filter: longer than 4096 bytes") }
        var clauses: [Clause] = []
        var parts = text.split(whereSeparator: \.isWhitespace).map(String.init)[...]
        var isAlternative = false
        while let first = parts.popFirst() {
            var isNegated = false
            var field = first
            if first.lowercased() == "not" {
                isNegated = true
                guard let next = parts.popFirst() else { throw Self.invalid("incomplete not clause") }
                field = next
            }
            guard let comparison = parts.popFirst() else { throw Self.invalid("clause has no operator") }
            guard var value = parts.popFirst() else { throw Self.invalid("clause has no value") }
            if value.hasPrefix("\"") { value = try Self.quotedValue(value, &parts) }
            clauses.append(
                Clause(
                    isAlternative: isAlternative, isNegated: isNegated != (comparison == "ne"),
                    path: field.split(separator: ".", omittingEmptySubsequences: false).map(String.init),
                    pattern: FilterPattern(value)))
            guard let joint = parts.popFirst() else { break }
            guard joint == "and" || joint == "or" else { throw Self.invalid("invalid clause composition") }
            if parts.isEmpty { throw Self.invalid("unterminated compound clause") }
            isAlternative = joint == "or"
        }
        self.clauses = clauses
    }

    private static func invalid(_ problem: String) -> LXDError { .badRequest("Invalid filter: \(problem)") }

    private static func quotedValue(_ first: String, _ parts: inout ArraySlice<String>) throws(LXDError) -> String {
        var value = String(first.dropFirst())
        if value.hasSuffix("\"") { return String(value.dropLast()) }
        while let part = parts.popFirst() {
            value += " " + part
            if part.hasSuffix("\"") { return String(value.dropLast()) }
        }
        throw invalid("unterminated quote")
    }

    /// Whether an object satisfies the expression. A field that the object lacks matches nothing.
    public func matches(_ object: some Encodable) throws(LXDError) -> Bool {
        let node: WireNode
        do {
            node = try WireEncoder.encode(object)
        } catch {
            throw .internalError("Failed to filter: \(error)", cause: error)
        }
        var result = true
        for clause in clauses {
            let found = Self.text(in: node, at: clause.path[...]).map { clause.pattern.matches($0) } ?? false
            let holds = found != clause.isNegated
            result = clause.isAlternative ? result || holds : result && holds
        }
        return result
    }

    /// The text at a path. Keys of a map of texts contain dots themselves, so there the rest of the path is one key.
    private static func text(in node: WireNode, at path: ArraySlice<String>) -> String? {
        switch node {
        case .string(let text), .plain(let text): return path.isEmpty ? text : nil
        case .bool(let flag): return path.isEmpty ? (flag ? "true" : "false") : nil
        case .integer(let whole): return path.isEmpty ? String(whole) : nil
        case .unsigned(let whole): return path.isEmpty ? String(whole) : nil
        case .number(let number): return path.isEmpty ? String(number) : nil
        case .object(let members):
            guard let key = path.first, let member = members.first(where: { $0.key == key }) else { return nil }
            return text(in: member.value, at: path.dropFirst())
        case .map(let members):
            guard let key = path.first else { return nil }
            let whole = path.joined(separator: ".")
            if let member = members.first(where: { $0.key == whole }) { return text(in: member.value, at: []) }
            guard let member = members.first(where: { $0.key == key }) else {
                // In the reference a missing key of a map of texts is the empty text.
                if case .string = members.first?.value { return "" }
                return members.isEmpty ? "" : nil
            }
            return text(in: member.value, at: path.dropFirst())
        case .null, .absent, .array: return nil
        }
    }
}
