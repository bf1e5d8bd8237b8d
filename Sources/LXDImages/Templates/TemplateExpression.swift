/// An expression in a template, as pongo2 has them: no assignments, one function, no methods.
indirect enum TemplateExpression {
    case value(TemplateValue)
    case variable(String)
    case member(TemplateExpression, TemplateExpression)
    case call(TemplateExpression, [TemplateExpression])
    case filter(TemplateExpression, String, TemplateExpression?)
    case not(TemplateExpression)
    case negative(TemplateExpression)
    case binary(String, TemplateExpression, TemplateExpression)
}

/// Reads expressions from tokens; its position is left behind the last one read.
struct TemplateExpressionParser {
    private let tokens: [TemplateToken]
    private(set) var position = 0
    let line: Int
    private var depth = 0

    init(_ tokens: [TemplateToken], line: Int) {
        self.tokens = tokens
        self.line = line
    }

    var isAtEnd: Bool { position >= tokens.count }
    private var next: TemplateToken? { position < tokens.count ? tokens[position] : nil }

    mutating func takeSymbol(_ text: String) -> Bool {
        guard next == .symbol(text) else { return false }
        position += 1
        return true
    }

    mutating func takeName(_ text: String) -> Bool {
        guard next == .name(text) else { return false }
        position += 1
        return true
    }

    mutating func name() throws(TemplateError) -> String {
        guard case .name(let name)? = next else { throw error("a name is missing") }
        position += 1
        return name
    }

    func error(_ message: String) -> TemplateError { TemplateError(line: line, message: message) }

    /// An expression up to the end of the tokens.
    mutating func whole() throws(TemplateError) -> TemplateExpression {
        let expression = try self.expression()
        guard isAtEnd else { throw error("something follows the expression") }
        return expression
    }

    mutating func expression() throws(TemplateError) -> TemplateExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < 50 else { throw error("the expression is nested too deep") }
        var left = try conjunction()
        while takeName("or") || takeSymbol("||") { left = .binary("or", left, try conjunction()) }
        return left
    }

    private mutating func conjunction() throws(TemplateError) -> TemplateExpression {
        var left = try negation()
        while takeName("and") || takeSymbol("&&") { left = .binary("and", left, try negation()) }
        return left
    }

    private mutating func negation() throws(TemplateError) -> TemplateExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < 50 else { throw error("the expression is nested too deep") }
        if takeName("not") || takeSymbol("!") { return .not(try negation()) }
        return try comparison()
    }

    private mutating func comparison() throws(TemplateError) -> TemplateExpression {
        let left = try sum()
        for symbol in ["==", "!=", "<>", "<=", ">=", "<", ">"] where takeSymbol(symbol) {
            return .binary(symbol == "<>" ? "!=" : symbol, left, try sum())
        }
        if takeName("in") { return .binary("in", left, try sum()) }
        if next == .name("not"), position + 1 < tokens.count, tokens[position + 1] == .name("in") {
            position += 2
            return .not(.binary("in", left, try sum()))
        }
        return left
    }

    private mutating func sum() throws(TemplateError) -> TemplateExpression {
        var left = try product()
        while true {
            if takeSymbol("+") { left = .binary("+", left, try product()) }
            else if takeSymbol("-") { left = .binary("-", left, try product()) }
            else { return left }
        }
    }

    private mutating func product() throws(TemplateError) -> TemplateExpression {
        var left = try operand()
        while true {
            if takeSymbol("*") { left = .binary("*", left, try operand()) }
            else if takeSymbol("/") { left = .binary("/", left, try operand()) }
            else if takeSymbol("%") { left = .binary("%", left, try operand()) }
            else { return left }
        }
    }

    private mutating func operand() throws(TemplateError) -> TemplateExpression {
        if takeSymbol("-") { return .negative(try primary()) }
        return try primary()
    }

    private mutating func primary() throws(TemplateError) -> TemplateExpression {
        guard let token = next else { throw error("an expression is missing") }
        position += 1
        var result: TemplateExpression
        switch token {
        case .text(let text): result = .value(.text(text))
        case .number(let number): result = .value(.number(number))
        case .name("true"), .name("True"): result = .value(.bool(true))
        case .name("false"), .name("False"): result = .value(.bool(false))
        case .name("none"), .name("None"), .name("nil"): result = .value(.none)
        case .name(let name): result = .variable(name)
        case .symbol("("):
            result = try expression()
            guard takeSymbol(")") else { throw error("\")\" is missing") }
        case .symbol(let symbol): throw error("unexpected \(String(reflecting: symbol))")
        }
        while true {
            if takeSymbol(".") {
                guard let token = next else { throw error("a name is missing after \".\"") }
                position += 1
                switch token {
                case .name(let name): result = .member(result, .value(.text(name)))
                case .number(let number): result = .member(result, .value(.number(number)))
                default: throw error("a name is missing after \".\"")
                }
            } else if takeSymbol("[") {
                result = .member(result, try expression())
                guard takeSymbol("]") else { throw error("\"]\" is missing") }
            } else if takeSymbol("(") {
                result = .call(result, try arguments())
            } else if takeSymbol("|") {
                let filter = try name()
                guard TemplateFilters.names.contains(filter) else { throw error("Filter '\(filter)' does not exist.") }
                result = .filter(result, filter, takeSymbol(":") ? try filterArgument() : nil)
            } else {
                return result
            }
        }
    }

    private mutating func arguments() throws(TemplateError) -> [TemplateExpression] {
        var list: [TemplateExpression] = []
        if takeSymbol(")") { return list }
        repeat { list.append(try expression()) } while takeSymbol(",")
        guard takeSymbol(")") else { throw error("\")\" is missing") }
        return list
    }

    /// A literal or a variable with members; further `|` belong to the next filter.
    private mutating func filterArgument() throws(TemplateError) -> TemplateExpression {
        guard let token = next else { throw error("a filter's argument is missing") }
        position += 1
        switch token {
        case .text(let text): return .value(.text(text))
        case .number(let number): return .value(.number(number))
        case .name(let name):
            var result = TemplateExpression.variable(name)
            while takeSymbol(".") { result = .member(result, .value(.text(try self.name()))) }
            return result
        case .symbol: throw error("a filter's argument is missing")
        }
    }
}
