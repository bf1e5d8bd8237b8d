public import FoundationEssentials

/// JSON as the API writes and reads it: compact, fields in the order of their type, maps sorted by key, `/` not escaped.
public enum LXDJSON {
    /// The value as UTF-8 JSON text without a newline at the end.
    ///
    /// - Throws: `.internalError` for a number that JSON cannot carry.
    public static func encode(_ value: some Encodable) throws(LXDError) -> Data {
        do {
            if let bytes = try JSONStreamEncoder.encode(value) { return Data(bytes) }
            var writer = JSONWriter()
            try writer.write(WireEncoder.encode(value))
            return Data(writer.bytes)
        } catch {
            throw .internalError("Failed to encode JSON: \(describe(error))", cause: error)
        }
    }

    /// The value as a string of JSON.
    public static func encodeString(_ value: some Encodable) throws(LXDError) -> String {
        String(decoding: try encode(value), as: UTF8.self)
    }

    /// The value as JSON over several lines, for people.
    ///
    /// - Parameter indent: Spaces a level.
    public static func encodePretty(_ value: some Encodable, indent: Int = 2) throws(LXDError) -> String {
        do {
            var writer = JSONWriter(indent: indent)
            try writer.write(WireEncoder.encode(value))
            return String(decoding: writer.bytes, as: UTF8.self)
        } catch {
            throw .internalError("Failed to encode JSON: \(describe(error))", cause: error)
        }
    }

    /// Reads a value from UTF-8 JSON text. Nesting is bounded; the caller bounds the size.
    ///
    /// - Throws: `.badRequest` that says where the text is wrong.
    public static func decode<Value: Decodable>(_ type: Value.Type = Value.self, from data: some DataProtocol)
        throws(LXDError) -> Value
    {
        do {
            return try WireDecoder.decode(type, from: try parse(data))
        } catch {
            throw .badRequest("Invalid JSON: \(describe(error))", cause: error)
        }
    }

    private static func parse(_ data: some DataProtocol) throws(JSONReader.Problem) -> WireNode {
        let parsed = data.withContiguousStorageIfAvailable { bytes in
            Result { () throws(JSONReader.Problem) in try JSONReader.read(bytes) }
        }
        if let parsed { return try parsed.get() }
        return try Array(data).withUnsafeBufferPointer { bytes throws(JSONReader.Problem) in try JSONReader.read(bytes)
        }
    }

    /// Reads a value from JSON in a string.
    public static func decode<Value: Decodable>(_ type: Value.Type = Value.self, from text: String) throws(LXDError)
        -> Value
    {
        try decode(type, from: Array(text.utf8))
    }

    /// `value` with the members that `patch` names replaced at the top level, the rest kept: what PATCH means in LXD.
    public static func merge<Value: WireValue>(patch: some DataProtocol, into value: Value) throws(LXDError) -> Value {
        guard case .object(let changes) = try decode(JSONValue.self, from: patch) else {
            throw .badRequest("Invalid JSON: expected an object")
        }
        var members = try JSONValue(encoding: value).objectValue ?? [:]
        members.merge(changes) { _, new in new }
        return try JSONValue.object(members).decode(Value.self)
    }

    /// Says in one line what is wrong and where, as in `devices.eth0: expected a string`.
    static func describe(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.isEmpty
                ? "" : path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".") + ": "
        }
        switch error {
        case let problem as JSONReader.Problem:
            return problem.text
        case DecodingError.typeMismatch(let type, let context):
            return "\(place(context.codingPath))expected \(wireName(type))"
        case DecodingError.valueNotFound(let type, let context):
            return "\(place(context.codingPath))expected \(wireName(type)), found null"
        case DecodingError.keyNotFound(let key, let context):
            return "\(place(context.codingPath))\(key.stringValue) is missing"
        case DecodingError.dataCorrupted(let context):
            return place(context.codingPath) + context.debugDescription
        case EncodingError.invalidValue(_, let context):
            return place(context.codingPath) + context.debugDescription
        default:
            return "\(error)"
        }
    }

    private static func wireName(_ type: Any.Type) -> String {
        let name = "\(type)"
        if name == "String" { return "a string" }
        if name == "Bool" { return "a boolean" }
        if name == "Double" || name.hasPrefix("Int") || name.hasPrefix("UInt") { return "a number" }
        if name.hasPrefix("Array") { return "a list" }
        return "an object"
    }
}

extension JSONValue {
    /// The JSON that `value` encodes to.
    public init(encoding value: some Encodable) throws(LXDError) {
        do {
            self = try WireEncoder.encode(value).jsonValue
        } catch {
            throw .internalError("Failed to encode JSON: \(LXDJSON.describe(error))", cause: error)
        }
    }

    /// This value read as a type.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(LXDError) -> Value {
        do {
            return try WireDecoder.decode(type, from: WireNode(self))
        } catch {
            throw .badRequest("Invalid JSON: \(LXDJSON.describe(error))", cause: error)
        }
    }
}
