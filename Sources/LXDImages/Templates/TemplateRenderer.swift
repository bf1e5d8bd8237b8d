/// What a template of an image may know.
package struct TemplateContext: Sendable {
    /// `create`, `copy`, `rename` or `start`.
    package var trigger: String
    /// The file that is made, as `metadata.yaml` names it.
    package var path: String
    /// `name`, `type`, `architecture`, `privileged`, `ephemeral`.
    package var instance: [String: String]
    /// The expanded configuration.
    package var config: [String: String]
    package var devices: [String: [String: String]]
    /// The template's own properties of `metadata.yaml`.
    package var properties: [String: String]

    package init(
        trigger: String, path: String, instance: [String: String], config: [String: String],
        devices: [String: [String: String]], properties: [String: String]
    ) {
        self.trigger = trigger
        self.path = path
        self.instance = instance
        self.config = config
        self.devices = devices
        self.properties = properties
    }

    fileprivate var variables: [String: TemplateValue] {
        [
            "trigger": .text(trigger), "path": .text(path), "container": TemplateValue(instance),
            "instance": TemplateValue(instance), "config": TemplateValue(config),
            "devices": .map(devices.mapValues { TemplateValue($0) }), "properties": TemplateValue(properties),
            "config_get": .configGet,
        ]
    }
}

