internal import NIOCore
internal import Synchronization

/// Hosts that may say, with the line of the PROXY protocol, on whose behalf they connect
/// (`core.https_trusted_proxy`). Changes hold for new connections.
package final class TrustedProxies: Sendable {
    private let addresses = Mutex<Set<String>>([])

    package init() {}

    /// - Parameter list: IP addresses separated by commas; what is none is left out.
    package func replace(with list: String) {
        let wanted = list.split(separator: ",").compactMap { text in
            // Written as the kernel's addresses are, so that they can be compared as text.
            try? SocketAddress(ipAddress: text.trimmingBlanks.lowercased(), port: 0).ipAddress
        }
        addresses.withLock { $0 = Set(wanted) }
    }

    func handler(for peer: SocketAddress?) -> ProxyLineHandler? {
        guard let address = peer?.plainAddress, addresses.withLock({ $0.contains(address) }) else { return nil }
        return ProxyLineHandler()
    }
}

/// The client's address as a proxy told it.
final class ToldAddress: Sendable {
    private let value = Mutex<String?>(nil)

    var address: String? {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

/// Reads the line that a proxy sends before anything else; a connection without one is the proxy's own.
final class ProxyLineHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The longest line the protocol knows, end included.
    private static let lineBytesMax = 107
    private static let prefix = Array("PROXY ".utf8)

    let told = ToldAddress()
    private var collected = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        collected.writeBuffer(&buffer)
        let bytes = collected.readableBytesView
        guard bytes.prefix(Self.prefix.count).elementsEqual(Self.prefix.prefix(bytes.count)) else {
            return passOn(context)
        }
        guard let end = bytes.prefix(Self.lineBytesMax).firstIndex(of: 10) else {
            if bytes.count >= Self.lineBytesMax { context.close(promise: nil) }
            return
        }
        let line = String(decoding: bytes[bytes.startIndex..<end].dropLast(while: { $0 == 13 }), as: UTF8.self)
        guard let address = Self.client(line) else { return context.close(promise: nil) }
        told.address = address.isEmpty ? nil : address
        collected.moveReaderIndex(to: collected.readerIndex + bytes.distance(from: bytes.startIndex, to: end) + 1)
        passOn(context)
    }

    private func passOn(_ context: ChannelHandlerContext) {
        let rest = collected
        collected = ByteBuffer()
        // Passed on while this handler still stands in the pipeline: from one that has left nothing goes anywhere.
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    /// The client of a line such as `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`; empty for `UNKNOWN`, nil for a wrong
    /// one.
    static func client(_ line: String) -> String? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        if words.count >= 2, words[1] == "UNKNOWN" { return "" }
        guard words.count == 6, words[1] == "TCP4" || words[1] == "TCP6", let port = UInt16(words[4]),
            let address = try? SocketAddress(ipAddress: words[2], port: Int(port)), let host = address.ipAddress,
            (address.protocol == .inet6) == (words[1] == "TCP6")
        else { return nil }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension SocketAddress {
    /// The address as text; an IPv4 address that came in through an IPv6 socket without its prefix.
    var plainAddress: String? {
        ipAddress.map { $0.hasPrefix("::ffff:") && $0.contains(".") ? String($0.dropFirst(7)) : $0 }
    }
}

extension Substring {
    fileprivate var trimmingBlanks: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

extension BidirectionalCollection {
    fileprivate func dropLast(while condition: (Element) -> Bool) -> SubSequence {
        var end = endIndex
        while end > startIndex, condition(self[index(before: end)]) { end = index(before: end) }
        return self[startIndex..<end]
    }
}
