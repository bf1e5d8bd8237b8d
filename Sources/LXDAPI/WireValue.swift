/// A value as the REST API carries it: it exists without being set, as in Go, where the reference is written.
///
/// `init()` is the zero value (`""`, `0`, `false`, empty, absent). Fields of wire types are wrapped in one of
/// ``Zero``, ``NullIfEmpty`` and ``OmitEmpty``, which give the synthesized `Codable` Go's rules.
///
/// Source: encoding/json of Go, "omitempty" and "null".
public protocol WireValue: Codable, Sendable, Hashable {
    /// The zero value.
    init()

    /// Whether `omitempty` leaves the value out: `false`, `0`, empty text, list or map, absent. Never for an object.
    var isWireEmpty: Bool { get }
}

extension WireValue {
    public var isWireEmpty: Bool { false }

    /// A value made by setting fields on the zero value.
    ///
    ///     let post = InstancePost.with { $0.name = "web2" }
    public static func with(_ build: (inout Self) throws -> Void) rethrows -> Self {
        var value = Self()
        try build(&value)
        return value
    }
}

extension String: WireValue { public var isWireEmpty: Bool { isEmpty } }
extension Bool: WireValue { public var isWireEmpty: Bool { !self } }
extension Int: WireValue { public var isWireEmpty: Bool { self == 0 } }
extension Int64: WireValue { public var isWireEmpty: Bool { self == 0 } }
extension UInt32: WireValue { public var isWireEmpty: Bool { self == 0 } }
extension UInt64: WireValue { public var isWireEmpty: Bool { self == 0 } }
extension Double: WireValue { public var isWireEmpty: Bool { self == 0 } }
extension Array: WireValue where Element: WireValue { public var isWireEmpty: Bool { isEmpty } }
extension Dictionary: WireValue where Key == String, Value: WireValue { public var isWireEmpty: Bool { isEmpty } }
extension Optional: WireValue where Wrapped: WireValue {
    public init() { self = nil }
    public var isWireEmpty: Bool { self == nil }
}

/// A field that is always sent; absent or `null` decodes as the zero value.
@propertyWrapper
public struct Zero<Value: WireValue>: Codable, Sendable, Hashable {
    public var wrappedValue: Value
    public init() { wrappedValue = Value() }
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
    public init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

/// A list or map that the reference sends as `null` when it has no entries; decodes like ``Zero``.
@propertyWrapper
public struct NullIfEmpty<Value: WireValue>: Codable, Sendable, Hashable {
    public var wrappedValue: Value
    public init() { wrappedValue = Value() }
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
    public init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

/// A field that is left out when it is empty (Go's `omitempty`); decodes like ``Zero``.
@propertyWrapper
public struct OmitEmpty<Value: WireValue>: Codable, Sendable, Hashable {
    public var wrappedValue: Value
    public init() { wrappedValue = Value() }
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
    public init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

// The synthesized Codable calls the most specific overload, so these decide what absent and empty mean.
extension KeyedDecodingContainer {
    public func decode<Value>(_ type: Zero<Value>.Type, forKey key: Key) throws -> Zero<Value> {
        Zero(wrappedValue: try decodeIfPresent(Value.self, forKey: key) ?? Value())
    }

    public func decode<Value>(_ type: NullIfEmpty<Value>.Type, forKey key: Key) throws -> NullIfEmpty<Value> {
        NullIfEmpty(wrappedValue: try decodeIfPresent(Value.self, forKey: key) ?? Value())
    }

    public func decode<Value>(_ type: OmitEmpty<Value>.Type, forKey key: Key) throws -> OmitEmpty<Value> {
        OmitEmpty(wrappedValue: try decodeIfPresent(Value.self, forKey: key) ?? Value())
    }
}

extension KeyedEncodingContainer {
    public mutating func encode<Value>(_ field: Zero<Value>, forKey key: Key) throws {
        try encode(field.wrappedValue, forKey: key)
    }

    public mutating func encode<Value>(_ field: NullIfEmpty<Value>, forKey key: Key) throws {
        guard field.wrappedValue.isWireEmpty else { return try encode(field.wrappedValue, forKey: key) }
        try encode(AbsentCollection(isMap: Value.self is any StringKeyedMap.Type), forKey: key)
    }

    public mutating func encode<Value>(_ field: OmitEmpty<Value>, forKey key: Key) throws {
        if !field.wrappedValue.isWireEmpty { try encode(field.wrappedValue, forKey: key) }
    }
}
