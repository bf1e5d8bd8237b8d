internal import NIOCore
internal import Synchronization

/// Holds a body to its pace. Only time spent waiting for the other side counts, not what the reader does in between.
final class PaceWatch: Sendable {
    private struct State {
        var waited = Duration.zero
        var bytes = 0
        var isLate = false
    }

    private let pace: BodyPace
    private let channel: any Channel
    private let state = Mutex(State())

    init(_ pace: BodyPace, _ channel: any Channel) {
        self.pace = pace
        self.channel = channel
    }

    /// Runs `read`, which gives the next chunk, and closes the connection when that takes too long.
    func next(_ read: () async throws -> ByteBuffer?) async throws -> ByteBuffer? {
        let left = state.withLock { pace.window - $0.waited }
        let begin = ContinuousClock.now
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(left)) { [self] in
            state.withLock { $0.isLate = true }
            channel.close(promise: nil)
        }
        defer { timer.cancel() }
        let chunk: ByteBuffer?
        do {
            chunk = try await read()
        } catch {
            throw state.withLock { $0.isLate } ? WebError.tooSlow : error
        }
        if state.withLock({ $0.isLate }) { throw WebError.tooSlow }
        state.withLock { state in
            state.waited += ContinuousClock.now - begin
            state.bytes += chunk?.readableBytes ?? 0
            if state.bytes >= pace.bytesMin {
                state.waited = .zero
                state.bytes = 0
            }
        }
        return chunk
    }
}
