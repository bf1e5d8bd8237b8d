/// A pattern of a filter: a regular expression that is matched in time linear in the text, in either case.
///
/// Knows literals, `.`, `[...]`, `\d \w \s`, groups, `|`, `* + ?`, `{m,n}`, `^` and `$`. Text that is
/// no valid pattern, or would need more than ``stateLimit`` states, is compared as it is.
struct FilterPattern: Sendable {
    static let stateLimit = 2000

    private indirect enum Tree {
        case empty
        case one(Matcher)
        case sequence([Tree])
        case choice([Tree])
        case repeated(Tree, minimum: Int, maximum: Int?)
        case start, end
    }

    private enum Matcher: Sendable {
        case any
        case scalar(Unicode.Scalar)
        case set([ClosedRange<UInt32>], negated: Bool)

        func matches(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .any: scalar != "\n"
            case .scalar(let own): own == scalar
            case .set(let ranges, let negated): ranges.contains { $0.contains(scalar.value) } != negated
            }
        }
    }

    private enum State: Sendable {
        case consume(Matcher, next: Int)
        case split(Int, Int)
        case start(Int), end(Int)
        case accept
    }

    private let literal: String
    private var states: [State] = []
    private var entry: Int?

    init(_ text: String) {
        literal = text.lowercased()
        // As in the reference: anchors are added unless there is "^" and no "$", by its own precedence of operators.
        let isAnchored = text.contains("^") && !text.contains("$")
        var parser = Parser(scalars: Array((isAnchored ? text : "^" + text + "$").lowercased().unicodeScalars))
        guard let tree = parser.parse() else { return }
        states = [.accept]
        entry = build(tree, next: 0)
        if entry == nil { states = [] }
    }

    func matches(_ text: String) -> Bool {
        let text = text.lowercased()
        guard let entry else { return text == literal }
        let scalars = Array(text.unicodeScalars)
        var current = Set<Int>()
        for position in 0...scalars.count {
            // A match may begin anywhere.
            if reach(entry, position, scalars.count, &current) { return true }
            guard position < scalars.count else { break }
            var following = Set<Int>()
            for state in current {
                guard case .consume(let matcher, let next) = states[state], matcher.matches(scalars[position]) else {
                    continue
                }
                if reach(next, position + 1, scalars.count, &following) { return true }
            }
            current = following
        }
        return false
    }

    /// Adds the states reached without consuming text; true if the pattern has matched.
    private func reach(_ state: Int, _ position: Int, _ count: Int, _ found: inout Set<Int>) -> Bool {
        var open = [state]
        var accepted = false
        while let state = open.popLast() {
            guard found.insert(state).inserted else { continue }
            switch states[state] {
            case .split(let left, let right): open += [left, right]
            case .start(let next): if position == 0 { open.append(next) }
            case .end(let next): if position == count { open.append(next) }
            case .accept: accepted = true
            case .consume: break
            }
        }
        return accepted
    }

    private mutating func add(_ state: State) -> Int? {
        guard states.count < Self.stateLimit else { return nil }
        states.append(state)
        return states.count - 1
    }

    private mutating func build(_ tree: Tree, next: Int) -> Int? {
        switch tree {
        case .empty: return next
        case .one(let matcher): return add(.consume(matcher, next: next))
        case .start: return add(.start(next))
        case .end: return add(.end(next))
        case .sequence(let parts):
            var next = next
            for part in parts.reversed() {
                guard let first = build(part, next: next) else { return nil }
                next = first
            }
            return next
        case .choice(let branches):
            var entry: Int?
            for branch in branches.reversed() {
                guard let first = build(branch, next: next) else { return nil }
                guard let other = entry else {
                    entry = first
                    continue
                }
                guard let split = add(.split(first, other)) else { return nil }
                entry = split
            }
            return entry ?? next
        case .repeated(let inner, let minimum, let maximum):
            var next = next
            if let maximum {
                let after = next
                for _ in minimum..<max(minimum, maximum) {
                    guard let first = build(inner, next: next), let split = add(.split(first, after)) else {
                        return nil
                    }
                    next = split
                }
            } else {
                guard let loop = add(.split(next, next)), let first = build(inner, next: loop) else { return nil }
                states[loop] = .split(first, next)
                next = loop
            }
            for _ in 0..<minimum {
                guard let first = build(inner, next: next) else { return nil }
                next = first
            }
            return next
        }
    }

    /// Reads a pattern; nil where it is malformed or nests too deeply.
    private struct Parser {
        let scalars: [Unicode.Scalar]
        var position = 0
        var depth = 0

        init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

        var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

        mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            guard peek == scalar else { return false }
            position += 1
            return true
        }

        mutating func parse() -> Tree? {
            guard let tree = choice(), position == scalars.count else { return nil }
            return tree
        }

        mutating func choice() -> Tree? {
            var branches: [Tree] = []
            repeat {
                guard let branch = sequence() else { return nil }
                branches.append(branch)
            } while take("|")
            return branches.count == 1 ? branches.first : .choice(branches)
        }

        mutating func sequence() -> Tree? {
            var parts: [Tree] = []
            while let next = peek, next != "|", next != ")" {
                guard var part = atom() else { return nil }
                while let bounds = repetition() {
                    guard let (minimum, maximum) = bounds.value else { return nil }
                    part = .repeated(part, minimum: minimum, maximum: maximum)
                }
                parts.append(part)
            }
            return parts.isEmpty ? .empty : .sequence(parts)
        }

        /// The bounds after an atom; nil if there are none, a nil value if they are malformed.
        mutating func repetition() -> (value: (Int, Int?)?, Void)? {
            switch peek {
            case "*": position += 1; _ = take("?"); return ((0, nil), ())
            case "+": position += 1; _ = take("?"); return ((1, nil), ())
            case "?": position += 1; _ = take("?"); return ((0, 1), ())
            case "{":
                position += 1
                guard let minimum = number() else { return (nil, ()) }
                var maximum: Int? = minimum
                if take(",") { maximum = peek == "}" ? nil : number() }
                guard take("}"), maximum.map({ $0 >= minimum }) ?? true else { return (nil, ()) }
                return ((minimum, maximum), ())
            default: return nil
            }
        }

        mutating func number() -> Int? {
            var value: Int?
            while let digit = peek, ("0"..."9").contains(digit) {
                let sum = (value ?? 0) * 10 + Int(digit.value - 48)
                guard sum <= 1000 else { return nil }
                value = sum
                position += 1
            }
            return value
        }

        mutating func atom() -> Tree? {
            guard let scalar = peek else { return nil }
            position += 1
            switch scalar {
            case "^": return .start
            case "$": return .end
            case ".": return .one(.any)
            case "*", "+", "?", "{": return nil
            case "\\": return escape().map { .one($0) }
            case "[": return set()
            case "(":
                depth += 1
                defer { depth -= 1 }
                if take("?") { guard take(":") else { return nil } }
                guard depth < 50, let inner = choice(), take(")") else { return nil }
                return inner
            default: return .one(.scalar(scalar))
            }
        }

        static let classes: [Unicode.Scalar: [ClosedRange<UInt32>]] = [
            "d": [48...57], "w": [48...57, 65...90, 95...95, 97...122], "s": [9...10, 12...13, 32...32],
        ]

        // The pattern has been lower-cased, so \D, \W and \S are not told from \d, \w and \s and are not offered.
        mutating func escape() -> Matcher? {
            guard let scalar = peek else { return nil }
            position += 1
            if let ranges = Self.classes[scalar] { return .set(ranges, negated: false) }
            return scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) ? nil : .scalar(scalar)
        }

        mutating func set() -> Tree? {
            let negated = take("^")
            var ranges: [ClosedRange<UInt32>] = []
            var isFirst = true
            while let scalar = peek, isFirst || scalar != "]" {
                isFirst = false
                position += 1
                var low = scalar
                if scalar == "\\" {
                    guard let matcher = escape() else { return nil }
                    switch matcher {
                    case .set(let inner, _):
                        ranges += inner
                        continue
                    case .scalar(let escaped): low = escaped
                    case .any: return nil
                    }
                }
                if peek == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
                    position += 1
                    let high = scalars[position]
                    position += 1
                    guard high.value >= low.value else { return nil }
                    ranges.append(low.value...high.value)
                } else {
                    ranges.append(low.value...low.value)
                }
            }
            guard take("]"), !ranges.isEmpty else { return nil }
            return .one(.set(ranges, negated: negated))
        }
    }
}
