package import LXDNetlink

/// The hardware address of a bridge: the same after every restart, another on every host.
package enum BridgeAddress {
    /// - Parameters:
    ///   - seed: The host's: the fingerprint of its certificate.
    ///   - networkID: The network's row.
    package static func stable(seed: String, networkID: Int64) -> MACAddress {
        // FNV-1a: nothing secret is in it, it only has to spread.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(seed).0.\(networkID)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        var generator = Mixer(state: hash)
        return MACAddress.randomForInstance(using: &generator)
    }

    /// SplitMix64.
    private struct Mixer: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }
}
