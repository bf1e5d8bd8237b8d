/// The filters of templates: functions of a value and one argument. None reads anything but these.
enum TemplateFilters {
    static let names: Set<String> = [
        "default", "default_if_none", "lower", "upper", "title", "capfirst", "length", "join", "split", "first", "last", "cut",
        "add", "addslashes", "escape", "e", "force_escape", "safe", "integer", "float", "yesno", "truncatechars", "wordcount",
        "linebreaksbr", "ljust", "rjust", "center", "slice", "striptags", "make_list", "divisibleby", "urlencode",
    ]

    /// Widths and lengths an argument may ask for.
    private static let widthMax = 4096

    static func apply(_ name: String, _ value: TemplateValue, _ argument: TemplateValue?) -> TemplateValue {
        let text = value.printed
        let other = argument?.printed ?? ""
        let width = max(0, min(widthMax, Int(exactly: (argument?.number ?? 0).rounded(.down)) ?? 0))
        switch name {
        case "default": return value.isTrue ? value : argument ?? .none
        case "default_if_none": return value == .none ? argument ?? .none : value
        case "lower": return .text(text.lowercased())
        case "upper": return .text(text.uppercased())
        case "title": return .text(text.lowercased().split(separator: " ", omittingEmptySubsequences: false).map { capitalized(String($0)) }.joined(separator: " "))
        case "capfirst": return .text(capitalized(text))
        case "length": return .number(Double(value.count))
        case "join": return .text(value.elements.map(\.key.printed).joined(separator: other))
        case "split":
            guard let separator = other.first, other.count == 1 else { return .list([value]) }
            return .list(text.split(separator: separator, omittingEmptySubsequences: false).map { .text(String($0)) })
        case "make_list": return .list(text.map { .text(String($0)) })
        case "first": return value.elements.first?.key ?? .text("")
        case "last": return value.elements.last?.key ?? .text("")
        case "cut":
            guard other.count == 1, let character = other.first else { return value }
            return .text(String(text.filter { $0 != character }))
        case "add":
            if case .number = value, let argument { return .number(value.number + argument.number) }
            return .text(text + other)
        case "addslashes":
            return .text(text.reduce(into: "") { $0 += "\\\"'".contains($1) ? "\\" + String($1) : String($1) })
        case "escape", "e", "force_escape": return .text(escaped(text))
        case "integer": return .number(value.number.rounded(.towardZero))
        case "float": return .number(value.number)
        case "yesno":
            let words = (argument == nil ? "yes,no,maybe" : other).split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard words.count >= 2 else { return .none }
            if value == .none { return .text(words.count > 2 ? words[2] : words[1]) }
            return .text(value.isTrue ? words[0] : words[1])
        case "truncatechars":
            return .text(text.count <= width ? text : width < 3 ? String(text.prefix(width)) : String(text.prefix(width - 3)) + "...")
        case "wordcount": return .number(Double(text.split(whereSeparator: \.isWhitespace).count))
        case "linebreaksbr": return .text(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "<br />"))
        case "ljust": return .text(text + String(repeating: " ", count: max(0, width - text.count)))
        case "rjust": return .text(String(repeating: " ", count: max(0, width - text.count)) + text)
        case "center":
            let missing = max(0, width - text.count)
            return .text(String(repeating: " ", count: missing / 2) + text + String(repeating: " ", count: missing - missing / 2))
        case "slice": return slice(value, other)
        case "striptags":
            var depth = 0
            return .text(
                String(text.filter { character in
                    if character == "<" { depth += 1 }
                    defer { if character == ">" { depth = max(0, depth - 1) } }
                    return depth == 0
                }))
        case "divisibleby": return .bool(width != 0 && value.number.truncatingRemainder(dividingBy: Double(width)) == 0)
        case "urlencode":
            let kept = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~".utf8)
            return .text(text.utf8.reduce(into: "") { result, byte in
                if kept.contains(byte) { result.unicodeScalars.append(Unicode.Scalar(byte)) } else {
                    result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
                }
            })
        default: return value
        }
    }

    private static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
    }

    /// `slice:"1:3"`; negative numbers count from the end.
    private static func slice(_ value: TemplateValue, _ range: String) -> TemplateValue {
        let parts = range.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2 else { return value }
        let count = value.count
        func bound(_ number: Int?, _ fallback: Int) -> Int {
            guard let number else { return fallback }
            return max(0, min(count, number < 0 ? count + max(number, -count) : number))
        }
        let (from, to) = (bound(parts[0], 0), bound(parts[1], count))
        guard from < to else { return .text("") }
        switch value {
        case .list(let values): return .list(Array(values[from..<to]))
        default:
            let scalars = Array(value.printed.unicodeScalars)
            guard to <= scalars.count else { return value }
            return .text(scalars[from..<to].reduce(into: "") { $0.unicodeScalars.append($1) })
        }
    }
}