/// Renders the templates of images: the parts of pongo2's language that work on values.
///
/// There is no tag, filter or function that reads a file, the environment or a process, and no way to add one from a
/// template. Work and output are counted and end at a limit. Source: LXD's doc/image-handling.md, pongo2's documentation.
package struct TemplateRenderer {
    /// Bytes of a template.
    package static let templateBytesMax = 1 << 20
    /// Bytes of a rendered file.
    package static let outputBytesMax = 8 << 20
    /// Steps: nodes rendered and operations evaluated.
    package static let stepsMax = 200_000
    /// Bytes handled in all, those of values that are thrown away included.
    package static let workBytesMax = 64 << 20

    private var scopes: [[String: TemplateValue]]
    private let config: [String: String]
    private var output = ""
    private var steps = 0
    private var workBytes = 0
    private var escapes = false
    private var line = 1

    /// - Throws: `TemplateError` with the line.
    package static func render(_ template: String, _ context: TemplateContext) throws(TemplateError) -> String {
        guard template.utf8.count <= templateBytesMax else {
            throw TemplateError(line: 1, message: "the template is longer than \(templateBytesMax) bytes")
        }
        var lexer = TemplateLexer(template)
        var parser = TemplateParser(try lexer.pieces())
        let nodes = try parser.parse()
        var renderer = TemplateRenderer(context)
        try renderer.render(nodes)
        return renderer.output
    }

    private init(_ context: TemplateContext) {
        scopes = [context.variables]
        config = context.config
    }

    private mutating func step(_ line: Int) throws(TemplateError) {
        self.line = line
        steps += 1
        guard steps <= Self.stepsMax else { throw TemplateError(line: line, message: "the template does too much") }
    }

    private mutating func charge(_ text: String) throws(TemplateError) {
        workBytes += text.utf8.count
        guard workBytes <= Self.workBytesMax else { throw TemplateError(line: line, message: "the template does too much") }
    }

    private mutating func write(_ text: String) throws(TemplateError) {
        try charge(text)
        guard output.utf8.count + text.utf8.count <= Self.outputBytesMax else {
            throw TemplateError(line: line, message: "the result is longer than \(Self.outputBytesMax) bytes")
        }
        output += text
    }

    // MARK: Nodes

    private mutating func render(_ nodes: [TemplateNode]) throws(TemplateError) {
        for node in nodes { try render(node) }
    }

    private mutating func render(_ node: TemplateNode) throws(TemplateError) {
        try step(line)
        switch node {
        case .text(let text): try write(text)
        case .output(let expression, let line):
            try step(line)
            let value = try evaluate(expression)
            try write(escapes ? TemplateFilters.apply("escape", value, nil).printed : value.printed)
        case .branches(let branches, let line):
            try step(line)
            for branch in branches {
                if let condition = branch.condition, try !evaluate(condition).isTrue { continue }
                return try render(branch.body)
            }
        case .loop(let loop, let line):
            try step(line)
            try render(loop)
        case .set(let values, let line):
            try step(line)
            for (name, expression) in values { scopes[scopes.count - 1][name] = try evaluate(expression) }
        case .scope(let values, let body, let line):
            try step(line)
            var scope: [String: TemplateValue] = [:]
            for (name, expression) in values { scope[name] = try evaluate(expression) }
            scopes.append(scope)
            try render(body)
            scopes.removeLast()
        case .escape(let isOn, let body):
            let before = escapes
            escapes = isOn
            try render(body)
            escapes = before
        case .spaceless(let body): try write(Self.spaceless(try capture(body)))
        case .filtered(let filters, let body, let line):
            try step(line)
            var value = TemplateValue.text(try capture(body))
            for (name, argument) in filters {
                let argument = try argument.map { (expression) throws(TemplateError) in try evaluate(expression) }
                value = TemplateFilters.apply(name, value, argument)
            }
            try write(value.printed)
        case .firstOf(let expressions, let line):
            try step(line)
            for expression in expressions {
                let value = try evaluate(expression)
                if value.isTrue { return try write(value.printed) }
            }
        }
    }

    private mutating func capture(_ body: [TemplateNode]) throws(TemplateError) -> String {
        let before = output
        output = ""
        try render(body)
        let captured = output
        output = before
        return captured
    }

    /// Drops white space between tags of markup.
    private static func spaceless(_ text: String) -> String {
        var result = ""
        var pending = ""
        for character in text {
            if character.isWhitespace && (result.last == ">" || result.isEmpty) {
                pending.append(character)
            } else {
                if character != "<" { result += pending }
                pending = ""
                result.append(character)
            }
        }
        return result
    }

    private mutating func render(_ loop: TemplateLoop) throws(TemplateError) {
        var elements = try evaluate(loop.source).elements
        if loop.isSorted { elements.sort { $0.key.printed < $1.key.printed } }
        if loop.isReversed { elements.reverse() }
        if elements.isEmpty { return try render(loop.ifEmpty) }
        let parent = value(of: "forloop")
        for (index, element) in elements.enumerated() {
            var scope = [loop.key: element.key]
            if let name = loop.value { scope[name] = element.value }
            let count = elements.count
            let position: [String: TemplateValue] = [
                "Counter": .number(Double(index + 1)), "Counter0": .number(Double(index)),
                "Revcounter": .number(Double(count - index)), "Revcounter0": .number(Double(count - index - 1)),
                "First": .bool(index == 0), "Last": .bool(index == count - 1), "Parentloop": parent,
            ]
            var both = position
            for (name, value) in position { both[name.lowercased()] = value }
            scope["forloop"] = .map(both)
            scopes.append(scope)
            try render(loop.body)
            scopes.removeLast()
        }
    }

    // MARK: Expressions

    private func value(of name: String) -> TemplateValue {
        for scope in scopes.reversed() { if let value = scope[name] { return value } }
        return .none
    }

    private mutating func evaluate(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
        try step(line)
        switch expression {
        case .value(let value): return value
        case .variable(let name): return value(of: name)
        case .member(let base, let name):
            let (base, name) = (try evaluate(base), try evaluate(name))
            return base.member(name)
        case .call(let function, let arguments):
            guard try evaluate(function) == .configGet else { throw TemplateError(line: line, message: "only config_get can be called") }
            guard arguments.count == 2 else { throw TemplateError(line: line, message: "config_get takes a key and a default") }
            let (key, fallback) = (try evaluate(arguments[0]).printed, try evaluate(arguments[1]))
            guard let value = config[key] else { return fallback }
            return .text(String(value.reversed().drop { $0.isNewline }.reversed()))
        case .filter(let base, let name, let argument):
            let base = try evaluate(base)
            let argument = try argument.map { (expression) throws(TemplateError) in try evaluate(expression) }
            try charge(base.printed)
            return TemplateFilters.apply(name, base, argument)
        case .not(let inner): return .bool(try !evaluate(inner).isTrue)
        case .negative(let inner): return .number(-(try evaluate(inner).number))
        case .binary("or", let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? .bool(true) : .bool(try evaluate(right).isTrue)
        case .binary("and", let left, let right):
            return try evaluate(left).isTrue ? .bool(try evaluate(right).isTrue) : .bool(false)
        case .binary(let name, let left, let right): return try operate(name, try evaluate(left), try evaluate(right))
        }
    }

    private mutating func operate(_ name: String, _ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch name {
        case "==": return .bool(left == right)
        case "!=": return .bool(left != right)
        case "in": return .bool(right.contains(left))
        case "<", "<=", ">", ">=":
            if case .text(let a) = left, case .text(let b) = right { return .bool(Self.compare(name, a, b)) }
            return .bool(Self.compare(name, left.number, right.number))
        case "+":
            if case .number = left, case .number = right { return .number(left.number + right.number) }
            let text = left.printed + right.printed
            try charge(text)
            guard text.utf8.count <= Self.outputBytesMax else { throw TemplateError(line: line, message: "a value is too long") }
            return .text(text)
        case "-": return .number(left.number - right.number)
        case "*": return .number(left.number * right.number)
        case "/":
            guard right.number != 0 else { throw TemplateError(line: line, message: "division by zero") }
            return .number(left.number / right.number)
        default:
            guard right.number != 0 else { throw TemplateError(line: line, message: "division by zero") }
            return .number(left.number.truncatingRemainder(dividingBy: right.number))
        }
    }

    private static func compare<Value: Comparable>(_ name: String, _ a: Value, _ b: Value) -> Bool {
        switch name {
        case "<": a < b
        case "<=": a <= b
        case ">": a > b
        default: a >= b
        }
    }
}
