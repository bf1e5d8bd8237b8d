internal import Crypto
internal import Foundation
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Synchronization

/// One client connection: requests one after another, then perhaps an upgrade that takes it over.
package final class HTTPConnection: Sendable {
    typealias Link = WireLink<HTTPResponseHead, HTTPRequestHead>
    private typealias Wrapped = NIOAsyncChannel<WirePart<HTTPResponseHead>, WirePart<HTTPRequestHead>>

    private let link: Link
    private let endpoint: HTTPEndpoint
    private let shown: ShownCertificate
    private let reusable = Mutex(true)

    /// Connects and, with TLS, shakes hands and checks the server.
    ///
    /// - Parameters:
    ///   - timeout: For both together.
    ///   - tunnel: The proxy to go through; nil for the direct way.
    ///   - admits: Which addresses the host's name may stand for.
    /// - Throws: `HTTPTransportError.untrustedCertificate`, `.connectTimeout`, or the system's error.
    package static func open(
        _ endpoint: HTTPEndpoint, timeout: Duration = .seconds(30),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, tunnel: ProxyTunnel? = nil,
        admits: AddressRule = .any
    ) async throws -> HTTPConnection {
        let shown = ShownCertificate()
        let loop = group.next()
        let bootstrap = ClientBootstrap(group: loop)
            .resolver(admits == .any ? nil : CheckingResolver(loop: loop))
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.allowRemoteHalfClosure, value: true)
        let initialize: @Sendable (any Channel) -> EventLoopFuture<(Wrapped, EventLoopFuture<Void>)> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try Self.configure(channel, endpoint: endpoint, tunnel: tunnel, shown: shown, timeout: timeout)
            }
        }
        let wrapped: Wrapped
        let secured: EventLoopFuture<Void>
        do {
            switch endpoint {
            case .unix(let path):
                (wrapped, secured) = try await bootstrap.connect(
                    unixDomainSocketPath: path, channelInitializer: initialize)
            case .tcp(let host, let port, _):
                (wrapped, secured) = try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .endingLostConnections().connect(
                        host: tunnel?.host ?? host, port: Int(tunnel?.port ?? port), channelInitializer: initialize)
            }
        } catch let error as NIOConnectionError {
            // The reason is that of the lookup when an address was refused there.
            if let refused = (error.dnsAError as? WebError) ?? (error.dnsAAAAError as? WebError) { throw refused }
            throw error
        } catch is ChannelError {
            throw HTTPTransportError.connectTimeout(endpoint.description)
        }
        let link = await adopt(wrapped)
        do {
            try await secured.get()
        } catch let error as NIOSSLError {
            if case .handshakeFailed = error, endpoint.verifiesServer {
                throw HTTPTransportError.untrustedCertificate(fingerprint: shown.fingerprint)
            }
            throw error
        } catch is NIOSSLExtraError where endpoint.verifiesServer {
            // Of another host than the one that was asked for.
            throw HTTPTransportError.untrustedCertificate(fingerprint: shown.fingerprint)
        }
        return HTTPConnection(link: link, endpoint: endpoint, shown: shown)
    }

    private init(link: Link, endpoint: HTTPEndpoint, shown: ShownCertificate) {
        self.link = link
        self.endpoint = endpoint
        self.shown = shown
    }

    deinit { link.channel.close(promise: nil) }

    /// The server's leaf certificate; nil without TLS.
    package func serverCertificate() async throws -> PeerCertificate? {
        if let der = shown.der { return PeerCertificate(der: der) }
        guard case .tcp(_, _, .some) = endpoint else { return nil }
        let der = try await link.channel.nioSSL_peerCertificate().flatMapThrowing { try $0?.toDERBytes() }.get()
        return der.map(PeerCertificate.init(der:))
    }

    /// Whether another request can be sent: the last answer was read to its end and both sides stay.
    package var isReusable: Bool { reusable.withLock { $0 } && link.channel.isActive }

    /// Sends a request and returns its answer's head; the body follows as it is read.
    ///
    /// A streamed request body is written while the answer is awaited: a server may refuse an upload before its end.
    package func send(_ request: OutgoingRequest) async throws -> IncomingResponse {
        reusable.withLock { $0 = false }
        let upload = try await begin(request)
        let head: HTTPResponseHead
        do {
            head = try await awaitHead(timeout: request.timeout)
        } catch {
            upload?.cancel()
            link.channel.close(promise: nil)
            // What broke the upload says more than the connection that broke with it.
            if let upload, case .failure(let cause) = await upload.result, !(cause is CancellationError) { throw cause }
            throw error
        }
        return response(head, verb: request.verb, upload: upload, pace: request.pace)
    }

    /// Asks for a WebSocket; on success the connection is the WebSocket's.
    /// - Throws: `HTTPTransportError.upgradeRefused` with the start of the server's answer.
    package func webSocket(
        _ target: String, headers: HeaderFields = [:], options: WebSocketOptions = WebSocketOptions()
    ) async throws -> WebSocketConnection {
        let key = Data((0..<16).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
        var fields = headers
        fields["Connection"] = "Upgrade"
        fields["Upgrade"] = "websocket"
        fields["Sec-WebSocket-Version"] = "13"
        fields["Sec-WebSocket-Key"] = key
        let head = try await upgrade(OutgoingRequest(.get, target, headers: fields), to: .webSocket(options))
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        guard head.headers.first(name: "sec-websocket-accept") == Data(digest).base64EncodedString() else {
            link.channel.close(promise: nil)
            throw HTTPTransportError.protocolViolation("websocket: wrong Sec-WebSocket-Accept")
        }
        try await settle()
        return WebSocketConnection(link: OwnedLink(link: link, owner: self))
    }

    /// Asks for plain bytes under a protocol name such as "sftp"; likewise.
    package func raw(_ target: String, protocol name: String, headers: HeaderFields = [:]) async throws -> RawConnection
    {
        var fields = headers
        fields["Connection"] = "Upgrade"
        fields["Upgrade"] = name
        _ = try await upgrade(OutgoingRequest(.get, target, headers: fields), to: .raw)
        try await settle()
        return RawConnection(link: OwnedLink(link: link, owner: self))
    }

    /// The HTTP decoder leaves the pipeline in the loop's next round and must not see what is written after it.
    private func settle() async throws {
        try await link.channel.eventLoop.submit {}.get()
    }

    package func close() async {
        reusable.withLock { $0 = false }
        try? await link.channel.close()  // Already closed is as good.
    }

    // MARK: - Parts of an exchange

    private func begin(
        _ request: OutgoingRequest, thenSpeak target: SwitchTarget? = nil
    ) async throws -> Task<Void, any Error>? {
        var fields = request.headers
        if fields["Host"] == nil { fields["Host"] = endpoint.hostHeader }
        switch request.body {
        case .none:
            if request.verb != .get, request.verb != .head { fields["Content-Length"] = "0" }
        default:
            if let length = request.body.length {
                fields["Content-Length"] = String(length)
            } else {
                fields["Transfer-Encoding"] = "chunked"
            }
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.verb.rawValue), uri: request.target,
            headers: fields.nioHeaders)
        switch request.body {
        case .none:
            try await link.send(contentsOf: [.head(head), .end] + (target.map { [.switchProtocol($0)] } ?? []))
        case .bytes(let buffer):
            try await link.send(contentsOf: [.head(head), .body(buffer), .end])
        case .stream(let length, let write):
            try await link.send(.head(head))
            return Task { [link] in
                let writer = BodyWriter { try await link.send(.body($0)) }
                do {
                    try await write(writer)
                    if let length, writer.writtenBytes != length { throw HTTPTransportError.bodyLengthMismatch }
                    try await link.send(.end)
                } catch {
                    link.channel.close(promise: nil)
                    throw error
                }
            }
        }
        return nil
    }

    private func awaitHead(timeout: Duration?) async throws -> HTTPResponseHead {
        guard let timeout else { return try await readHead() }
        let channel = link.channel
        let late = LateFlag()
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            late.set()
            channel.close(promise: nil)
        }
        defer { timer.cancel() }
        do {
            return try await readHead()
        } catch {
            throw late.isSet ? HTTPTransportError.responseTimeout : error
        }
    }

    private func readHead() async throws -> HTTPResponseHead {
        guard let part = try await link.next() else { throw HTTPTransportError.connectionClosed }
        guard case .head(let head) = part else { throw HTTPTransportError.protocolViolation("no response head") }
        return head
    }

    private func response(
        _ head: HTTPResponseHead, verb: HTTPVerb, upload: Task<Void, any Error>?, pace: BodyPace? = nil
    ) -> IncomingResponse {
        let keepAlive = head.isKeepAlive
        let length = head.headers.first(name: "content-length").flatMap { Int($0) }
        let watch = pace.map { PaceWatch($0, link.channel) }
        @Sendable func next() async throws -> ByteBuffer? {
            switch try await link.next() {
            case .body(let buffer)?: return buffer
            case .end?:
                let uploaded = await upload?.result.succeeded ?? true
                reusable.withLock { $0 = keepAlive && uploaded }
                return nil
            case nil: throw HTTPTransportError.bodyTruncated
            default: throw HTTPTransportError.protocolViolation("no response body")
            }
        }
        let body = IncomingBody(contentLength: verb == .head ? 0 : length, limitBytes: .max) {
            guard let watch else { return try await next() }
            return try await watch.next(next)
        }
        return IncomingResponse(status: Int(head.status.code), headers: HeaderFields(head.headers), body: body)
    }

    private func upgrade(_ request: OutgoingRequest, to target: SwitchTarget) async throws -> HTTPResponseHead {
        reusable.withLock { $0 = false }
        _ = try await begin(request, thenSpeak: target)
        let head = try await readHead()
        guard head.status == .switchingProtocols else {
            let answer = response(head, verb: request.verb, upload: nil)
            // The status alone must do if the body does not come.
            let body = try? await answer.body.collect(upTo: 64 << 10)
            throw HTTPTransportError.upgradeRefused(
                status: answer.status, body: body.map { Array($0.readableBytesView) } ?? [])
        }
        return head
    }

    // MARK: - Channel

    private static func configure(
        _ channel: any Channel, endpoint: HTTPEndpoint, tunnel: ProxyTunnel?, shown: ShownCertificate, timeout: Duration
    ) throws -> (Wrapped, EventLoopFuture<Void>) {
        let pipeline = channel.pipeline.syncOperations
        var secured = channel.eventLoop.makeSucceededVoidFuture()
        if let tunnel { try pipeline.addHandler(ProxyTunnelHandler(tunnel)) }
        if case .tcp(let host, _, let tls?) = endpoint {
            let handshake = HandshakeWaiter(
                promise: channel.eventLoop.makePromise(), timeout: TimeAmount(timeout), target: endpoint.description)
            try pipeline.addHandlers([tls.makeHandler(host: host, shown: shown), handshake])
            secured = handshake.promise.futureResult
        }
        let encoder = HTTPRequestEncoder()
        let decoder = ByteToMessageHandler(
            HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop))
        let end = EndHolder()
        let wire = HTTPWireHandler<HTTPResponseHead, HTTPRequestHead>(
            decoder: decoder, encoder: encoder, isServer: false, pace: nil, end: end)
        try pipeline.addHandlers([encoder, end, decoder, wire])
        return (
            try Wrapped(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: false)),
            secured
        )
    }

    /// The async channel gives its two ends only inside a scope; a task holds that scope open until the channel closes.
    private static func adopt(_ wrapped: Wrapped) async -> Link {
        await withCheckedContinuation { continuation in
            Task {
                try? await wrapped.executeThenClose { inbound, outbound in  // Failures reach whoever reads or writes.
                    continuation.resume(returning: Link(channel: wrapped.channel, inbound: inbound, outbound: outbound))
                    try await wrapped.channel.closeFuture.get()
                }
            }
        }
    }
}

