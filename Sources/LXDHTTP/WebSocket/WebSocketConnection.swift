package import NIOCore
internal import Synchronization

/// A WebSocket after its handshake, on either side.
///
/// Messages come whole and in order; one task may read at a time, any number may write. Pings are answered and the
/// close handshake is done for the owner. Writing waits while the peer does not read.
package final class WebSocketConnection: Sendable {
    private let link: any StreamLink
    private let seenClose = Mutex<WebSocketClose?>(nil)

    init(link: any StreamLink) { self.link = link }

    /// The next message; nil once the peer has closed.
    /// - Throws: `HTTPTransportError.protocolViolation` when the peer breaks the framing or sends too long a message.
    package func receive() async throws -> WebSocketMessage? {
        switch try await link.nextFrame() {
        case .message(let message): return message
        case .close(let close):
            seenClose.withLock { $0 = close }
            return nil
        case nil: return nil
        case .bytes, .ping: throw HTTPTransportError.protocolViolation("raw bytes on a websocket")
        }
    }

    /// The peer's close frame, once `receive` has returned nil; nil if the connection just ended.
    package var closeReceived: WebSocketClose? { seenClose.withLock { $0 } }

    package func send(_ message: WebSocketMessage) async throws { try await link.sendFrame(.message(message)) }
    /// Several messages in one go.
    package func send(contentsOf messages: [WebSocketMessage]) async throws {
        try await link.sendFrames(messages.map { .message($0) })
    }
    package func send(text: String) async throws { try await send(.text(text)) }
    package func send(binary: ByteBuffer) async throws { try await send(.binary(binary)) }
    package func send(binary bytes: [UInt8]) async throws { try await send(.binary(bytes)) }
    package func ping() async throws { try await link.sendFrame(.ping) }

    /// Starts the close handshake; safe to call more than once. The connection ends within three seconds whatever the
    /// peer does.
    package func close(_ close: WebSocketClose = .normal) async {
        try? await link.sendFrame(.close(close))  // A connection that is gone needs no close frame.
    }

    /// The same for a peer that does not read what is sent: does not wait for it.
    package func closeWithoutWaiting(_ close: WebSocketClose) { link.sendWithoutWaiting(.close(close)) }

    /// Returns when the connection has ended.
    package func waitUntilClosed() async {
        try? await link.channel.closeFuture.get()  // closeFuture never fails.
    }

    /// Cuts the connection without a handshake.
    package func abort() { link.channel.close(promise: nil) }
}

/// Iterates messages until the peer closes.
extension WebSocketConnection: AsyncSequence {
    package struct AsyncIterator: AsyncIteratorProtocol {
        let connection: WebSocketConnection
        package mutating func next() async throws -> WebSocketMessage? { try await connection.receive() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(connection: self) }
}

/// Plain bytes both ways after an HTTP upgrade; each direction can be closed on its own.
package final class RawConnection: Sendable {
    private let link: any StreamLink

    init(link: any StreamLink) { self.link = link }

    /// The next bytes (at most 64 KiB or so at a time); nil when the peer has closed its direction.
    package func receive() async throws -> ByteBuffer? {
        switch try await link.nextFrame() {
        case .bytes(let bytes): return bytes
        case nil: return nil
        default: throw HTTPTransportError.protocolViolation("frames on a raw connection")
        }
    }

    package func send(_ bytes: ByteBuffer) async throws { try await link.sendFrame(.bytes(bytes)) }
    package func send(_ bytes: [UInt8]) async throws { try await send(ByteBuffer(bytes: bytes)) }

    /// Says that no more bytes come from here; reading goes on.
    package func closeOutput() async throws { try await link.closeOutput() }

    /// Ends both directions at once; safe to call more than once.
    package func abort() { link.channel.close(promise: nil) }
}
