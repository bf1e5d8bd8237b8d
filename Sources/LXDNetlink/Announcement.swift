internal import CLXDLinux
import Glibc
import SystemPackage

/// Telling a network that an Ethernet address has moved: bridges and switches remember where they last heard of it, and send what is
/// for it there until they hear of it again.
extension RouteSocket {
    /// Makes a bridge send to a port what is for an address, and tells all other bridges and switches of that network.
    package func announce(_ address: MACAddress, at port: Link, of bridge: Link) throws(NetlinkError) {
        try perform(Self.bridgeEntry(address, port: port.index), "announce \(address) at", port.name)
        let socket = Glibc.socket(AF_PACKET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw NetlinkError(Errno(rawValue: clxd_errno()), "announce \(address) on", bridge.name) }
        defer { close(socket) }
        let frame = Self.announcement(address)
        var name = Self.packetAddress(link: bridge.index)
        let count = name.withUnsafeMutableBytes { raw in
            frame.withUnsafeBytes { bytes in
                raw.baseAddress.map { base in
                    sendto(socket, bytes.baseAddress, bytes.count, 0, base.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
                } ?? -1
            }
        }
        guard count == frame.count else { throw NetlinkError(Errno(rawValue: clxd_errno()), "announce \(address) on", bridge.name) }
    }

    /// ndmsg: family, padding, link index, state 2 (reachable: it ages as one that was learned), flags 2 (of the bridge above it), type.
    static func bridgeEntry(_ address: MACAddress, port: Int32) -> NetlinkMessage {
        var request = NetlinkMessage(type: RTM.newNeighbour, flags: NLM.create | NLM.replace)
        request.append(raw: [UInt8(AF_BRIDGE), 0, 0, 0])
        request.append(port)
        request.append(UInt16(2))
        request.append(raw: [2, 0])
        request.attribute(NDA.linkLayerAddress, address.bytes)
        return request
    }

    /// A reverse ARP request from the address to everybody: it names no IP address, and nobody answers it.
    static func announcement(_ address: MACAddress) -> [UInt8] {
        let header = [UInt8](repeating: 0xff, count: 6) + address.bytes + [0x80, 0x35]
        // Ethernet, IPv4, lengths 6 and 4, operation 3.
        let request: [UInt8] = [0, 1, 8, 0, 6, 4, 0, 3] + address.bytes + [0, 0, 0, 0] + address.bytes + [0, 0, 0, 0]
        return header + request + [UInt8](repeating: 0, count: 60 - header.count - request.count)
    }

    /// sockaddr_ll: family, protocol, link index, type, packet type, length and bytes of an address that a raw frame has itself.
    private static func packetAddress(link: Int32) -> [UInt8] {
        withUnsafeBytes(of: UInt16(AF_PACKET)) { Array($0) } + [0x80, 0x35] + withUnsafeBytes(of: link) { Array($0) }
            + [UInt8](repeating: 0, count: 12)
    }
}
