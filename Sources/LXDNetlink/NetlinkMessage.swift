/// A netlink request under construction: header, fixed part, attributes.
///
/// Numbers are in host order, attributes padded to four bytes, as netlink(7) says.
package struct NetlinkMessage: Sendable, Equatable {
    package private(set) var bytes: [UInt8]

    static let headerLength = 16

    /// - Parameters:
    ///   - type: `RTM_…`.
    ///   - flags: `NLM_F_…`; `NLM_F_REQUEST` is always added.
    package init(type: UInt16, flags: UInt16) {
        bytes = []
        bytes.reserveCapacity(256)
        append(UInt32(0))
        append(type)
        append(flags | NLM.request)
        append(UInt32(0))
        append(UInt32(0))
    }

    package mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(raw: some Sequence<UInt8>) {
        bytes.append(contentsOf: raw)
    }

    /// Adds one attribute; its payload is at most 65,531 bytes.
    package mutating func attribute(_ type: UInt16, _ payload: some Collection<UInt8>) {
        append(UInt16(truncatingIfNeeded: payload.count + 4))
        append(type)
        bytes.append(contentsOf: payload)
        pad()
    }

    /// A NUL-terminated string.
    package mutating func attribute(_ type: UInt16, string: String) {
        attribute(type, Array(string.utf8) + [0])
    }

    package mutating func attribute<Number: FixedWidthInteger>(_ type: UInt16, number: Number) {
        attribute(type, withUnsafeBytes(of: number) { Array($0) })
    }

    /// An attribute that holds attributes.
    package mutating func nested(_ type: UInt16, _ body: (inout NetlinkMessage) -> Void) {
        let start = bytes.count
        append(UInt16(0))
        append(type)
        body(&self)
        patch(UInt16(truncatingIfNeeded: bytes.count - start), at: start)
        pad()
    }

    /// The message with its length and sequence number filled in.
    func finished(sequence: UInt32) -> [UInt8] {
        var copy = self
        copy.patch(UInt32(truncatingIfNeeded: bytes.count), at: 0)
        copy.patch(sequence, at: 8)
        return copy.bytes
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    private mutating func patch<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
        withUnsafeBytes(of: number) { raw in
            for (position, byte) in raw.enumerated() { bytes[offset + position] = byte }
        }
    }
}

/// Reading of what the kernel answers; never past the end of a slice.
struct NetlinkReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isEmpty: Bool { rest.isEmpty }

    /// The next number in host order; nil when fewer bytes are left.
    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number? {
        let size = MemoryLayout<Number>.size
        guard rest.count >= size else { return nil }
        var value = Number.zero
        withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: rest.prefix(size)) }
        rest = rest.dropFirst(size)
        return value
    }

    mutating func skip(_ count: Int) -> Bool {
        guard rest.count >= count else { return false }
        rest = rest.dropFirst(count)
        return true
    }

    /// The next attribute; nil at the end or when its length is impossible.
    mutating func attribute() -> (type: UInt16, payload: ArraySlice<UInt8>)? {
        var reader = self
        guard let length = reader.number(UInt16.self), let type = reader.number(UInt16.self),
            length >= 4, rest.count >= Int(length)
        else { return nil }
        let payload = rest.prefix(Int(length)).dropFirst(4)
        rest = rest.dropFirst(min(rest.count, (Int(length) + 3) & ~3))
        // The two top bits say "nested" and "network order"; they are no part of the type.
        return (type & 0x3fff, payload)
    }

    static func number<Number: FixedWidthInteger>(_ payload: ArraySlice<UInt8>, _: Number.Type = Number.self)
        -> Number?
    {
        var reader = NetlinkReader(payload)
        return reader.number()
    }

    static func string(_ payload: ArraySlice<UInt8>) -> String {
        String(decoding: payload.prefix { $0 != 0 }, as: UTF8.self)
    }
}
