/// Encodes straight into JSON text, without a tree between; for answers with thousands of objects.
///
/// Only values that ask for each of their containers once and for no nested ones can be streamed; all wire types are
/// such. For others ``encode(_:)`` gives nil and the caller goes through a ``WireNode``.
final class JSONStreamEncoder: Encoder {
    // Nothing that writes calls back into the encoder; looking for it would cost more than the writing.
    @exclusivity(unchecked) private var writer = JSONWriter()
    private var open = Container.none
    private var isFirst = true
    private var isStreamable = true

    private enum Container { case none, object, array, scalar }

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// - Returns: nil if the value cannot be streamed.
    static func encode(_ value: some Encodable) throws -> [UInt8]? {
        let encoder = JSONStreamEncoder()
        try encoder.put(value)
        return encoder.isStreamable ? encoder.writer.bytes : nil
    }

    /// Writes a value at the present place.
    fileprivate func put<Value: Encodable>(_ value: Value) throws {
        if Value.self == String.self, let text = value as? String { return writer.putQuoted(text) }
        if Value.self == Int64.self, let number = value as? Int64 { return writer.put(number) }
        if Value.self == Bool.self, let flag = value as? Bool { return writer.put(flag ? "true" : "false") }
        if Value.self == LXDTime.self, let time = value as? LXDTime { return writer.putQuoted(time.description) }
        if Value.self == [String: String].self, let map = value as? [String: String] { return put(map) }
        if Value.self == AbsentCollection.self { return writer.put("null") }
        if Value.self == JSONValue.self, let value = value as? JSONValue { return try writer.write(WireNode(value)) }
        if let map = value as? any StringKeyedMap { return try map.stream(to: self) }
        let (outerOpen, outerFirst) = (open, isFirst)
        open = .none
        isFirst = true
        try value.encode(to: self)
        switch open {
        case .object: writer.put("}")
        case .array: writer.put("]")
        case .scalar: break
        case .none: writer.put("{}")
        }
        open = outerOpen
        isFirst = outerFirst
    }

    private func put(_ map: [String: String]) {
        writer.put("{")
        var isFirst = true
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            if !isFirst { writer.put(",") }
            isFirst = false
            writer.putQuoted(key)
            writer.put(":")
            writer.putQuoted(value)
        }
        writer.put("}")
    }

    fileprivate func put(entries: [(key: String, value: some Encodable)]) throws {
        writer.put("{")
        for (index, entry) in entries.enumerated() {
            if index > 0 { writer.put(",") }
            writer.putQuoted(entry.key)
            writer.put(":")
            try put(entry.value)
        }
        writer.put("}")
    }

    private func begin(_ container: Container) {
        guard open == .none else {
            if open != container { isStreamable = false }
            return
        }
        open = container
        if container == .object { writer.put("{") } else if container == .array { writer.put("[") }
    }

    fileprivate func name(_ key: some CodingKey) {
        if !isFirst { writer.put(",") }
        isFirst = false
        writer.putQuoted(key.stringValue)
        writer.put(":")
    }

    fileprivate func separate() {
        if !isFirst { writer.put(",") }
        isFirst = false
    }

    fileprivate func raw(_ text: StaticString) { writer.put(text) }
    fileprivate func put(integer: some BinaryInteger) { writer.put(String(integer)) }
    fileprivate func put(number: Double) throws { try writer.write(.number(number)) }

    /// A place that takes what cannot be streamed; its content is thrown away.
    fileprivate func refuse() -> WireEncoder {
        isStreamable = false
        return WireEncoder(codingPath: [], slot: WireEncoder.Slot())
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        begin(.object)
        return KeyedEncodingContainer(StreamKeyed<Key>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        begin(.array)
        return StreamList(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        begin(.scalar)
        return StreamScalar(encoder: self)
    }
}

extension Dictionary where Key == String {
    /// Writes the entries in the order of their keys.
    func stream(to encoder: JSONStreamEncoder) throws {
        guard Value.self is any Encodable.Type else { return }
        try encoder.put(entries: sorted { $0.key < $1.key }.map { ($0.key, AnyEncodable($0.value)) })
    }
}

/// A value that is known to be encodable at run time only.
private struct AnyEncodable: Encodable {
    let value: Any
    init(_ value: Any) { self.value = value }
    func encode(to encoder: any Encoder) throws {
        guard let value = value as? any Encodable else { return }
        if let stream = encoder as? JSONStreamEncoder {
            var container = stream.singleValueContainer()
            try container.encode(value)
        } else {
            try value.encode(to: encoder)
        }
    }
}

private struct StreamKeyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: JSONStreamEncoder
    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) {
        encoder.name(key)
        encoder.raw("null")
    }
    func encode(_ value: Bool, forKey key: Key) {
        encoder.name(key)
        encoder.raw(value ? "true" : "false")
    }
    func encode(_ value: some Encodable & BinaryInteger, forKey key: Key) {
        encoder.name(key)
        encoder.put(integer: value)
    }
    func encode(_ value: some Encodable, forKey key: Key) throws {
        encoder.name(key)
        try encoder.put(value)
    }

    func nestedContainer<Inner: CodingKey>(keyedBy keyType: Inner.Type, forKey key: Key) -> KeyedEncodingContainer<
        Inner
    > {
        encoder.refuse().container(keyedBy: keyType)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder.refuse().unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder.refuse() }
    func superEncoder(forKey key: Key) -> any Encoder { encoder.refuse() }
}

private struct StreamList: UnkeyedEncodingContainer {
    let encoder: JSONStreamEncoder
    private(set) var count = 0
    var codingPath: [any CodingKey] { [] }

    init(encoder: JSONStreamEncoder) { self.encoder = encoder }

    mutating func encodeNil() {
        encoder.separate()
        encoder.raw("null")
        count += 1
    }
    mutating func encode(_ value: some Encodable) throws {
        encoder.separate()
        try encoder.put(value)
        count += 1
    }
    mutating func nestedContainer<Inner: CodingKey>(keyedBy keyType: Inner.Type) -> KeyedEncodingContainer<Inner> {
        encoder.refuse().container(keyedBy: keyType)
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.refuse().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { encoder.refuse() }
}

private struct StreamScalar: SingleValueEncodingContainer {
    let encoder: JSONStreamEncoder
    var codingPath: [any CodingKey] { [] }

    func encodeNil() { encoder.raw("null") }
    func encode(_ value: Bool) { encoder.raw(value ? "true" : "false") }
    func encode(_ value: Double) throws { try encoder.put(number: value) }
    func encode(_ value: Float) throws { try encoder.put(number: Double(value)) }
    func encode(_ value: Int) { encoder.put(integer: value) }
    func encode(_ value: Int8) { encoder.put(integer: value) }
    func encode(_ value: Int16) { encoder.put(integer: value) }
    func encode(_ value: Int32) { encoder.put(integer: value) }
    func encode(_ value: Int64) { encoder.put(integer: value) }
    func encode(_ value: UInt) { encoder.put(integer: value) }
    func encode(_ value: UInt8) { encoder.put(integer: value) }
    func encode(_ value: UInt16) { encoder.put(integer: value) }
    func encode(_ value: UInt32) { encoder.put(integer: value) }
    func encode(_ value: UInt64) { encoder.put(integer: value) }
    func encode(_ value: String) throws { try encoder.put(value) }
    func encode(_ value: some Encodable) throws { try encoder.put(value) }
}
