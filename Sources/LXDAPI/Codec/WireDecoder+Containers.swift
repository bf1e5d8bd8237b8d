/// Gives the members of an object by key. Senders and types mostly agree on the order, so the search goes on where the
/// last one ended.
final class WireKeyedDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let members: [(key: String, value: WireNode)]
    private var next = 0

    init(_ members: [(key: String, value: WireNode)]) { self.members = members }

    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { members.compactMap { Key(stringValue: $0.key) } }
    func contains(_ key: Key) -> Bool { find(key) != nil }

    private func find(_ key: Key) -> WireNode? {
        let name = key.stringValue
        if let node = find(name) { return node }
        // A field that JSON writes as `Name`, for want of a tag in the reference, is `name` in its YAML.
        guard let first = name.utf8.first, (65...90).contains(first) else { return nil }
        return find(name.lowercased())
    }

    private func find(_ name: String) -> WireNode? {
        for index in next..<members.count where members[index].key == name {
            next = index + 1
            return members[index].value
        }
        for index in 0..<next where members[index].key == name {
            next = index + 1
            return members[index].value
        }
        return nil
    }

    private func decoder(_ key: Key) throws -> WireDecoder {
        guard let node = find(key) else {
            throw DecodingError.keyNotFound(key, .init(codingPath: [], debugDescription: "missing"))
        }
        return WireDecoder(node: node)
    }

    /// Runs what decodes a member; an error gets the member's key.
    private func at<Value>(_ key: Key, _ body: (WireDecoder) throws -> Value) throws -> Value {
        let decoder = try decoder(key)
        do {
            return try body(decoder)
        } catch {
            throw WireDecoder.placed(error, at: key)
        }
    }

    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try at(key) { try $0.decode(type) } }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try at(key) { try $0.decode(type) } }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try at(key) { try $0.decode(type) } }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try at(key) { try $0.decode(type) } }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try at(key) { try $0.decode(type) } }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try at(key) { try $0.decode(type) } }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try at(key) { try $0.decode(type) } }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try at(key) { try $0.decode(type) } }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try at(key) { try $0.decode(type) } }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try at(key) { try $0.decode(type) } }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try at(key) { try $0.decode(type) } }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try at(key) { try $0.decode(type) } }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try at(key) { try $0.decode(type) } }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try at(key) { try $0.decode(type) } }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try at(key) { try WireDecoder.decode(type, from: $0.node) }
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let node = find(key), !node.isNull else { return nil }
        do {
            return try WireDecoder.decode(type, from: node)
        } catch {
            throw WireDecoder.placed(error, at: key)
        }
    }

    func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type, forKey key: Key) throws -> KeyedDecodingContainer<
        Inner
    > {
        try at(key) { try $0.container(keyedBy: type) }
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try at(key) { try $0.unkeyedContainer() }
    }
    func superDecoder() -> any Decoder { WireDecoder(node: .object(members)) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

struct WireListDecoder: UnkeyedDecodingContainer {
    private let elements: [WireNode]
    private(set) var currentIndex = 0

    init(_ elements: [WireNode]) { self.elements = elements }

    var codingPath: [any CodingKey] { [] }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    private mutating func next<Value>(_ body: (WireDecoder) throws -> Value) throws -> Value {
        guard currentIndex < elements.count else {
            throw DecodingError.valueNotFound(Any.self, .init(codingPath: [], debugDescription: "the list has ended"))
        }
        let index = currentIndex
        currentIndex += 1
        do {
            return try body(WireDecoder(node: elements[index]))
        } catch {
            throw WireDecoder.placed(error, at: WireKey(index: index))
        }
    }

    mutating func decodeNil() throws -> Bool {
        guard currentIndex < elements.count, elements[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try next { try WireDecoder.decode(type, from: $0.node) }
    }
    mutating func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type) throws -> KeyedDecodingContainer<Inner> {
        try next { try $0.container(keyedBy: type) }
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next { try $0.unkeyedContainer() }
    }
    mutating func superDecoder() throws -> any Decoder { try next { $0 } }
}
