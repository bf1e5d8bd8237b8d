package import LXDNetlink

/// One line of dnsmasq's lease file.
package struct DynamicLease: Sendable, Equatable {
    /// Seconds since 1970; 0 never ends.
    package var expiry: UInt64
    /// The hardware address; for IPv6 the interface's number, from which none follows.
    package var identifier: String
    package var address: IPAddress
    /// `*` when the client gave none.
    package var hostname: String
    /// The client identifier, or the DUID.
    package var clientID: String

    /// Lower-case colon form; empty for IPv6.
    package var hardwareAddress: String {
        if address.isIPv6 { return "" }
        // Other link types come as TYPE-aa:bb:…
        let text = identifier.split(separator: "-").last.map(String.init) ?? identifier
        if text.utf8.count >= 17 { return String(text.suffix(17)).lowercased() }
        return String(clientID.suffix(17)).lowercased()
    }
}

package enum LeaseFile {
    private static let linesMax = 1_000_000

    /// - Parameter text: The file's content; lines that are none are left out.
    package static func parse(_ text: String) -> [DynamicLease] {
        text.split(separator: "\n").prefix(linesMax).compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 5, let expiry = UInt64(fields[0]), let address = IPAddress(String(fields[2])) else {
                return nil
            }
            return DynamicLease(
                expiry: expiry, identifier: String(fields[1]), address: address, hostname: String(fields[3]),
                clientID: String(fields[4]))
        }
    }
}
