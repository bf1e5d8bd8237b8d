/// An Ethernet address: six bytes.
package struct MACAddress: Sendable, Hashable, CustomStringConvertible {
    /// 6 bytes.
    package let bytes: [UInt8]

    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        self.bytes = Array(bytes)
    }

    /// - Parameter text: Six pairs of hex digits separated by `:`.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard part.utf8.count == 2, part.allSatisfy(\.isHexDigit), let byte = UInt8(part, radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        self.bytes = bytes
    }

    /// Lower case, separated by `:`.
    package var description: String { Self.text(of: bytes) }

    /// A new address in the range that LXD and Xen use for guests: `00:16:3e:xx:xx:xx`.
    package static func randomForInstance() -> MACAddress {
        var generator = SystemRandomNumberGenerator()
        return randomForInstance(using: &generator)
    }

    package static func randomForInstance(using generator: inout some RandomNumberGenerator) -> MACAddress {
        let tail = (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return MACAddress(unchecked: [0x00, 0x16, 0x3e] + tail)
    }

    /// The address that an IPv6 host with this MAC gives itself in a /64 (modified EUI-64).
    /// Source: RFC 4291, appendix A.
    package func eui64(in prefix: IPPrefix) -> IPAddress? {
        guard prefix.address.isIPv6 else { return nil }
        let head = prefix.network.address.bytes.prefix(8)
        return IPAddress(
            bytes: head + [bytes[0] ^ 2, bytes[1], bytes[2], 0xff, 0xfe, bytes[3], bytes[4], bytes[5]])
    }

    /// Any hardware address as colon-separated hex; also for those that are not six bytes long.
    package static func text(of bytes: some Collection<UInt8>) -> String {
        bytes.map { byte in
            let hex = String(byte, radix: 16)
            return hex.utf8.count == 1 ? "0" + hex : hex
        }.joined(separator: ":")
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }
}
