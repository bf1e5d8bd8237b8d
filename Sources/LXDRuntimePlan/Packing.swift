/// Why bytes are no plan or message.
package enum PackingError: Error, Hashable, Sendable {
    /// The bytes end too early.
    case truncated
    /// A count or length beyond its bound.
    case tooLarge
    /// A value that its type does not have, bytes that are no UTF-8, or bytes left over.
    case malformed
}

/// A value with one form in bytes: little endian, lengths before contents, nothing optional.
///
/// Both ends are built from the same sources, so there is no versioning inside; a monitor that outlives its daemon needs none
/// of it any more.
package protocol Packable {
    func pack(into packer: inout Packer)
    init(unpacking unpacker: inout Unpacker) throws(PackingError)
}

extension Packable {
    /// The whole value as bytes.
    package func packed() -> [UInt8] {
        var packer = Packer()
        pack(into: &packer)
        return packer.bytes
    }

    /// Reads one value that uses up all of `bytes`.
    package init(packed bytes: [UInt8]) throws(PackingError) {
        guard bytes.count <= Unpacker.sizeMax else { throw .tooLarge }
        var unpacker = Unpacker(bytes)
        try self.init(unpacking: &unpacker)
        guard unpacker.isAtEnd else { throw .malformed }
    }
}

/// Bytes under construction.
package struct Packer {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ bytes: some Sequence<UInt8>) { self.bytes.append(contentsOf: bytes) }

    /// Bytes after their number.
    package mutating func append(bytes: [UInt8]) {
        number(UInt32(truncatingIfNeeded: bytes.count))
        append(bytes)
    }

    package mutating func number<Number: FixedWidthInteger>(_ value: Number) {
        var rest = UInt64(truncatingIfNeeded: value)
        for _ in 0..<(Number.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}

/// Bytes being read, with a bound on everything.
package struct Unpacker {
    /// Bytes of a whole plan.
    package static let sizeMax = 8 << 20
    /// Entries of one list.
    package static let countMax = 65536

    private let bytes: [UInt8]
    private var offset = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { offset == bytes.count }

    package mutating func take(_ count: Int) throws(PackingError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - offset else { throw .truncated }
        defer { offset += count }
        return bytes[offset..<(offset + count)]
    }

    package mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws(PackingError) -> Number {
        var value: UInt64 = 0
        for (index, byte) in try take(Number.bitWidth / 8).enumerated() { value |= UInt64(byte) << (8 * UInt64(index)) }
        return Number(truncatingIfNeeded: value)
    }

    /// Bytes after their number.
    package mutating func byteString() throws(PackingError) -> [UInt8] { Array(try take(count())) }

    package mutating func count() throws(PackingError) -> Int {
        let count = Int(try number(UInt32.self))
        guard count <= Self.countMax else { throw .tooLarge }
        return count
    }

    package mutating func value<Value: Packable>(_ type: Value.Type = Value.self) throws(PackingError) -> Value {
        try Value(unpacking: &self)
    }
}

extension Bool: Packable {
    package func pack(into packer: inout Packer) { packer.number(UInt8(self ? 1 : 0)) }
    package init(unpacking unpacker: inout Unpacker) throws(PackingError) {
        switch try unpacker.number(UInt8.self) {
        case 0: self = false
        case 1: self = true
        default: throw .malformed
        }
    }
}

extension Int32: Packable {
    package func pack(into packer: inout Packer) { packer.number(self) }
    package init(unpacking unpacker: inout Unpacker) throws(PackingError) { self = try unpacker.number(Int32.self) }
}

extension UInt32: Packable {
    package func pack(into packer: inout Packer) { packer.number(self) }
    package init(unpacking unpacker: inout Unpacker) throws(PackingError) { self = try unpacker.number(UInt32.self) }
}

extension Int64: Packable {
    package func pack(into packer: inout Packer) { packer.number(self) }
    package init(unpacking unpacker: inout Unpacker) throws(PackingError) { self = try unpacker.number(Int64.self) }
}

extension UInt64: Packable {
    package func pack(into packer: inout Packer) { packer.number(self) }
    package init(unpacking unpacker: inout Unpacker) throws(PackingError) { self = try unpacker.number(UInt64.self) }
}

extension String: Packable {
    package func pack(into packer: inout Packer) {
        packer.number(UInt32(truncatingIfNeeded: utf8.count))
        packer.append(utf8)
    }
    package init(unpacking unpacker: inout Unpacker) throws(PackingError) {
        let size = Int(try unpacker.number(UInt32.self))
        let slice = try unpacker.take(size)
        guard let text = String(validating: slice, as: UTF8.self) else { throw .malformed }
        self = text
    }
}

extension Array: Packable where Element: Packable {
    package func pack(into packer: inout Packer) {
        packer.number(UInt32(truncatingIfNeeded: count))
        for element in self { element.pack(into: &packer) }
    }
    package init(unpacking unpacker: inout Unpacker) throws(PackingError) {
        let count = try unpacker.count()
        self = []
        for _ in 0..<count { append(try unpacker.value()) }
    }
}

extension Optional: Packable where Wrapped: Packable {
    package func pack(into packer: inout Packer) {
        (self != nil).pack(into: &packer)
        self?.pack(into: &packer)
    }
    package init(unpacking unpacker: inout Unpacker) throws(PackingError) {
        self = try unpacker.value(Bool.self) ? try unpacker.value(Wrapped.self) : nil
    }
}
