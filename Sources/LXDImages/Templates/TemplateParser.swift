/// A part of a template that is ready to be rendered.
indirect enum TemplateNode {
    case text(String)
    case output(TemplateExpression, line: Int)
    /// The first branch whose condition holds; a branch without one always does.
    case branches([(condition: TemplateExpression?, body: [TemplateNode])], line: Int)
    case loop(TemplateLoop, line: Int)
    case set([(name: String, value: TemplateExpression)], line: Int)
    /// The body with variables of its own.
    case scope([(name: String, value: TemplateExpression)], body: [TemplateNode], line: Int)
    case escape(Bool, body: [TemplateNode])
    case spaceless([TemplateNode])
    case filtered([(name: String, argument: TemplateExpression?)], body: [TemplateNode], line: Int)
    case firstOf([TemplateExpression], line: Int)
}

struct TemplateLoop {
    var key: String
    var value: String?
    var source: TemplateExpression
    var isReversed: Bool
    var isSorted: Bool
    var body: [TemplateNode]
    var ifEmpty: [TemplateNode]
}

/// Builds the tree of a template. Tags that would reach another file, and those nobody uses in images, do not exist.
struct TemplateParser {
    static let depthMax = 32

    private let pieces: [TemplatePiece]
    private var position = 0
    private var depth = 0

    init(_ pieces: [TemplatePiece]) { self.pieces = pieces }

    mutating func parse() throws(TemplateError) -> [TemplateNode] {
        let (nodes, end) = try body(until: [])
        if let end { throw TemplateError(line: end.line, message: "Tag '\(end.name)' not found (or beginning tag not provided)") }
        return nodes
    }

    private struct End {
        var name: String
        var tokens: [TemplateToken]
        var line: Int
    }

    /// Nodes up to one of the named tags, or to the end of the template.
    private mutating func body(until names: Set<String>) throws(TemplateError) -> (nodes: [TemplateNode], end: End?) {
        var nodes: [TemplateNode] = []
        while position < pieces.count {
            let piece = pieces[position]
            position += 1
            switch piece {
            case .text(let text): nodes.append(.text(text))
            case .output(let tokens, let line):
                var parser = TemplateExpressionParser(tokens, line: line)
                nodes.append(.output(try parser.whole(), line: line))
            case .tag(let name, let tokens, let line):
                if names.contains(name) { return (nodes, End(name: name, tokens: tokens, line: line)) }
                depth += 1
                guard depth <= Self.depthMax else { throw TemplateError(line: line, message: "tags are nested too deep") }
                if let node = try tag(name, tokens, line) { nodes.append(node) }
                depth -= 1
            }
        }
        return (nodes, nil)
    }

    private mutating func closed(by names: Set<String>, _ opening: String, _ line: Int) throws(TemplateError) -> (nodes: [TemplateNode], end: End) {
        let (nodes, end) = try body(until: names)
        guard let end else { throw TemplateError(line: line, message: "Tag '\(opening)' does not end") }
        return (nodes, end)
    }

    private mutating func tag(_ name: String, _ tokens: [TemplateToken], _ line: Int) throws(TemplateError) -> TemplateNode? {
        var parser = TemplateExpressionParser(tokens, line: line)
        switch name {
        case "if": return try conditional(parser, line)
        case "ifequal", "ifnotequal":
            let comparison = TemplateExpression.binary(name == "ifequal" ? "==" : "!=", try parser.expression(), try parser.expression())
            let end = "end" + name
            let (body, stop) = try closed(by: ["else", end], name, line)
            var branches: [(TemplateExpression?, [TemplateNode])] = [(comparison, body)]
            if stop.name == "else" { branches.append((nil, try closed(by: [end], name, line).nodes)) }
            return .branches(branches, line: line)
        case "for": return try loop(&parser, line)
        case "set":
            let target = try parser.name()
            guard parser.takeSymbol("=") else { throw parser.error("\"=\" is missing") }
            return .set([(target, try parser.whole())], line: line)
        case "with":
            var values: [(String, TemplateExpression)] = []
            while !parser.isAtEnd {
                let target = try parser.name()
                guard parser.takeSymbol("=") else { throw parser.error("\"=\" is missing") }
                values.append((target, try parser.expression()))
            }
            return .scope(values, body: try closed(by: ["endwith"], name, line).nodes, line: line)
        case "autoescape":
            let mode = try parser.name()
            guard mode == "on" || mode == "off" else { throw parser.error("autoescape is on or off") }
            return .escape(mode == "on", body: try closed(by: ["endautoescape"], name, line).nodes)
        case "spaceless": return .spaceless(try closed(by: ["endspaceless"], name, line).nodes)
        case "comment":
            _ = try closed(by: ["endcomment"], name, line)
            return nil
        case "verbatim":
            // The lexer has put the text in one piece.
            let (body, _) = try closed(by: ["endverbatim"], name, line)
            return .scope([], body: body, line: line)
        case "firstof":
            var values: [TemplateExpression] = []
            while !parser.isAtEnd { values.append(try parser.expression()) }
            return .firstOf(values, line: line)
        case "filter":
            var filters: [(String, TemplateExpression?)] = []
            repeat {
                let filter = try parser.name()
                guard TemplateFilters.names.contains(filter) else { throw parser.error("Filter '\(filter)' does not exist.") }
                filters.append((filter, parser.takeSymbol(":") ? try parser.expression() : nil))
            } while parser.takeSymbol("|")
            return .filtered(filters, body: try closed(by: ["endfilter"], name, line).nodes, line: line)
        default: throw TemplateError(line: line, message: "Tag '\(name)' not found (or beginning tag not provided)")
        }
    }

    private mutating func conditional(_ first: TemplateExpressionParser, _ line: Int) throws(TemplateError) -> TemplateNode {
        var parser = first
        var condition: TemplateExpression? = try parser.whole()
        var branches: [(TemplateExpression?, [TemplateNode])] = []
        while true {
            let (body, end) = try closed(by: ["elif", "else", "endif"], "if", line)
            branches.append((condition, body))
            switch end.name {
            case "elif":
                var next = TemplateExpressionParser(end.tokens, line: end.line)
                condition = try next.whole()
            case "else":
                branches.append((nil, try closed(by: ["endif"], "if", line).nodes))
                return .branches(branches, line: line)
            default: return .branches(branches, line: line)
            }
        }
    }

    private mutating func loop(_ parser: inout TemplateExpressionParser, _ line: Int) throws(TemplateError) -> TemplateNode {
        let key = try parser.name()
        let value = parser.takeSymbol(",") ? try parser.name() : nil
        guard parser.takeName("in") else { throw parser.error("\"in\" is missing") }
        let source = try parser.expression()
        var (isReversed, isSorted) = (false, false)
        while !parser.isAtEnd {
            switch try parser.name() {
            case "reversed": isReversed = true
            case "sorted": isSorted = true
            default: throw parser.error("a loop is reversed or sorted")
            }
        }
        let (body, end) = try closed(by: ["empty", "endfor"], "for", line)
        let ifEmpty = end.name == "empty" ? try closed(by: ["endfor"], "for", line).nodes : []
        return .loop(
            TemplateLoop(
                key: key, value: value, source: source, isReversed: isReversed, isSorted: isSorted, body: body, ifEmpty: ifEmpty),
            line: line)
    }
}
