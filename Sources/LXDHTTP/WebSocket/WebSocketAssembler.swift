internal import NIOCore
internal import NIOWebSocket

/// Joins frames to messages and says what each control frame demands. Pure: no channel, no clock.
struct WebSocketAssembler {
    enum Event: Equatable {
        case message(WebSocketMessage)
        case ping(ByteBuffer)
        case pong
        case close(WebSocketClose)
    }

    /// A frame that ends the connection, with the close code to give.
    struct Violation: Error, Equatable {
        var close: WebSocketClose
    }

    private let messageBytesMax: Int
    private let peerMasks: Bool
    private var partial: WebSocketMessage?

    /// - Parameters:
    ///   - messageBytesMax: Longest message accepted, fragments joined.
    ///   - peerMasks: True on a server: clients must mask their frames, servers must not (RFC 6455, section 5.1).
    init(messageBytesMax: Int, peerMasks: Bool) {
        self.messageBytesMax = messageBytesMax
        self.peerMasks = peerMasks
    }

    /// - Returns: Nil when the frame is a fragment and the message goes on.
    mutating func accept(_ frame: WebSocketFrame) throws(Violation) -> Event? {
        guard (frame.maskKey != nil) == peerMasks else { throw Self.violation(1002, "wrong masking") }
        var data = frame.data
        if let key = frame.maskKey { data.webSocketUnmask(key) }
        guard frame.opcode.isControlOpcode else { return try acceptData(frame, data) }
        guard frame.fin, data.readableBytes <= 125 else { throw Self.violation(1002, "bad control frame") }
        switch frame.opcode {
        case .ping: return .ping(data)
        case .pong: return .pong
        case .connectionClose: return .close(WebSocketClose(payload: data))
        default: throw Self.violation(1002, "unknown opcode")
        }
    }

    private mutating func acceptData(_ frame: WebSocketFrame, _ data: ByteBuffer) throws(Violation) -> Event? {
        var message: WebSocketMessage
        switch frame.opcode {
        case .continuation:
            guard let partial else { throw Self.violation(1002, "continuation of nothing") }
            message = partial
        case .text, .binary:
            guard partial == nil else { throw Self.violation(1002, "message inside a message") }
            message = WebSocketMessage(kind: frame.opcode == .text ? .text : .binary, data: ByteBuffer())
        default:
            throw Self.violation(1002, "unknown opcode")
        }
        partial = nil
        guard message.data.readableBytes + data.readableBytes <= messageBytesMax else {
            throw Self.violation(1009, "message too big")
        }
        if message.data.readableBytes == 0 {
            message.data = data
        } else {
            message.data.writeImmutableBuffer(data)
        }
        if frame.fin { return .message(message) }
        partial = message
        return nil
    }

    private static func violation(_ code: UInt16, _ reason: String) -> Violation {
        Violation(close: WebSocketClose(code: code, reason: reason))
    }
}
