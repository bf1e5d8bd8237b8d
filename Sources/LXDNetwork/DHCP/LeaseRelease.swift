import Glibc
package import LXDNetlink

/// A message that gives a lease back to dnsmasq in a client's name. Source: RFC 2131, RFC 8415.
package struct LeaseRelease: Sendable, Equatable {
    /// The address that becomes free.
    package let address: IPAddress
    /// dnsmasq's.
    package let server: IPAddress
    package let port: UInt16
    package let message: [UInt8]

    /// - Parameters:
    ///   - leaseFile: dnsmasq's.
    ///   - instance: IPv6 leases are known by the client's name only.
    package static func plan(
        leaseFile: String, hardwareAddress: MACAddress, instance: String, network: BridgeConfiguration,
        ipv6Only: Bool = false, transaction: UInt32 = UInt32.random(in: 0 ... .max)
    ) -> [LeaseRelease] {
        var releases: [LeaseRelease] = []
        if !ipv6Only, let server = network.ipv4?.address {
            for lease in LeaseFile.parse(leaseFile)
            where lease.address.isIPv4 && lease.hardwareAddress == "\(hardwareAddress)" {
                let message = version4(lease.address, hardwareAddress, server, transaction)
                releases.append(LeaseRelease(address: lease.address, server: server, port: 67, message: message))
            }
        }
        let serverLine = leaseFile.split(separator: "\n").first { $0.hasPrefix("duid ") }
        guard let server = network.ipv6?.address, let serverID = serverLine.flatMap({ hex($0.dropFirst(5)) }) else {
            return releases
        }
        for lease in LeaseFile.parse(leaseFile) where lease.address.isIPv6 && lease.hostname == instance {
            guard let association = UInt32(lease.identifier), let client = hex(lease.clientID[...]) else { continue }
            let message = version6(lease.address, client, association, serverID, transaction)
            releases.append(LeaseRelease(address: lease.address, server: server, port: 547, message: message))
        }
        return releases
    }

    private static func version4(_ address: IPAddress, _ mac: MACAddress, _ server: IPAddress, _ transaction: UInt32)
        -> [UInt8]
    {
        // BOOTREQUEST, Ethernet, six bytes, no hops
        var bytes: [UInt8] = [1, 1, 6, 0] + bigEndian(transaction) + [0, 0, 0, 0] + address.bytes
        bytes += [UInt8](repeating: 0, count: 12) + mac.bytes + [UInt8](repeating: 0, count: 10 + 64 + 128)
        bytes += [99, 130, 83, 99]
        bytes += [53, 1, 7]  // DHCPRELEASE
        bytes += [54, 4] + server.bytes
        bytes.append(255)
        return bytes
    }

    private static func version6(
        _ address: IPAddress, _ client: [UInt8], _ association: UInt32, _ server: [UInt8], _ transaction: UInt32
    ) -> [UInt8] {
        var bytes: [UInt8] = [8] + bigEndian(transaction).dropFirst()  // RELEASE
        bytes += option(2, server) + option(1, client)
        let lifetime: [UInt8] = [0, 0, 0, 0]
        let inner = option(5, address.bytes + lifetime + lifetime)
        return bytes + option(3, bigEndian(association) + lifetime + lifetime + inner)
    }

    private static func option(_ code: UInt8, _ body: [UInt8]) -> [UInt8] {
        [0, code, UInt8(truncatingIfNeeded: body.count >> 8), UInt8(truncatingIfNeeded: body.count)] + body
    }

    private static func bigEndian(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

    private static func hex(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ":")
        guard !parts.isEmpty, parts.count <= 130 else { return nil }
        let bytes = parts.compactMap { UInt8($0, radix: 16) }
        return bytes.count == parts.count ? bytes : nil
    }

    /// - Returns: Whether it could be sent; whether dnsmasq heard it shows in its lease file.
    package func send() -> Bool {
        let socket = Glibc.socket(Int32(server.family), Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        let sent: Int
        if server.isIPv4 {
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &target.sin_addr) { $0.copyBytes(from: server.bytes) }
            sent = withUnsafePointer(to: &target) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(socket, message, message.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        } else {
            var target = sockaddr_in6()
            target.sin6_family = sa_family_t(AF_INET6)
            target.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &target.sin6_addr) { $0.copyBytes(from: server.bytes) }
            sent = withUnsafePointer(to: &target) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(socket, message, message.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        return sent == message.count
    }
}
