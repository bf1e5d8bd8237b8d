internal import NIOCore
internal import NIOHTTP1

/// Sits behind NIO's HTTP/1 codec: turns its parts into wire parts, watches the peer's pace, and on request rebuilds
/// the pipeline for another protocol.
final class HTTPWireHandler<In: Sendable & Equatable, Out: Sendable & Equatable>: ChannelDuplexHandler,
    RemovableChannelHandler
{
    typealias InboundIn = HTTPPart<In, ByteBuffer>
    typealias InboundOut = WirePart<In>
    typealias OutboundIn = WirePart<Out>
    typealias OutboundOut = HTTPPart<Out, IOData>

    /// How long a peer may be slow. Clients have no such limits here: they wait as long as their caller wants.
    struct Pace {
        var head: TimeAmount
        var idle: TimeAmount
        var body: TimeAmount

        /// How often to look: a slow peer costs little, so a few seconds late is early enough.
        var step: TimeAmount {
            min(.seconds(5), max(.milliseconds(20), .nanoseconds(min(head, idle, body).nanoseconds / 4)))
        }
    }

    private enum Phase { case firstHead, nextHead, body, handling, closing }

    private let decoder: any RemovableChannelHandler
    private let encoder: any RemovableChannelHandler
    private let isServer: Bool
    private let pace: Pace?
    private let end: EndHolder?
    private var phase = Phase.firstHead
    private var since = NIODeadline.now()
    private var wantsRead = false
    private var watch: Scheduled<Void>?
    /// What a client asked for: spoken from the moment at which the server agrees. Were the pipeline rebuilt when the task
    /// has read the answer, a server that says all it has to say and closes at once would not be heard.
    private var awaited: SwitchTarget?

    /// - Parameter end: Before the decoder; a client has one.
    init(
        decoder: any RemovableChannelHandler, encoder: any RemovableChannelHandler, isServer: Bool, pace: Pace?,
        end: EndHolder? = nil
    ) {
        self.end = end
        self.decoder = decoder
        self.encoder = encoder
        self.isServer = isServer
        self.pace = pace
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if pace != nil { scheduleWatch(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.cancel()
        watch = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            enter(.body)
            if !isServer, (head as? HTTPResponseHead)?.status != .switchingProtocols { awaited = nil }
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .body(let buffer):
            since = .now()
            context.fireChannelRead(wrapInboundOut(.body(buffer)))
        case .end:
            enter(.handling)
            context.fireChannelRead(wrapInboundOut(.end))
            if let target = awaited {
                awaited = nil
                do { try change(to: target, context: context) } catch { context.fireErrorCaught(error) }
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        wantsRead = false
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if !wantsRead {
            wantsRead = true
            if phase == .body { since = .now() }
        }
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body(let buffer):
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: promise)
        case .end:
            if phase == .handling { enter(.nextHead) }
            context.write(wrapOutboundOut(.end(nil)), promise: promise)
        case .switchProtocol(let target) where !isServer:
            awaited = target
            promise?.succeed()
        case .switchProtocol(let target):
            do {
                try change(to: target, context: context)
                promise?.succeed()
            } catch {
                promise?.fail(error)
                context.fireErrorCaught(error)
            }
        case .message, .close, .ping, .bytes:
            promise?.fail(HTTPTransportError.protocolViolation("stream data on an HTTP connection"))
        }
    }

    /// New handlers go in before the decoder leaves: its left-over bytes already belong to the new protocol.
    private func change(to target: SwitchTarget, context: ChannelHandlerContext) throws {
        let pipeline = context.pipeline.syncOperations
        let passOn: @Sendable () -> Void
        switch target {
        case .webSocket(let options):
            let last = WebSocketWireHandler<In, Out>(options: options, isServer: isServer)
            try pipeline.addHandlers(last.framing + [last], position: .after(self))
            passOn = last.passReadsOn(on: context.eventLoop)
        case .raw:
            let last = RawWireHandler<In, Out>()
            try pipeline.addHandler(last, position: .after(self))
            passOn = last.passReadsOn(on: context.eventLoop)
        }
        pipeline.removeHandler(self, promise: nil)
        pipeline.removeHandler(encoder, promise: nil)
        // The left-over bytes come out when the decoder leaves, without the event that makes readers see them. Fired at
        // the head of the pipeline it would stop at TLS.
        end?.holds = true
        let end = end.map { NIOLoopBound($0, eventLoop: context.eventLoop) }
        pipeline.removeHandler(decoder).whenComplete { _ in
            end?.value.holds = false
            passOn()
        }
    }

    private func enter(_ next: Phase) {
        phase = next
        since = .now()
    }

    private func scheduleWatch(_ context: ChannelHandlerContext) {
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        watch = context.eventLoop.scheduleTask(in: pace?.step ?? .seconds(5)) { handler.value.checkPace(bound.value) }
    }

    private func checkPace(_ context: ChannelHandlerContext) {
        guard let pace else { return }
        let waited = NIODeadline.now() - since
        let late: Bool
        switch phase {
        case .firstHead: late = waited > pace.head
        case .nextHead: late = waited > pace.idle
        case .body: late = wantsRead && waited > pace.body
        case .handling, .closing: late = false
        }
        if late {
            context.close(promise: nil)
        } else {
            scheduleWatch(context)
        }
    }
}

/// Holds the end of a connection back while its decoder leaves, which takes it until the loop's next round: a decoder that
/// learns of the end before drops its left-over bytes, which may be all that the peer had to say.
final class EndHolder: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    fileprivate(set) var holds = false

    func channelInactive(context: ChannelHandlerContext) {
        pass(context) { $0.fireChannelInactive() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        pass(context) { $0.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }

    private func pass(_ context: ChannelHandlerContext, _ event: @escaping @Sendable (ChannelHandlerContext) -> Void) {
        guard holds else { return event(context) }
        // Behind the decoder's own task.
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { event(bound.value) }
    }
}

/// The last handler of a protocol after HTTP.
protocol StreamWireHandler: ChannelInboundHandler, SendableMetatype {
    var context: ChannelHandlerContext? { get }
}

extension StreamWireHandler {
    /// Makes what has been read so far visible to the serving task; call it on the loop.
    func passReadsOn(on loop: any EventLoop) -> @Sendable () -> Void {
        let handler = NIOLoopBound(self, eventLoop: loop)
        return { handler.value.context?.fireChannelReadComplete() }
    }
}

/// Plain bytes after an upgrade.
final class RawWireHandler<In: Sendable, Out: Sendable>: ChannelDuplexHandler, StreamWireHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = WirePart<In>
    typealias OutboundIn = WirePart<Out>
    typealias OutboundOut = ByteBuffer

    private(set) var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(.bytes(unwrapInboundIn(data))))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .bytes(let buffer) = unwrapOutboundIn(data) else {
            promise?.fail(HTTPTransportError.protocolViolation("HTTP on a raw connection"))
            return
        }
        context.write(wrapOutboundOut(buffer), promise: promise)
    }
}
