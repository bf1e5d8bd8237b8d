/// A piece of a template: text to be printed, an expression, or a tag.
enum TemplatePiece {
    case text(String)
    case output([TemplateToken], line: Int)
    case tag(String, [TemplateToken], line: Int)
}

enum TemplateToken: Hashable {
    case name(String)
    case text(String)
    case number(Double)
    case symbol(String)
}

/// Cuts a template into pieces and the inside of `{{ }}` and `{% %}` into tokens.
struct TemplateLexer {
    private let source: [Character]
    private var index = 0
    private var line = 1

    init(_ text: String) { source = Array(text) }

    mutating func pieces() throws(TemplateError) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        var text = ""
        var trimNext = false
        func flush(_ trimEnd: Bool) {
            if trimEnd { while text.last?.isWhitespace == true { text.removeLast() } }
            if !text.isEmpty { pieces.append(.text(text)) }
            text = ""
        }
        while index < source.count {
            if starts("{#") {
                flush(false)
                let begin = line
                while index < source.count && !starts("#}") { advance() }
                guard index < source.count else { throw TemplateError(line: begin, message: "a comment does not end") }
                advance(2)
            } else if starts("{{") || starts("{%") {
                let isTag = starts("{%")
                let begin = line
                advance(2)
                let trimBefore = starts("-")
                if trimBefore { advance() }
                flush(trimBefore)
                let tokens = try self.tokens(until: isTag ? "%}" : "}}", begin)
                trimNext = tokens.trim
                if isTag {
                    guard case .name(let name)? = tokens.list.first else {
                        throw TemplateError(line: begin, message: "a tag has no name")
                    }
                    pieces.append(.tag(name, Array(tokens.list.dropFirst()), line: begin))
                    if name == "verbatim" { pieces.append(.text(try verbatim(begin))) }
                } else {
                    pieces.append(.output(tokens.list, line: begin))
                }
                if trimNext { while index < source.count && source[index].isWhitespace { advance() } }
            } else {
                text.append(source[index])
                advance()
            }
        }
        flush(false)
        return pieces
    }

    private func starts(_ text: String) -> Bool {
        var position = index
        for character in text {
            guard position < source.count, source[position] == character else { return false }
            position += 1
        }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where index < source.count {
            if source[index].isNewline { line += 1 }
            index += 1
        }
    }

    private mutating func verbatim(_ begin: Int) throws(TemplateError) -> String {
        var text = ""
        while index < source.count {
            if starts("{%") {
                let rest = String(source[index...].prefix(40)).drop { "{%- \t".contains($0) }
                if rest.hasPrefix("endverbatim") { return text }
            }
            text.append(source[index])
            advance()
        }
        throw TemplateError(line: begin, message: "verbatim does not end")
    }

    private mutating func tokens(until end: String, _ begin: Int) throws(TemplateError) -> (list: [TemplateToken], trim: Bool) {
        var list: [TemplateToken] = []
        while index < source.count {
            if starts(end) {
                advance(2)
                return (list, false)
            }
            if starts("-" + end) {
                advance(3)
                return (list, true)
            }
            let character = source[index]
            if character.isWhitespace {
                advance()
            } else if character == "\"" || character == "'" {
                list.append(.text(try quoted(character)))
            } else if character.isASCII && character.isNumber {
                list.append(number())
            } else if character.isLetter || character == "_" {
                list.append(.name(name()))
            } else {
                list.append(try symbol())
            }
        }
        throw TemplateError(line: begin, message: "\(end) is missing")
    }

    private mutating func quoted(_ quote: Character) throws(TemplateError) -> String {
        let begin = line
        advance()
        var text = ""
        while index < source.count {
            let character = source[index]
            advance()
            if character == quote { return text }
            if character == "\\", index < source.count {
                let escaped = source[index]
                advance()
                switch escaped {
                case "n": text.append("\n")
                case "t": text.append("\t")
                case "r": text.append("\r")
                default: text.append(escaped)
                }
            } else {
                text.append(character)
            }
        }
        throw TemplateError(line: begin, message: "a string does not end")
    }

    private mutating func number() -> TemplateToken {
        var text = ""
        while index < source.count, source[index].isASCII && source[index].isNumber {
            text.append(source[index])
            advance()
        }
        if index + 1 < source.count, source[index] == ".", source[index + 1].isNumber {
            text.append(".")
            advance()
            while index < source.count, source[index].isASCII && source[index].isNumber {
                text.append(source[index])
                advance()
            }
        }
        return .number(Double(text) ?? 0)
    }

    private mutating func name() -> String {
        var text = ""
        while index < source.count, source[index].isLetter || source[index].isNumber || source[index] == "_" {
            text.append(source[index])
            advance()
        }
        return text
    }

    private mutating func symbol() throws(TemplateError) -> TemplateToken {
        for symbol in ["==", "!=", "<>", "<=", ">=", "&&", "||"] where starts(symbol) {
            advance(2)
            return .symbol(symbol)
        }
        for symbol in ["(", ")", "[", "]", ",", ".", "|", ":", "<", ">", "+", "-", "*", "/", "%", "!", "="] where starts(symbol) {
            advance()
            return .symbol(symbol)
        }
        throw TemplateError(line: line, message: "unexpected character \(String(reflecting: String(source[index])))")
    }
}