extension HTTPEndpoint {
    /// Whether a failed handshake may be about the server's certificate.
    fileprivate var verifiesServer: Bool {
        guard case .tcp(_, _, let tls?) = self else { return false }
        if case .none = tls.verification { return false }
        return true
    }
}

extension Result {
    fileprivate var succeeded: Bool {
        if case .success = self { true } else { false }
    }
}

/// Set once by a timer.
private final class LateFlag: Sendable {
    private let value = Mutex(false)
    func set() { value.withLock { $0 = true } }
    var isSet: Bool { value.withLock { $0 } }
}

/// A link that keeps its connection object alive: a connection closes its channel when nobody holds it.
private struct OwnedLink: StreamLink {
    let link: HTTPConnection.Link
    let owner: HTTPConnection

    var channel: any Channel { link.channel }
    func nextFrame() async throws -> StreamFrame? { try await link.nextFrame() }
    func sendFrame(_ frame: StreamFrame) async throws { try await link.sendFrame(frame) }
    func sendFrames(_ frames: [StreamFrame]) async throws { try await link.sendFrames(frames) }
    func sendWithoutWaiting(_ frame: StreamFrame) { link.sendWithoutWaiting(frame) }
    func closeOutput() async throws { try await link.closeOutput() }
}

/// Completes when TLS has shaken hands, fails when it cannot or takes too long.
private final class HandshakeWaiter: ChannelInboundHandler {
    typealias InboundIn = NIOAny
    let promise: EventLoopPromise<Void>
    private let timeout: TimeAmount
    private let target: String
    private var timer: Scheduled<Void>?

    init(promise: EventLoopPromise<Void>, timeout: TimeAmount, target: String) {
        self.promise = promise
        self.timeout = timeout
        self.target = target
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: timeout) { [promise, target] in
            promise.fail(HTTPTransportError.connectTimeout(target))
            bound.value.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { finish(nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(HTTPTransportError.connectionClosed)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { finish(HTTPTransportError.connectionClosed) }

    private func finish(_ error: (any Error)?) {
        timer?.cancel()
        timer = nil
        if let error { promise.fail(error) } else { promise.succeed() }
    }
}
