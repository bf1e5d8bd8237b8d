package import Foundation
package import NIOCore
internal import NIOFoundationCompat
internal import Synchronization

/// The body of a message being received: read once, by one task, in chunks as they come.
package final class IncomingBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    private struct State {
        var finished: Bool
        var receivedBytes = 0
        var limitBytes: Int
    }

    private let state: Mutex<State>
    private let nextChunk: @Sendable () async throws -> ByteBuffer?
    private let onFirstRead: Mutex<(@Sendable () async throws -> Void)?>

    /// Length the peer announced; nil for a chunked body.
    package let contentLength: Int?

    /// - Parameters:
    ///   - limitBytes: Reading beyond this throws `bodyTooLarge`.
    ///   - onFirstRead: Called before the first chunk is awaited (a server sends `100 Continue` there).
    ///   - nextChunk: Gives the next chunk, nil at the end.
    init(
        contentLength: Int?, limitBytes: Int, onFirstRead: (@Sendable () async throws -> Void)? = nil,
        nextChunk: @escaping @Sendable () async throws -> ByteBuffer?
    ) {
        self.contentLength = contentLength
        self.nextChunk = nextChunk
        self.onFirstRead = Mutex(onFirstRead)
        state = Mutex(State(finished: false, limitBytes: limitBytes))
    }

    /// A body that is already here.
    package init(_ buffer: ByteBuffer) {
        let rest = OnceBox(buffer.readableBytes > 0 ? buffer : nil)
        contentLength = buffer.readableBytes
        onFirstRead = Mutex(nil)
        nextChunk = { rest.take() }
        state = Mutex(State(finished: false, limitBytes: .max))
    }

    /// Whether the end has been read.
    package var isFinished: Bool { state.withLock { $0.finished } }

    /// Raises or lowers how much may be read in all; for routes that take more or less than the default.
    package func limit(toBytes limit: Int) { state.withLock { $0.limitBytes = limit } }

    /// The next chunk; nil at the end.
    /// - Throws: `HTTPTransportError.bodyTooLarge`, `.bodyTruncated` when the peer went away.
    package func next() async throws -> ByteBuffer? {
        if isFinished { return nil }
        if let announce = onFirstRead.withLock({ take in
            defer { take = nil }
            return take
        }) {
            try await announce()
        }
        guard let chunk = try await nextChunk() else {
            state.withLock { $0.finished = true }
            return nil
        }
        let exceeded = state.withLock { state -> Int? in
            state.receivedBytes += chunk.readableBytes
            return state.receivedBytes > state.limitBytes ? state.limitBytes : nil
        }
        if let exceeded { throw HTTPTransportError.bodyTooLarge(limitBytes: exceeded) }
        return chunk
    }

    /// The whole body in memory.
    /// - Throws: `HTTPTransportError.bodyTooLarge` beyond `limit` bytes.
    package func collect(upTo limit: Int) async throws -> ByteBuffer {
        if let contentLength, contentLength > limit { throw HTTPTransportError.bodyTooLarge(limitBytes: limit) }
        var whole = ByteBuffer()
        while let chunk = try await next() {
            guard whole.readableBytes + chunk.readableBytes <= limit else {
                throw HTTPTransportError.bodyTooLarge(limitBytes: limit)
            }
            if whole.readableBytes == 0 { whole = chunk } else { whole.writeImmutableBuffer(chunk) }
        }
        return whole
    }

    /// The whole body as Foundation's type, for decoders.
    package func collectData(upTo limit: Int) async throws -> Data {
        Data(buffer: try await collect(upTo: limit))
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        let body: IncomingBody
        package mutating func next() async throws -> ByteBuffer? { try await body.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }
}

/// Holds one buffer until it is taken.
private final class OnceBox: Sendable {
    private let content: Mutex<ByteBuffer?>

    init(_ content: ByteBuffer?) { self.content = Mutex(content) }

    func take() -> ByteBuffer? {
        content.withLock { value in
            defer { value = nil }
            return value
        }
    }
}

/// The body of a message to be sent.
package enum OutgoingBody: Sendable {
    case none
    case bytes(ByteBuffer)
    /// Written as it is made; `length` is announced when known, otherwise the body is chunked.
    case stream(length: Int?, write: @Sendable (BodyWriter) async throws -> Void)

    package static func data(_ data: Data) -> OutgoingBody { .bytes(ByteBuffer(data: data)) }
    package static func string(_ string: String) -> OutgoingBody { .bytes(ByteBuffer(string: string)) }
    package static func bytes(_ bytes: [UInt8]) -> OutgoingBody { .bytes(ByteBuffer(bytes: bytes)) }

    /// Length to announce; nil for a chunked body.
    var length: Int? {
        switch self {
        case .none: 0
        case .bytes(let buffer): buffer.readableBytes
        case .stream(let length, _): length
        }
    }
}

/// Where a streamed body goes. Writing waits while the peer does not read.
package final class BodyWriter: Sendable {
    private let sink: @Sendable (ByteBuffer) async throws -> Void
    private let written = Mutex(0)

    package init(sink: @escaping @Sendable (ByteBuffer) async throws -> Void) { self.sink = sink }

    package func write(_ buffer: ByteBuffer) async throws {
        guard buffer.readableBytes > 0 else { return }
        written.withLock { $0 += buffer.readableBytes }
        try await sink(buffer)
    }

    package func write(_ bytes: [UInt8]) async throws { try await write(ByteBuffer(bytes: bytes)) }
    package func write(_ data: Data) async throws { try await write(ByteBuffer(data: data)) }
    package func write(_ string: String) async throws { try await write(ByteBuffer(string: string)) }

    /// Bytes written so far.
    package var writtenBytes: Int { written.withLock { $0 } }
}
