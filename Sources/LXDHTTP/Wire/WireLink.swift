internal import NIOCore
internal import Synchronization

/// The serving task's end of a connection: one reader, many writers, with back-pressure both ways.
// SAFETY: `iterator` and `returned` are touched only between claimReading() and releaseReading(), which admit one task
// at a time.
final class WireLink<In: Sendable, Out: Sendable>: @unchecked Sendable {
    typealias Inbound = NIOAsyncChannelInboundStream<WirePart<In>>

    let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<WirePart<Out>>
    private var iterator: Inbound.AsyncIterator
    private var returned: WirePart<In>?
    private let reading = Mutex(false)
    private let unconfirmedBytes = Mutex(0)

    /// A writer may run ahead of the event loop, which is busy encrypting: a whole body would wait in memory. So it
    /// meets the loop once for each of these.
    private let barrierBytes = 1 << 20

    init(channel: any Channel, inbound: Inbound, outbound: NIOAsyncChannelOutboundWriter<WirePart<Out>>) {
        self.channel = channel
        self.outbound = outbound
        self.iterator = inbound.makeAsyncIterator()
    }

    /// The next part; nil when the peer has closed its side.
    func next() async throws -> WirePart<In>? {
        guard claimReading() else { throw HTTPTransportError.concurrentRead }
        defer { releaseReading() }
        if let part = returned {
            returned = nil
            return part
        }
        return try await iterator.next()
    }

    /// Gives back the part just read; the same task's next read returns it again.
    func putBack(_ part: WirePart<In>) {
        guard claimReading() else { return }
        defer { releaseReading() }
        returned = part
    }

    func send(_ part: WirePart<Out>) async throws {
        try await outbound.write(part)
        try await passBarrier(part.payloadBytes)
    }

    func send(contentsOf parts: [WirePart<Out>]) async throws {
        try await outbound.write(contentsOf: parts)
        try await passBarrier(parts.reduce(0) { $0 + $1.payloadBytes })
    }

    /// Sends a last part and returns once all bytes before it are with the kernel.
    func sendAndFlush(_ part: WirePart<Out>) async throws {
        try await channel.writeAndFlush(part)
    }

    /// Tells the peer that no more bytes come; reading goes on.
    func closeOutput() async throws {
        try await channel.close(mode: .output)
    }

    private func passBarrier(_ bytes: Int) async throws {
        guard bytes > 0 else { return }
        let due = unconfirmedBytes.withLock { count in
            count += bytes
            guard count >= barrierBytes else { return false }
            count = 0
            return true
        }
        if due { try await channel.eventLoop.submit {}.get() }
    }

    private func claimReading() -> Bool {
        reading.withLock { busy in
            defer { busy = true }
            return !busy
        }
    }

    private func releaseReading() {
        reading.withLock { $0 = false }
    }
}

/// What WebSockets and raw connections need of a link, whichever side of HTTP they came from.
protocol StreamLink: Sendable {
    var channel: any Channel { get }
    func nextFrame() async throws -> StreamFrame?
    func sendFrame(_ frame: StreamFrame) async throws
    func sendFrames(_ frames: [StreamFrame]) async throws
    /// Sends behind what waits to be sent, without waiting for a peer that does not read.
    func sendWithoutWaiting(_ frame: StreamFrame)
    func closeOutput() async throws
}

/// The parts of a connection after HTTP.
enum StreamFrame: Sendable {
    case message(WebSocketMessage)
    case close(WebSocketClose)
    case ping
    case bytes(ByteBuffer)
}

extension WireLink: StreamLink {
    func nextFrame() async throws -> StreamFrame? {
        while let part = try await next() {
            switch part {
            case .message(let message): return .message(message)
            case .close(let close): return .close(close)
            case .bytes(let bytes): return .bytes(bytes)
            case .end: continue  // The end of the request that asked for the upgrade.
            default: throw HTTPTransportError.protocolViolation("HTTP after an upgrade")
            }
        }
        return nil
    }

    func sendFrame(_ frame: StreamFrame) async throws { try await send(Self.part(frame)) }

    func sendFrames(_ frames: [StreamFrame]) async throws { try await send(contentsOf: frames.map(Self.part)) }

    func sendWithoutWaiting(_ frame: StreamFrame) { channel.writeAndFlush(Self.part(frame), promise: nil) }

    private static func part(_ frame: StreamFrame) -> WirePart<Out> {
        switch frame {
        case .message(let message): .message(message)
        case .close(let close): .close(close)
        case .ping: .ping
        case .bytes(let bytes): .bytes(bytes)
        }
    }
}
