/// A tree of plain data between wire types and their text, JSON or YAML. Members keep the order they were written in.
enum WireNode: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    /// A YAML scalar without quotes: what it is depends on what it is read as.
    case plain(String)
    case array([WireNode])
    case object([(key: String, value: WireNode)])
    /// A list or map without entries that JSON writes as `null` and YAML as empty.
    case absent(isMap: Bool)
    /// An object whose keys are data rather than field names.
    case map([(key: String, value: WireNode)])
}

extension WireNode {
    init(_ value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .integer(let whole): self = .integer(whole)
        case .number(let number): self = .number(number)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .array(elements.map(WireNode.init))
        case .object(let members):
            self = .map(members.sorted { $0.key < $1.key }.map { ($0.key, WireNode($0.value)) })
        }
    }

    /// The value without a type: plain scalars become what YAML says they are.
    var jsonValue: JSONValue {
        switch self {
        case .null, .absent: .null
        case .bool(let flag): .bool(flag)
        case .integer(let whole): .integer(whole)
        case .unsigned(let whole): Int64(exactly: whole).map(JSONValue.integer) ?? .number(Double(whole))
        case .number(let number): .number(number)
        case .string(let text): .string(text)
        case .plain(let text): YAMLScalar.resolve(text)
        case .array(let elements): .array(elements.map(\.jsonValue))
        case .object(let members), .map(let members):
            .object(Dictionary(members.map { ($0.key, $0.value.jsonValue) }) { _, last in last })
        }
    }

    /// What kind of thing this is, for messages.
    var kind: String {
        switch self {
        case .null, .absent: "null"
        case .bool: "a boolean"
        case .integer, .unsigned, .number: "a number"
        case .string, .plain: "a string"
        case .array: "a list"
        case .object, .map: "an object"
        }
    }

    var isNull: Bool {
        switch self {
        case .null, .absent: true
        case .plain(let text): YAMLScalar.isNull(text)
        default: false
        }
    }
}

/// Stands for an empty list or map in a ``NullIfEmpty`` field; other encoders than ours see `null`.
struct AbsentCollection: Encodable {
    let isMap: Bool

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encodeNil()
    }
}
