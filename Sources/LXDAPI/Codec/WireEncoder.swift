/// Turns an `Encodable` value into a ``WireNode``. Maps are sorted by key; struct members keep their order, as in Go.
struct WireEncoder: Encoder {
    let codingPath: [any CodingKey]
    let slot: Slot
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func encode(_ value: some Encodable) throws -> WireNode {
        try node(for: value, path: [])
    }

    /// Where a container leaves its node; the encoder's owner reads it when `encode(to:)` has returned.
    final class Slot {
        var members: [(key: String, value: WireNode)]?
        var elements: [WireNode]?
        var scalar: WireNode?
        var nested: [(place: Place, slot: Slot)] = []
        enum Place { case key(Int), index(Int) }

        func finish() -> WireNode {
            for (place, slot) in nested {
                switch place {
                case .key(let index): members?[index].value = slot.finish()
                case .index(let index): elements?[index] = slot.finish()
                }
            }
            nested = []
            if let members { return .object(members) }
            if let elements { return .array(elements) }
            return scalar ?? .object([])
        }
    }

    /// The common types without a container of their own; everything else by its `encode(to:)`.
    static func node<Value: Encodable>(for value: Value, path: @autoclosure () -> [any CodingKey]) throws -> WireNode {
        if Value.self == String.self, let text = value as? String { return .string(text) }
        if Value.self == LXDTime.self, let time = value as? LXDTime { return .plain(time.description) }
        if Value.self == [String: String].self, let map = value as? [String: String] {
            return .map(map.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
        }
        if Value.self == [String].self, let list = value as? [String] { return .array(list.map(WireNode.string)) }
        if Value.self == AbsentCollection.self, let absent = value as? AbsentCollection {
            return .absent(isMap: absent.isMap)
        }
        if Value.self == JSONValue.self, let value = value as? JSONValue { return WireNode(value) }
        let slot = Slot()
        try value.encode(to: WireEncoder(codingPath: path(), slot: slot))
        let node = slot.finish()
        // A dictionary hands over its entries in hash order.
        if value is any StringKeyedMap, case .object(let members) = node {
            return .map(members.sorted { $0.key < $1.key })
        }
        return node
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if slot.members == nil { slot.members = [] }
        return KeyedEncodingContainer(WireKeyedEncoder<Key>(slot: slot, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if slot.elements == nil { slot.elements = [] }
        return WireListEncoder(slot: slot, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        WireScalarEncoder(slot: slot, codingPath: codingPath)
    }
}

/// Marks dictionaries with string keys among all encodable values.
protocol StringKeyedMap {
    func stream(to encoder: JSONStreamEncoder) throws
}
extension Dictionary: StringKeyedMap where Key == String {}

private struct WireKeyedEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let slot: WireEncoder.Slot
    let codingPath: [any CodingKey]

    func put(_ node: WireNode, _ key: Key) { slot.members?.append((key.stringValue, node)) }

    func encodeNil(forKey key: Key) { put(.null, key) }
    func encode(_ value: Bool, forKey key: Key) { put(.bool(value), key) }
    func encode(_ value: String, forKey key: Key) { put(.string(value), key) }
    func encode(_ value: Double, forKey key: Key) { put(.number(value), key) }
    func encode(_ value: Float, forKey key: Key) { put(.number(Double(value)), key) }
    func encode(_ value: Int, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int8, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int16, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int32, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int64, forKey key: Key) { put(.integer(value), key) }
    func encode(_ value: UInt, forKey key: Key) { put(.unsigned(UInt64(value)), key) }
    func encode(_ value: UInt8, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: UInt16, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: UInt32, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: UInt64, forKey key: Key) { put(.unsigned(value), key) }
    func encode(_ value: some Encodable, forKey key: Key) throws {
        put(try WireEncoder.node(for: value, path: codingPath + [key]), key)
    }

    private func nest(_ key: Key) -> WireEncoder {
        let inner = WireEncoder.Slot()
        put(.null, key)
        slot.nested.append((.key((slot.members?.count ?? 1) - 1), inner))
        return WireEncoder(codingPath: codingPath + [key], slot: inner)
    }

    func nestedContainer<Inner: CodingKey>(keyedBy keyType: Inner.Type, forKey key: Key) -> KeyedEncodingContainer<
        Inner
    > {
        nest(key).container(keyedBy: keyType)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { nest(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { WireEncoder(codingPath: codingPath, slot: slot) }
    func superEncoder(forKey key: Key) -> any Encoder { nest(key) }
}

private struct WireListEncoder: UnkeyedEncodingContainer {
    let slot: WireEncoder.Slot
    let codingPath: [any CodingKey]
    var count: Int { slot.elements?.count ?? 0 }

    func encodeNil() { slot.elements?.append(.null) }
    func encode(_ value: some Encodable) throws {
        slot.elements?.append(try WireEncoder.node(for: value, path: codingPath))
    }

    private func nest() -> WireEncoder {
        let inner = WireEncoder.Slot()
        encodeNil()
        slot.nested.append((.index(count - 1), inner))
        return WireEncoder(codingPath: codingPath, slot: inner)
    }

    func nestedContainer<Inner: CodingKey>(keyedBy keyType: Inner.Type) -> KeyedEncodingContainer<Inner> {
        nest().container(keyedBy: keyType)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nest().unkeyedContainer() }
    func superEncoder() -> any Encoder { nest() }
}

private struct WireScalarEncoder: SingleValueEncodingContainer {
    let slot: WireEncoder.Slot
    let codingPath: [any CodingKey]

    func encodeNil() { slot.scalar = .null }
    func encode(_ value: Bool) { slot.scalar = .bool(value) }
    func encode(_ value: String) { slot.scalar = .string(value) }
    func encode(_ value: Double) { slot.scalar = .number(value) }
    func encode(_ value: Float) { slot.scalar = .number(Double(value)) }
    func encode(_ value: Int) { slot.scalar = .integer(Int64(value)) }
    func encode(_ value: Int8) { slot.scalar = .integer(Int64(value)) }
    func encode(_ value: Int16) { slot.scalar = .integer(Int64(value)) }
    func encode(_ value: Int32) { slot.scalar = .integer(Int64(value)) }
    func encode(_ value: Int64) { slot.scalar = .integer(value) }
    func encode(_ value: UInt) { slot.scalar = .unsigned(UInt64(value)) }
    func encode(_ value: UInt8) { slot.scalar = .integer(Int64(value)) }
    func encode(_ value: UInt16) { slot.scalar = .integer(Int64(value)) }
    func encode(_ value: UInt32) { slot.scalar = .integer(Int64(value)) }
    func encode(_ value: UInt64) { slot.scalar = .unsigned(value) }
    func encode(_ value: some Encodable) throws { slot.scalar = try WireEncoder.node(for: value, path: codingPath) }
}
