internal import NIOCore
internal import NIOWebSocket

/// Speaks WebSocket for the serving task: joins messages, answers pings, does the close handshake within a bound.
final class WebSocketWireHandler<In: Sendable, Out: Sendable>: ChannelDuplexHandler, StreamWireHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WirePart<In>
    typealias OutboundIn = WirePart<Out>
    typealias OutboundOut = WebSocketFrame

    private let options: WebSocketOptions
    private let isServer: Bool
    private var assembler: WebSocketAssembler
    private var sentClose = false
    private var ended = false
    private var unansweredPings = 0
    private var pinging: RepeatedTask?
    private(set) var context: ChannelHandlerContext?

    /// The codec that stands before this handler.
    var framing: [any ChannelHandler] {
        [WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: options.messageBytesMax))]
    }

    init(options: WebSocketOptions, isServer: Bool) {
        self.options = options
        self.isServer = isServer
        assembler = WebSocketAssembler(messageBytesMax: options.messageBytesMax, peerMasks: isServer)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        guard let interval = options.pingInterval else { return }
        let amount = TimeAmount.nanoseconds(Int64(interval / .nanoseconds(1)))
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        pinging = context.eventLoop.scheduleRepeatedTask(initialDelay: amount, delay: amount) { _ in
            handler.value.ping(bound.value)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        pinging?.cancel()
        pinging = nil
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !ended else { return }
        unansweredPings = 0
        do {
            switch try assembler.accept(unwrapInboundIn(data)) {
            case nil, .pong: break
            case .message(let message): context.fireChannelRead(wrapInboundOut(.message(message)))
            case .ping(let payload): writeFrame(.pong, payload, context: context, promise: nil)
            case .close(let close): finish(close, context: context)
            }
        } catch {
            fail(error.close, context: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let violation = error as? NIOWebSocketError else { return context.fireErrorCaught(error) }
        switch violation {
        case .invalidFrameLength: fail(WebSocketClose(code: 1009, reason: "message too big"), context: context)
        default: fail(WebSocketClose(code: 1002, reason: "bad frame"), context: context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .message(let message) where !sentClose:
            write(context, message.kind == .text ? .text : .binary, message.data, promise: promise)
        case .ping where !sentClose:
            write(context, .ping, ByteBuffer(), promise: promise)
        case .close(let close) where !sentClose:
            sentClose = true
            write(context, .connectionClose, close.payload, promise: promise)
            cutOffLater(context)
        case .close:
            promise?.succeed()
        default:
            promise?.fail(HTTPTransportError.connectionClosed)
        }
    }

    private func finish(_ close: WebSocketClose, context: ChannelHandlerContext) {
        ended = true
        context.fireChannelRead(wrapInboundOut(.close(close)))
        if sentClose {
            context.close(promise: nil)
        } else {
            sentClose = true
            let done = context.eventLoop.makePromise(of: Void.self)
            writeFrame(.connectionClose, close.payload, context: context, promise: done)
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            // The server ends the connection (RFC 6455, section 7.1.1).
            if isServer {
                done.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
            } else {
                cutOffLater(context)
            }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A peer that has closed its direction cannot take part in a close handshake any more.
        if sentClose, case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private func fail(_ close: WebSocketClose, context: ChannelHandlerContext) {
        guard !ended else { return }
        ended = true
        if !sentClose {
            sentClose = true
            writeFrame(.connectionClose, close.payload, context: context, promise: nil)
        }
        context.fireErrorCaught(HTTPTransportError.protocolViolation("websocket: \(close.reason)"))
        cutOffLater(context)
    }

    /// A peer that never answers our close does not keep the connection.
    private func cutOffLater(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .seconds(3)) { bound.value.close(promise: nil) }
    }

    private func ping(_ context: ChannelHandlerContext) {
        guard !sentClose else { return }
        unansweredPings += 1
        guard unansweredPings <= 3 else { return context.close(promise: nil) }
        writeFrame(.ping, ByteBuffer(), context: context, promise: nil)
    }

    private func writeFrame(
        _ opcode: WebSocketOpcode, _ data: ByteBuffer, context: ChannelHandlerContext, promise: EventLoopPromise<Void>?
    ) {
        guard isServer else { return writeLater(opcode, data, context: context, promise: promise) }
        write(context, opcode, data, promise: promise)
        context.flush()
    }

    /// What a server sends right behind its handshake is read while the HTTP response decoder leaves the pipeline; that
    /// decoder takes anything written in this moment for HTTP.
    private func writeLater(
        _ opcode: WebSocketOpcode, _ data: ByteBuffer, context: ChannelHandlerContext, promise: EventLoopPromise<Void>?
    ) {
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            handler.value.write(bound.value, opcode, data, promise: promise)
            bound.value.flush()
        }
    }

    private func write(
        _ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer,
        promise: EventLoopPromise<Void>?
    ) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: isServer ? nil : .random(), data: data)
        context.write(wrapOutboundOut(frame), promise: promise)
    }
}
