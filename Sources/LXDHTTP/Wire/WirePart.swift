internal import NIOCore

/// What travels between a connection's channel and the task that serves it. One connection starts as HTTP and may
/// become a WebSocket or plain bytes on any of its requests, so one type carries all three.
enum WirePart<Head: Sendable>: Sendable {
    case head(Head)
    case body(ByteBuffer)
    case end
    /// Outbound only: from here on the connection speaks the other protocol; a client, once the server has agreed.
    case switchProtocol(SwitchTarget)
    /// A whole WebSocket message.
    case message(WebSocketMessage)
    /// The close handshake: outbound starts it, inbound reports the peer's.
    case close(WebSocketClose)
    /// Outbound only: a WebSocket ping.
    case ping
    /// Bytes of a raw connection.
    case bytes(ByteBuffer)

    /// Bytes of payload, for the send barrier.
    var payloadBytes: Int {
        switch self {
        case .body(let buffer), .bytes(let buffer): buffer.readableBytes
        case .message(let message): message.data.readableBytes
        default: 0
        }
    }
}

/// The protocol that follows HTTP on a connection.
enum SwitchTarget: Sendable {
    case webSocket(WebSocketOptions)
    case raw
}

/// Bounds and habits of one WebSocket.
package struct WebSocketOptions: Sendable {
    /// Longest message accepted, fragments joined.
    package var messageBytesMax = 4 << 20
    /// How often to ping; a peer that answers none of three is cut off. Nil: never.
    package var pingInterval: Duration?

    package init(messageBytesMax: Int = 4 << 20, pingInterval: Duration? = nil) {
        self.messageBytesMax = messageBytesMax
        self.pingInterval = pingInterval
    }
}
