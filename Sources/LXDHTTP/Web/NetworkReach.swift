internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Which servers may be asked on behalf of somebody who is not trusted with this host.
///
/// What listens on the loopback interface or on a link's own addresses (where clouds keep the credentials of a machine)
/// believes whoever reaches it to be the host itself.
package enum NetworkReach: Sendable, Hashable {
    case everywhere
    /// Not addresses that mean this host or its links only; hosts of these names may have them.
    case beyondThisHost(except: Set<String>)

    /// Whether a server may be asked, as far as its address says without a name being looked up.
    package func mayReach(_ address: WebAddress) -> Bool { (try? admit(address.host)) != nil }

    /// - Throws: ``WebError/refusedAddress(_:)``.
    func admit(_ host: String) throws(WebError) -> AddressRule {
        guard case .beyondThisHost(let trusted) = self, !trusted.contains(host) else { return .any }
        if let literal = IPBytes(host), literal.isOfThisHostOnly { throw .refusedAddress(host) }
        return .notOfThisHost
    }
}

/// Which addresses a connection may be made to.
package enum AddressRule: Sendable {
    case any, notOfThisHost
}

extension IPBytes {
    /// Whether the address leads to this host or its links, wherever one asks from: loopback, link-local, unspecified,
    /// multicast and broadcast ones, and IPv4's of these in IPv6.
    var isOfThisHostOnly: Bool {
        if bytes.count == 16 {
            let front = bytes.prefix(12)
            let isMapped = front.prefix(10).allSatisfy { $0 == 0 } && front.suffix(2) == [0xff, 0xff]
            let isTranslated = front == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]
            if isMapped || isTranslated || front.allSatisfy({ $0 == 0 }) {
                return IPBytes(Array(bytes.suffix(4))).isOfThisHostOnly
            }
            return bytes[0] == 0xff || bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
        }
        return bytes[0] == 0 || bytes[0] == 127 || bytes[0] >= 224 || bytes[0] == 169 && bytes[1] == 254
    }
}

/// Looks names up and refuses addresses before anything is sent to them. The address that was looked at is the one that
/// is connected to: a name that changes its meaning meanwhile gains nothing.
final class CheckingResolver: Resolver, Sendable {
    private let loop: any EventLoop

    init(loop: any EventLoop) { self.loop = loop }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { query(host, port, AF_INET) }
    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { query(host, port, AF_INET6) }
    func cancelQueries() {}

    private func query(_ host: String, _ port: Int, _ family: Int32) -> EventLoopFuture<[SocketAddress]> {
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { try Self.look(up: host, port, family) }
    }

    private static func look(up host: String, _ port: Int, _ family: Int32) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard
                getnameinfo(
                    entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // A scope (`fe80::1%eth0`) makes it a link's own.
            guard let address = IPBytes(name), !address.isOfThisHostOnly else { throw WebError.refusedAddress(host) }
            found.append(try SocketAddress(ipAddress: name, port: port))
        }
        return found
    }
}
