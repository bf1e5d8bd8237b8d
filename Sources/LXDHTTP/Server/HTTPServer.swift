internal import Foundation
package import Logging
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Accepts connections on any number of listeners and answers their requests with one responder.
///
/// Listeners come and go while the server runs; connections outlive the listener that accepted them.
package final class HTTPServer: Sendable {
    private let group: any EventLoopGroup
    private let limits: HTTPLimits
    private let responder: Responder
    private let logger: Logger
    private let listeners = Mutex<[ObjectIdentifier: HTTPListener]>([:])

    package init(
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, limits: HTTPLimits = HTTPLimits(),
        logger: Logger,
        responder: @escaping Responder
    ) {
        self.group = group
        self.limits = limits
        self.logger = logger
        self.responder = responder
    }

    /// Starts accepting on a socket, which now belongs to the listener.
    ///
    /// - Parameters:
    ///   - tls: Nil for a unix socket or plain TCP.
    ///   - proxies: From whom a PROXY line is believed.
    ///   - answer: Answers requests of this listener instead of the server's responder.
    package func listen(
        on socket: ListeningSocket, tls: ServerTLS? = nil, proxies: TrustedProxies? = nil, answer: Responder? = nil
    ) async throws -> HTTPListener {
        let listener = HTTPListener(socket: socket)
        let (limits, logger, responder) = (limits, logger, answer ?? responder)
        let bootstrap = ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let activity = listener.admit(channel, max: limits.connectionsMax) else {
                        throw HTTPTransportError.protocolViolation("too many connections")
                    }
                    let proxied = proxies?.handler(for: channel.remoteAddress)
                    if let proxied { try channel.pipeline.syncOperations.addHandler(proxied) }
                    let told = proxied?.told
                    let child = try Self.configure(channel, tls: tls, limits: limits)
                    // Its task starts here and not in a loop over accepted channels: one that is dropped on its way to
                    // such a loop, because the listener closes, ends the process (NIO wants every wrapper to be run).
                    activity.run {
                        await Self.serve(
                            child, activity, isUnix: socket.isUnix, isTLS: tls != nil, told: told, limits: limits,
                            logger: logger, responder: responder)
                        listener.leave(activity)
                    }
                }
            }
        if !socket.isUnix { _ = bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1).endingLostConnections() }
        listener.accept(on: try await bootstrap.withBoundSocket(socket.descriptor).get())
        listeners.withLock { $0[ObjectIdentifier(listener)] = listener }
        return listener
    }

    /// Stops accepting on this listener; its connections go on.
    package func drop(_ listener: HTTPListener) async {
        listeners.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(listener)) }
        await listener.stopAccepting()
    }

    /// Stops accepting, gives running requests a while to end, then cancels them. Open WebSockets are cancelled at the
    /// end too.
    package func shutdown(grace: Duration) async {
        let all = listeners.withLock { current in
            defer { current = [:] }
            return Array(current.values)
        }
        await withTaskGroup(of: Void.self) { tasks in
            for listener in all { tasks.addTask { await listener.shutdown(grace: grace) } }
        }
    }

    private typealias Child = NIOAsyncChannel<WirePart<HTTPRequestHead>, WirePart<HTTPResponseHead>>

    private static func configure(_ channel: any Channel, tls: ServerTLS?, limits: HTTPLimits) throws -> Child {
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(tls.makeHandler()) }
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.headBytesMax
        decoding.maxHeaderListSize = limits.headBytesMax
        decoding.maxHeaderFieldCount = limits.headerCountMax
        let encoder = HTTPResponseEncoder()
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(
                leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop, limitConfiguration: decoding
            ))
        let wire = HTTPWireHandler<HTTPRequestHead, HTTPResponseHead>(
            decoder: decoder, encoder: encoder, isServer: true,
            pace: .init(
                head: TimeAmount(limits.headTimeout), idle: TimeAmount(limits.idleTimeout),
                body: TimeAmount(limits.bodyTimeout)))
        try pipeline.addHandlers([encoder, decoder, wire])
        return try Child(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: false))
    }

    private static func serve(
        _ child: Child, _ activity: ConnectionActivity, isUnix: Bool, isTLS: Bool, told: ToldAddress?,
        limits: HTTPLimits, logger: Logger, responder: @escaping Responder
    ) async {
        do {
            try await child.executeThenClose { inbound, outbound in
                let link = WireLink(channel: child.channel, inbound: inbound, outbound: outbound)
                if isTLS || told != nil {
                    // The peer's certificate and what a proxy tells are known once the first bytes of a request are.
                    guard let first = try await link.next() else { return }
                    link.putBack(first)
                }
                var info = try await ConnectionInfo.read(from: child.channel, isUnix: isUnix, isTLS: isTLS)
                if let address = told?.address { info.remoteAddress = address }
                try await ServerConnection(
                    link: link, info: info, limits: limits, activity: activity, responder: responder, logger: logger
                ).serve()
            }
        } catch {
            logger.trace("connection ended: \(error)")
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        self = .nanoseconds(Int64(duration / .nanoseconds(1)))
    }
}

/// One place where a server accepts connections.
package final class HTTPListener: Sendable {
    private let socket: ListeningSocket
    private let channel = Mutex<(any Channel)?>(nil)
    private let connections = Mutex<[ObjectIdentifier: ConnectionActivity]>([:])

    init(socket: ListeningSocket) { self.socket = socket }

    /// The path of a unix socket, or "ADDRESS:PORT" as bound.
    package var address: String { socket.address }
    package var isUnix: Bool { socket.isUnix }
    package var connectionCount: Int { connections.withLock { $0.count } }

    func accept(on channel: any Channel) { self.channel.withLock { $0 = channel } }

    func admit(_ channel: any Channel, max: Int) -> ConnectionActivity? {
        connections.withLock { all in
            guard all.count < max else { return nil }
            let activity = ConnectionActivity(channel: channel)
            all[ObjectIdentifier(activity)] = activity
            return activity
        }
    }

    func leave(_ activity: ConnectionActivity) {
        connections.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(activity)) }
    }

    func stopAccepting() async {
        try? await channel.withLock { $0 }?.close()  // Already closed is as good.
        socket.removePath()
    }

    func shutdown(grace: Duration) async {
        await stopAccepting()
        let end = ContinuousClock.now + grace
        while connectionCount > 0, ContinuousClock.now < end, !Task.isCancelled {
            for activity in open { activity.closeIfIdle() }
            try? await Task.sleep(for: .milliseconds(20))  // Cancelled means: do not wait any longer.
        }
        for activity in open { await activity.end() }
    }

    private var open: [ConnectionActivity] { connections.withLock { Array($0.values) } }
}

/// One connection's task, and whether it is in the middle of a request: a server that stops closes the others at once.
final class ConnectionActivity: Sendable {
    private let channel: any Channel
    private let busy = Atomic(false)
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(channel: any Channel) { self.channel = channel }

    func run(_ work: @escaping @Sendable () async -> Void) {
        task.withLock { $0 = Task(executorPreference: LoopExecutor.of(channel.eventLoop), operation: work) }
    }

    func setBusy(_ value: Bool) { busy.store(value, ordering: .relaxed) }

    func closeIfIdle() {
        if !busy.load(ordering: .relaxed) { channel.close(promise: nil) }
    }

    /// Cancels the task and waits until it has let go of everything.
    func end() async {
        guard let task = task.withLock({ $0 }) else { return }
        task.cancel()
        await task.value
    }
}
