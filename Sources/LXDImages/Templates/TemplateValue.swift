/// A value in a template.
indirect enum TemplateValue: Sendable, Hashable {
    case none
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([TemplateValue])
    case map([String: TemplateValue])
    /// `config_get`: a key's value, or the second argument.
    case configGet

    init(_ map: [String: String]) { self = .map(map.mapValues { .text($0) }) }

    /// What `{{ value }}` prints.
    var printed: String {
        switch self {
        case .none, .configGet: return ""
        case .bool(let value): return value ? "True" : "False"
        case .number(let value): return Self.print(value)
        case .text(let value): return value
        case .list(let values): return "[" + values.map(\.printed).joined(separator: " ") + "]"
        case .map(let values):
            return "map[" + values.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.printed)" }.joined(separator: " ") + "]"
        }
    }

    private static func print(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        // Six digits, as the engine of LXD prints them.
        let scaled = (value.magnitude * 1_000_000).rounded()
        guard let micro = Int64(exactly: scaled) else { return "\(value)" }
        let fraction = String(micro % 1_000_000)
        return (value < 0 ? "-" : "") + "\(micro / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }

    var isTrue: Bool {
        switch self {
        case .none: false
        case .bool(let value): value
        case .number(let value): value != 0
        case .text(let value): !value.isEmpty
        case .list(let values): !values.isEmpty
        case .map(let values): !values.isEmpty
        case .configGet: true
        }
    }

    var number: Double {
        switch self {
        case .number(let value): value
        case .bool(let value): value ? 1 : 0
        case .text(let value): Double(value) ?? 0
        default: 0
        }
    }

    var count: Int {
        switch self {
        case .text(let value): value.unicodeScalars.count
        case .list(let values): values.count
        case .map(let values): values.count
        default: 0
        }
    }

    /// `value.name` and `value["name"]`.
    func member(_ name: TemplateValue) -> TemplateValue {
        switch self {
        case .map(let values): return values[name.printed] ?? .none
        case .list(let values):
            guard let index = Int(name.printed), values.indices.contains(index) else { return .none }
            return values[index]
        case .text(let text):
            guard let index = Int(name.printed), index >= 0, index < text.unicodeScalars.count else { return .none }
            return .text(String(text.unicodeScalars[text.unicodeScalars.index(text.unicodeScalars.startIndex, offsetBy: index)]))
        default: return .none
        }
    }

    func contains(_ other: TemplateValue) -> Bool {
        switch self {
        case .text(let text): text.contains(other.printed)
        case .list(let values): values.contains(other)
        case .map(let values): values[other.printed] != nil
        default: false
        }
    }

    /// What a loop goes through: a map by its sorted keys.
    var elements: [(key: TemplateValue, value: TemplateValue)] {
        switch self {
        case .list(let values): values.map { ($0, .none) }
        case .map(let values): values.sorted { $0.key < $1.key }.map { (.text($0.key), $0.value) }
        case .text(let text): text.map { (.text(String($0)), .none) }
        default: []
        }
    }
}

/// Why a template cannot be rendered.
package struct TemplateError: Error, Sendable, CustomStringConvertible {
    /// Counted from 1.
    package let line: Int
    package let message: String
    package var description: String { "line \(line): \(message)" }
}
