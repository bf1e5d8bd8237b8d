internal import CLXDLinux
import Glibc
import SystemPackage

/// Ethernet frames that this host sends into a link, kept by the kernel until they are asked for; and a way to send some.
///
/// Each has the kernel's note on what an interface would have done (checksum, segments) before it, so that it can be sent into
/// another link as it is. Source: packet(7), PACKET_VNET_HDR; Linux 2.6.27.
package final class FrameTap: Sendable {
    /// Of the kernel's note: struct virtio_net_hdr.
    package static let noteLength = 10
    /// With the note: the kernel's own longest, and headers.
    package static let lengthMax = noteLength + 65536 + 64

    private let descriptor: Int32
    private let link: Int32

    /// - Parameters:
    ///   - link: Its index.
    ///   - keptBytes: What the kernel keeps at most, its own bookkeeping included; more is lost. 0: for sending only.
    /// - Throws: `tooManyOpenFiles` and the like.
    package init(link: Int32, keptBytes: Int32 = 0) throws(NetlinkError) {
        self.link = link
        descriptor = Glibc.socket(
            AF_PACKET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw NetlinkError(Errno(rawValue: clxd_errno()), "listen on", "link \(link)") }
        var (one, size) = (Int32(1), keptBytes)
        let width = socklen_t(MemoryLayout<Int32>.size)
        // SOL_PACKET, PACKET_VNET_HDR; SO_RCVBUFFORCE.
        guard setsockopt(descriptor, 263, 15, &one, width) == 0,
            keptBytes == 0 || setsockopt(descriptor, SOL_SOCKET, 33, &size, width) == 0,
            keptBytes == 0 || Self.bind(descriptor, link)
        else {
            let code = Errno(rawValue: clxd_errno())
            close(descriptor)
            throw NetlinkError(code, "listen on", "link \(link)")
        }
    }

    deinit { close(descriptor) }

    /// What was sent into the link since the last call. Does not block.
    package func take() -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: Self.lengthMax)
        // sockaddr_ll: the type of the packet is its eleventh byte; 4: sent by this host.
        var name = [UInt8](repeating: 0, count: 20)
        while true {
            var nameLength = socklen_t(name.count)
            let count = buffer.withUnsafeMutableBytes { bytes in
                name.withUnsafeMutableBytes { raw in
                    recvfrom(
                        descriptor, bytes.baseAddress, bytes.count, 0, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                        &nameLength)
                }
            }
            if count < 0 && clxd_errno() == EINTR { continue }
            guard count > 0 else { return frames }
            if name[10] == 4, count > Self.noteLength { frames.append(Array(buffer[..<count])) }
        }
    }

    /// Sends a frame that another tap took into the link.
    package func send(_ frame: [UInt8]) throws(NetlinkError) {
        guard frame.count >= Self.noteLength + 14 else { throw NetlinkError(.invalidArgument, "send to", "link \(link)") }
        var name = Self.name(of: link, protocol: Array(frame[(Self.noteLength + 12)..<(Self.noteLength + 14)]))
        let count = name.withUnsafeMutableBytes { raw in
            frame.withUnsafeBytes { bytes in
                sendto(
                    descriptor, bytes.baseAddress, bytes.count, 0, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(raw.count))
            }
        }
        guard count == frame.count else { throw NetlinkError(Errno(rawValue: clxd_errno()), "send to", "link \(link)") }
    }

    private static func bind(_ descriptor: Int32, _ link: Int32) -> Bool {
        // ETH_P_ALL.
        var name = name(of: link, protocol: [0, 3])
        return name.withUnsafeMutableBytes { raw in
            Glibc.bind(descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count)) == 0
        }
    }

    /// sockaddr_ll: family, protocol, link index, and what a raw frame has itself.
    private static func name(of link: Int32, protocol type: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt16(AF_PACKET)) { Array($0) } + type + withUnsafeBytes(of: link) { Array($0) }
            + [UInt8](repeating: 0, count: 12)
    }
}
