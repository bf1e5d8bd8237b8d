/// Reads a `Decodable` value from a ``WireNode``, scalars by Go's rules for YAML: any scalar can be read as text.
struct WireDecoder: Decoder {
    let node: WireNode
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func decode<Value: Decodable>(_ type: Value.Type, from node: WireNode, path: [any CodingKey] = []) throws -> Value {
        if type == JSONValue.self, let value = node.jsonValue as? Value { return value }
        return try Value(from: WireDecoder(node: node, codingPath: path))
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        switch node {
        case .object(let members), .map(let members):
            return KeyedDecodingContainer(WireKeyedDecoder<Key>(members: members, codingPath: codingPath))
        case _ where node.isNull:
            return KeyedDecodingContainer(WireKeyedDecoder<Key>(members: [], codingPath: codingPath))
        default: throw mismatch([String: String].self)
        }
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        switch node {
        case .array(let elements): return WireListDecoder(elements: elements, codingPath: codingPath)
        case _ where node.isNull: return WireListDecoder(elements: [], codingPath: codingPath)
        default: throw mismatch([String].self)
        }
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "found \(node.kind)"))
    }
}

extension WireDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { node.isNull }

    func decode(_ type: String.Type) throws -> String {
        switch node {
        case .string(let text): return text
        case .plain(let text): return YAMLScalar.isNull(text) ? "" : text
        case .null: return ""
        case .bool(let flag): return flag ? "true" : "false"
        case .integer(let whole): return String(whole)
        case .unsigned(let whole): return String(whole)
        case .number(let number): return String(number)
        default: throw mismatch(type)
        }
    }

    func decode(_ type: Bool.Type) throws -> Bool {
        switch node {
        case .bool(let flag): return flag
        case .plain(let text):
            if case .bool(let flag) = YAMLScalar.resolve(text) { return flag }
            throw mismatch(type)
        default: throw mismatch(type)
        }
    }

    func decode(_ type: Double.Type) throws -> Double {
        switch node.jsonValue {
        case .integer(let whole): return Double(whole)
        case .number(let number): return number
        default: throw mismatch(type)
        }
    }

    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }

    private func whole<Whole: FixedWidthInteger>(_ type: Whole.Type) throws -> Whole {
        let exact: Whole? =
            switch node {
            case .unsigned(let value): Whole(exactly: value)
            default:
                switch node.jsonValue {
                case .integer(let value): Whole(exactly: value)
                case .number(let value): Whole(exactly: value)
                default: nil
                }
            }
        guard let exact else { throw mismatch(type) }
        return exact
    }

    func decode(_ type: Int.Type) throws -> Int { try whole(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try whole(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try whole(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try whole(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try whole(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try whole(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try whole(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try whole(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try whole(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try whole(type) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try WireDecoder.decode(type, from: node, path: codingPath)
    }
}

private struct WireKeyedDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let members: [String: WireNode]
    let order: [String]
    let codingPath: [any CodingKey]

    init(members: [(key: String, value: WireNode)], codingPath: [any CodingKey]) {
        self.members = Dictionary(members) { _, last in last }
        order = members.map(\.key)
        self.codingPath = codingPath
    }

    var allKeys: [Key] { order.compactMap(Key.init(stringValue:)) }
    func contains(_ key: Key) -> Bool { find(key) != nil }

    /// A field that JSON writes as `Name`, for want of a tag in the reference, is `name` in its YAML.
    private func find(_ key: Key) -> WireNode? {
        if let node = members[key.stringValue] { return node }
        guard let first = key.stringValue.unicodeScalars.first, first.properties.isUppercase else { return nil }
        return members[key.stringValue.lowercased()]
    }

    private func decoder(_ key: Key) throws -> WireDecoder {
        guard let node = find(key) else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "missing"))
        }
        return WireDecoder(node: node, codingPath: codingPath + [key])
    }

    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try decoder(key).decode(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try decoder(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decoder(key).decode(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try decoder(key).decode(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try decoder(key).decode(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try decoder(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try decoder(key).decode(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try decoder(key).decode(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try decoder(key).decode(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try decoder(key).decode(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try decoder(key).decode(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try decoder(key).decode(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try decoder(key).decode(type) }

    func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type, forKey key: Key) throws -> KeyedDecodingContainer<Inner> {
        try decoder(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try decoder(key).unkeyedContainer() }
    func superDecoder() -> any Decoder {
        WireDecoder(node: .object(order.compactMap { key in members[key].map { (key, $0) } }), codingPath: codingPath)
    }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

private struct WireListDecoder: UnkeyedDecodingContainer {
    let elements: [WireNode]
    let codingPath: [any CodingKey]
    var currentIndex = 0

    init(elements: [WireNode], codingPath: [any CodingKey]) {
        self.elements = elements
        self.codingPath = codingPath
    }

    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    private mutating func next() throws -> WireDecoder {
        guard currentIndex < elements.count else {
            throw DecodingError.valueNotFound(Any.self, .init(codingPath: codingPath, debugDescription: "the list has ended"))
        }
        defer { currentIndex += 1 }
        return WireDecoder(node: elements[currentIndex], codingPath: codingPath + [ListIndex(currentIndex)])
    }

    mutating func decodeNil() throws -> Bool {
        guard currentIndex < elements.count, elements[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }
    mutating func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type) throws -> KeyedDecodingContainer<Inner> {
        try next().container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct ListIndex: CodingKey {
    let index: Int
    init(_ index: Int) { self.index = index }
    init?(stringValue: String) { nil }
    init?(intValue: Int) { index = intValue }
    var stringValue: String { "\(index)" }
    var intValue: Int? { index }
}
