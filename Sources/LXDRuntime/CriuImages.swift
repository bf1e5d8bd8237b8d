internal import LXDLinux

/// Changes to images between criu's writing and reading them.
package enum CriuImages {
    /// Arms periodic timers (timerfd) again that ran out while the container was being written: their first time is 0 then, which
    /// would mean that they are off. One that comes at once is what a program expects that did not run for a while.
    static func rearmTimers(in directory: String) throws {
        let path = directory + "/files.img"
        let bytes = try AtomicFile.read(path, limit: 256 << 20)
        guard let changed = try rearmTimers(inFiles: bytes) else { return }
        try AtomicFile.write(changed, to: path, mode: 0o600, sync: false)
    }

    /// The contents of `files.img` with timers armed; nil when there is nothing to change.
    ///
    /// An image is two words that name its kind, then messages with their length before them. Source: criu's images/*.proto.
    package static func rearmTimers(inFiles bytes: [UInt8]) throws -> [UInt8]? {
        guard bytes.count >= 8, word(bytes, 0) == 0x5456_4319, word(bytes, 4) == 0x5630_3138 else {
            throw MalformedImage(name: "files.img")
        }
        var result = Array(bytes[..<8])
        var hasChanged = false
        var offset = 8
        while offset < bytes.count {
            guard offset + 4 <= bytes.count else { throw MalformedImage(name: "files.img") }
            let size = Int(word(bytes, offset))
            guard size <= bytes.count - offset - 4 else { throw MalformedImage(name: "files.img") }
            var entry = try ProtobufFields(bytes[(offset + 4)..<(offset + 4 + size)])
            // file_entry.tfd
            if let timer = entry.first(12)?.bytes {
                var fields = try ProtobufFields(timer[...])
                let value = (fields.number(7), fields.number(8))
                let interval = (fields.number(9), fields.number(10))
                if value == (0, 0), interval != (0, 0) {
                    fields.set(8, number: 1)
                    fields.set(5, number: 0)
                    entry.set(12, bytes: fields.encoded)
                    hasChanged = true
                }
            }
            let encoded = entry.encoded
            for shift in [0, 8, 16, 24] { result.append(UInt8(truncatingIfNeeded: encoded.count >> shift)) }
            result += encoded
            offset += 4 + size
        }
        return hasChanged ? result : nil
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }
}

/// An image that criu would not have written.
package struct MalformedImage: Error, CustomStringConvertible {
    let name: String
    package var description: String { "The image \(name) is damaged" }
}

/// The fields of a protocol buffer message, in order, without knowing what they mean.
struct ProtobufFields {
    struct Field {
        var key: UInt64
        var number: UInt64 = 0
        /// Of fields that have a length, or a fixed one.
        var bytes: [UInt8]?
    }
    private var fields: [Field] = []

    init(_ bytes: ArraySlice<UInt8>) throws {
        var rest = bytes
        while !rest.isEmpty {
            var field = Field(key: try Self.varint(&rest))
            switch field.key & 7 {
            case 0: field.number = try Self.varint(&rest)
            case 1: field.bytes = try Self.take(&rest, 8)
            case 2:
                let size = try Self.varint(&rest)
                guard size <= UInt64(rest.count) else { throw MalformedImage(name: "message") }
                field.bytes = try Self.take(&rest, Int(size))
            case 5: field.bytes = try Self.take(&rest, 4)
            default: throw MalformedImage(name: "message")
            }
            fields.append(field)
        }
    }

    func first(_ id: UInt64) -> Field? { fields.first { $0.key >> 3 == id } }
    func number(_ id: UInt64) -> UInt64 { first(id)?.number ?? 0 }

    mutating func set(_ id: UInt64, number: UInt64) {
        for index in fields.indices where fields[index].key == id << 3 { fields[index].number = number }
    }

    mutating func set(_ id: UInt64, bytes: [UInt8]) {
        for index in fields.indices where fields[index].key == id << 3 | 2 { fields[index].bytes = bytes }
    }

    var encoded: [UInt8] {
        var result: [UInt8] = []
        for field in fields {
            Self.append(field.key, to: &result)
            guard let bytes = field.bytes else {
                Self.append(field.number, to: &result)
                continue
            }
            if field.key & 7 == 2 { Self.append(UInt64(bytes.count), to: &result) }
            result += bytes
        }
        return result
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ count: Int) throws -> [UInt8] {
        guard count <= rest.count else { throw MalformedImage(name: "message") }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { break }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw MalformedImage(name: "message")
    }

    /// A number as it is written in messages.
    static func encoded(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        append(value, to: &bytes)
        return bytes
    }

    private static func append(_ value: UInt64, to result: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        result.append(UInt8(rest))
    }
}
