internal import NIOCore

/// A way to a server through an HTTP proxy, by `CONNECT`.
package struct ProxyTunnel: Sendable {
    /// The proxy.
    let host: String
    let port: UInt16
    /// `host:port` of the server behind it.
    let target: String
    /// The value of `Proxy-Authorization`; nil for none.
    let authorization: String?
}

/// Asks the proxy for the tunnel before anything else is sent. What comes after it in the pipeline learns that the
/// connection is there once the tunnel is.
final class ProxyTunnelHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let headBytesMax = 16 << 10
    private let tunnel: ProxyTunnel
    private var head = ByteBuffer()

    init(_ tunnel: ProxyTunnel) { self.tunnel = tunnel }

    func channelActive(context: ChannelHandlerContext) {
        var request = "CONNECT \(tunnel.target) HTTP/1.1\r\nHost: \(tunnel.target)\r\n"
        if let authorization = tunnel.authorization { request += "Proxy-Authorization: \(authorization)\r\n" }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request + "\r\n")), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        head.writeBuffer(&bytes)
        guard let end = Self.endOfHead(head.readableBytesView) else {
            if head.readableBytes > Self.headBytesMax {
                fail(.proxyRefused(status: "its answer does not end"), context)
            }
            return
        }
        let text = head.readString(length: end) ?? ""
        let status = text.prefix { $0 != "\r\n" && $0 != "\r" && $0 != "\n" }
        guard status.hasPrefix("HTTP/1."), status.split(separator: " ").dropFirst().first?.hasPrefix("2") == true else {
            return fail(.proxyRefused(status: String(status)), context)
        }
        let rest = head
        context.fireChannelActive()
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func fail(_ error: WebError, _ context: ChannelHandlerContext) {
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    private static func endOfHead(_ bytes: ByteBufferView) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= mark.count else { return nil }
        for start in 0...(bytes.count - mark.count)
        where mark.indices.allSatisfy({ bytes[bytes.startIndex + start + $0] == mark[$0] }) {
            return start + mark.count
        }
        return nil
    }
}
