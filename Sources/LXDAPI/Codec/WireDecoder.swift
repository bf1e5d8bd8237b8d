/// Reads a `Decodable` value from a ``WireNode``, by Go's rules: `null` is the zero value, and where YAML has a scalar
/// without quotes it can be read as text whatever it looks like.
struct WireDecoder: Decoder {
    let node: WireNode
    /// Paths are put together while an error travels up; on the way down they would cost more than the decoding.
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func decode<Value: Decodable>(_ type: Value.Type, from node: WireNode) throws -> Value {
        if type == String.self, let value = try text(node) as? Value { return value }
        if type == [String: String].self, let value = try texts(node) as? Value { return value }
        if type == JSONValue.self, let value = node.jsonValue as? Value { return value }
        return try Value(from: WireDecoder(node: node))
    }

    private static func text(_ node: WireNode) throws -> String {
        switch node {
        case .string(let text): return text
        case .plain(let text): return YAMLScalar.isNull(text) ? "" : text
        case .null, .absent: return ""
        default: throw WireDecoder(node: node).mismatch(String.self)
        }
    }

    private static func texts(_ node: WireNode) throws -> [String: String] {
        switch node {
        case .object(let members), .map(let members):
            var texts: [String: String] = [:]
            texts.reserveCapacity(members.count)
            for (key, value) in members {
                do {
                    texts[key] = try text(value)
                } catch {
                    throw placed(error, at: WireKey(key))
                }
            }
            return texts
        case _ where node.isNull: return [:]
        default: throw WireDecoder(node: node).mismatch([String: String].self)
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        switch node {
        case .object(let members), .map(let members): return KeyedDecodingContainer(WireKeyedDecoder<Key>(members))
        case _ where node.isNull: return KeyedDecodingContainer(WireKeyedDecoder<Key>([]))
        default: throw mismatch([String: String].self)
        }
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        switch node {
        case .array(let elements): return WireListDecoder(elements)
        case _ where node.isNull: return WireListDecoder([])
        default: throw mismatch([String].self)
        }
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: [], debugDescription: "found \(node.kind)"))
    }

    /// The error with one more step before its path.
    static func placed(_ error: any Error, at key: any CodingKey) -> any Error {
        func longer(_ context: DecodingError.Context) -> DecodingError.Context {
            .init(
                codingPath: [key] + context.codingPath, debugDescription: context.debugDescription,
                underlyingError: context.underlyingError)
        }
        switch error {
        case DecodingError.typeMismatch(let type, let context): return DecodingError.typeMismatch(type, longer(context))
        case DecodingError.valueNotFound(let type, let context):
            return DecodingError.valueNotFound(type, longer(context))
        case DecodingError.keyNotFound(let missing, let context):
            return DecodingError.keyNotFound(missing, longer(context))
        case DecodingError.dataCorrupted(let context): return DecodingError.dataCorrupted(longer(context))
        default: return error
        }
    }
}

extension WireDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { node.isNull }
    func decode(_ type: String.Type) throws -> String { try Self.text(node) }

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
        switch node {
        case .integer(let whole): return Double(whole)
        case .unsigned(let whole): return Double(whole)
        case .number(let number): return number
        default:
            switch node.jsonValue {
            case .integer(let whole): return Double(whole)
            case .number(let number): return number
            default: throw mismatch(type)
            }
        }
    }

    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }

    private func whole<Whole: FixedWidthInteger>(_ type: Whole.Type) throws -> Whole {
        let exact: Whole? =
            switch node {
            case .integer(let value): Whole(exactly: value)
            case .unsigned(let value): Whole(exactly: value)
            case .number(let value): Whole(exactly: value)
            case .plain(let text):
                switch YAMLScalar.resolve(text) {
                case .integer(let value): Whole(exactly: value)
                case .number(let value): Whole(exactly: value)
                default: nil
                }
            default: nil
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
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try WireDecoder.decode(type, from: node) }
}

/// A key or an index, for paths in errors.
struct WireKey: CodingKey {
    let stringValue: String
    let intValue: Int?
    init(_ text: String) {
        stringValue = text
        intValue = nil
    }
    init(index: Int) {
        stringValue = "\(index)"
        intValue = index
    }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(index: intValue) }
}
