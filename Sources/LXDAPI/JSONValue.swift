/// Any JSON value, for the parts of the API that have no fixed shape (operation metadata, event contexts, server keys).
public enum JSONValue: WireValue {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public init() { self = .null }
    public var isWireEmpty: Bool { self == .null }

    public init(from decoder: any Decoder) throws {
        if let wire = decoder as? WireDecoder {
            self = wire.node.jsonValue
            return
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let text = try? single.decode(String.self) {
            self = .string(text)
        } else if let flag = try? single.decode(Bool.self) {
            self = .bool(flag)
        } else if let whole = try? single.decode(Int64.self) {
            self = .integer(whole)
        } else if let number = try? single.decode(Double.self) {
            self = .number(number)
        } else if let members = try? single.decode([String: JSONValue].self) {
            self = .object(members)
        } else {
            self = .array(try single.decode([JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        switch self {
        case .null: try single.encodeNil()
        case .bool(let flag): try single.encode(flag)
        case .integer(let whole): try single.encode(whole)
        case .number(let number): try single.encode(number)
        case .string(let text): try single.encode(text)
        case .array(let elements): try single.encode(elements)
        case .object(let members): try single.encode(members)
        }
    }
}

extension JSONValue {
    /// The text, if this is a string.
    public var stringValue: String? { if case .string(let text) = self { text } else { nil } }
    /// The flag, if this is a boolean.
    public var boolValue: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    /// The elements, if this is an array.
    public var arrayValue: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    /// The members, if this is an object.
    public var objectValue: [String: JSONValue]? { if case .object(let members) = self { members } else { nil } }

    /// The whole number, if this is a number without a fraction that fits.
    public var intValue: Int? {
        switch self {
        case .integer(let whole): Int(exactly: whole)
        case .number(let number): Int(exactly: number)
        default: nil
        }
    }

    /// The member of an object; `.null` if there is none or this is no object. Setting makes this an object.
    public subscript(_ key: String) -> JSONValue {
        get { objectValue?[key] ?? .null }
        set {
            var members = objectValue ?? [:]
            members[key] = newValue
            self = .object(members)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
    public init(nilLiteral: ()) { self = .null }
}

extension JSONValue {
    /// An array of strings, as operations carry their resources.
    public static func strings(_ values: some Sequence<String>) -> JSONValue { .array(values.map { .string($0) }) }

    /// An object of strings, as secrets and event contexts are carried.
    public static func strings(_ values: [String: String]) -> JSONValue { .object(values.mapValues { .string($0) }) }
}
