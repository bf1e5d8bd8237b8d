import CLXDLinux
import Glibc
import Synchronization
import SystemPackage

/// Tells whether something of this network namespace changed, for the price of one system call.
package final class ChangeWatch: Sendable {
    package enum Subject: Sendable {
        /// Addresses come and go.
        case addresses
        /// Links come, go, or change.
        case links
        /// Tables, chains and rules of nftables, whoever changes them.
        case firewall
    }

    private let descriptor: Int32
    private let changes = Mutex<UInt64>(0)

    /// - Throws: `tooManyOpenFiles` and the like.
    package init(_ subject: Subject) throws(NetlinkError) {
        // NETLINK_ROUTE with RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR, or RTMGRP_LINK; NETLINK_NETFILTER with
        // NFNLGRP_NFTABLES, the seventh.
        let (family, groups): (Int32, UInt32) =
            switch subject {
            case .addresses: (0, 0x10 | 0x100)
            case .links: (0, 0x1)
            case .firewall: (12, 0x40)
            }
        let opened = socket(
            AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), family)
        guard opened >= 0 else { throw NetlinkError(Errno(rawValue: Glibc.errno), "open", "netlink socket") }
        // sockaddr_nl: family and padding, port, groups.
        var address: [UInt32] = [UInt32(AF_NETLINK), 0, groups]
        let result = address.withUnsafeMutableBytes { bytes in
            bind(opened, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard result == 0 else {
            let code = Errno(rawValue: Glibc.errno)
            close(opened)
            throw NetlinkError(code, "listen for changes on", "netlink socket")
        }
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// Another number after every change.
    package var version: UInt64 {
        changes.withLock { count in
            var byte: UInt8 = 0
            while true {
                // A message is taken whole, however little of it is read; ENOBUFS says that some were lost.
                let received = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
                if received < 0, Glibc.errno != ENOBUFS {
                    if Glibc.errno == EINTR { continue }
                    return count
                }
                count += 1
            }
        }
    }
}
