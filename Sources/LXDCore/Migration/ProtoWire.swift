import LXDAPI

/// Writes protobuf messages: the few field types that migration needs.
///
/// Source: https://protobuf.dev/programming-guides/encoding/
struct ProtoWriter: Sendable {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ field: Int, _ value: Int64) {
        key(field, 0)
        varint(UInt64(bitPattern: value))
    }

    mutating func add(_ field: Int, _ value: Bool) { add(field, Int64(value ? 1 : 0)) }

    mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

    mutating func add(_ field: Int, _ message: ProtoWriter) { add(field, message.bytes) }

    mutating func add(_ field: Int, _ content: [UInt8]) {
        key(field, 2)
        varint(UInt64(content.count))
        bytes += content
    }

    private mutating func key(_ field: Int, _ type: UInt64) { varint(UInt64(field) << 3 | type) }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// One field of a protobuf message that somebody else wrote.
enum ProtoValue: Equatable {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)

    /// - Throws: When the field is not of that type.
    var integer: Int64 {
        get throws(LXDError) {
            guard case .number(let value) = self else { throw ProtoReader.malformed }
            return Int64(bitPattern: value)
        }
    }

    var flag: Bool { get throws(LXDError) { try integer != 0 } }

    var content: ArraySlice<UInt8> {
        get throws(LXDError) {
            guard case .bytes(let bytes) = self else { throw ProtoReader.malformed }
            return bytes
        }
    }

    var text: String {
        get throws(LXDError) {
            guard let text = String(validating: try content, as: UTF8.self) else { throw ProtoReader.malformed }
            return text
        }
    }
}

/// Reads the fields of a protobuf message. Nothing in it is believed: each length is checked against what is there.
struct ProtoReader {
    static let malformed = LXDError.badRequest("The other server sent a malformed migration message")

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next field; nil at the end. Fields of types that migration does not use are skipped.
    mutating func next() throws(LXDError) -> (field: Int, value: ProtoValue)? {
        while !rest.isEmpty {
            let key = try varint()
            guard key >> 3 > 0, key >> 3 < 1 << 29 else { throw Self.malformed }
            let field = Int(key >> 3)
            switch key & 7 {
            case 0: return (field, .number(try varint()))
            case 2:
                let length = try varint()
                guard length <= UInt64(rest.count) else { throw Self.malformed }
                return (field, .bytes(try take(Int(length))))
            case 1: _ = try take(8)
            case 5: _ = try take(4)
            default: throw Self.malformed
            }
        }
        return nil
    }

    private mutating func take(_ count: Int) throws(LXDError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw Self.malformed }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func varint() throws(LXDError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst(), shift < 63 || byte <= 1 else { throw Self.malformed }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw Self.malformed
    }
}
