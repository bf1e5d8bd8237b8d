#if canImport(Glibc)
import Glibc
#endif

/// An IPv4 or IPv6 address.
///
/// Text is what `inet_pton` accepts and `inet_ntop` prints, so that values can be compared with those of other tools.
package struct IPAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 4 or 16 bytes, network order.
    package let bytes: [UInt8]

    /// - Parameter bytes: 4 or 16 bytes, network order.
    /// - Returns: nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    /// - Parameter text: An address without prefix length, zone or brackets.
    /// - Returns: nil when it is none.
    package init?(_ text: String) {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        if text.utf8.contains(UInt8(ascii: ":")) {
            var raw = [UInt8](repeating: 0, count: 16)
            guard inet_pton(AF_INET6, text, &raw) == 1 else { return nil }
            bytes = raw
        } else {
            var raw = [UInt8](repeating: 0, count: 4)
            guard inet_pton(AF_INET, text, &raw) == 1 else { return nil }
            bytes = raw
        }
    }

    package var isIPv4: Bool { bytes.count == 4 }
    package var isIPv6: Bool { bytes.count == 16 }

    /// `AF_INET` or `AF_INET6`.
    package var family: UInt8 { isIPv4 ? UInt8(AF_INET) : UInt8(AF_INET6) }

    /// 32 or 128.
    package var bitCount: Int { bytes.count * 8 }

    package var description: String {
        var buffer = [CChar](repeating: 0, count: 64)
        guard inet_ntop(Int32(family), bytes, &buffer, socklen_t(buffer.count)) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.bytes.count != right.bytes.count { return left.bytes.count < right.bytes.count }
        for (a, b) in zip(left.bytes, right.bytes) where a != b { return a < b }
        return false
    }

    /// The address `offset` further; nil past the end of the address space.
    package func advanced(by offset: Int) -> IPAddress? {
        var result = bytes
        var carry = offset
        for position in result.indices.reversed() {
            let sum = Int(result[position]) + carry
            result[position] = UInt8(truncatingIfNeeded: sum)
            carry = sum >> 8
            if carry == 0 { break }
        }
        return carry == 0 ? IPAddress(bytes: result) : nil
    }
}

/// An address with the length of its network prefix: `10.0.0.1/24`.
package struct IPPrefix: Sendable, Hashable, CustomStringConvertible {
    package let address: IPAddress
    /// 0...32 or 0...128.
    package let length: Int

    package init?(_ address: IPAddress, length: Int) {
        guard length >= 0, length <= address.bitCount else { return nil }
        self.address = address
        self.length = length
    }

    /// - Parameter text: `ADDRESS/LENGTH`.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), parts[1].utf8.count <= 3,
            parts[1].utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let length = Int(parts[1])
        else { return nil }
        self.init(address, length: length)
    }

    package var description: String { "\(address)/\(length)" }

    /// The prefix with all host bits zero: `10.0.0.0/24`.
    package var network: IPPrefix { IPPrefix(address: Self.masked(address, length), length: length) }

    /// The address with all host bits one.
    package var broadcast: IPAddress {
        var bytes = address.bytes
        for bit in length..<address.bitCount { bytes[bit / 8] |= 0x80 >> UInt8(bit % 8) }
        return IPAddress(bytes: bytes) ?? address
    }

    package func contains(_ other: IPAddress) -> Bool {
        other.bytes.count == address.bytes.count && Self.masked(other, length) == Self.masked(address, length)
    }

    /// Whether any address lies in both.
    package func overlaps(_ other: IPPrefix) -> Bool {
        contains(other.address) || other.contains(address)
    }

    /// The nth address of the network; negative counts from its end (-1 is the broadcast address of IPv4).
    package func host(_ n: Int) -> IPAddress? {
        n >= 0 ? network.address.advanced(by: n) : broadcast.advanced(by: n + 1)
    }

    /// The netmask as an address.
    package var mask: IPAddress {
        let ones = [UInt8](repeating: 0xff, count: address.bytes.count)
        return Self.masked(IPAddress(bytes: ones) ?? address, length)
    }

    private init(address: IPAddress, length: Int) {
        self.address = address
        self.length = length
    }

    private static func masked(_ address: IPAddress, _ length: Int) -> IPAddress {
        var bytes = address.bytes
        for position in bytes.indices {
            let bits = min(8, max(0, length - position * 8))
            bytes[position] &= bits == 0 ? 0 : UInt8(truncatingIfNeeded: 0xff << (8 - bits))
        }
        return IPAddress(bytes: bytes) ?? address
    }
}
