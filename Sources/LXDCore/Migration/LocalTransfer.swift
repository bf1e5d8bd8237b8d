import LXDAPI
import LXDStorage
import Synchronization

/// Contents from one pool of this server to another, or to a volume of the same pool that is brought up to date: the
/// same exchange as between servers, over memory.
enum LocalTransfer {
    static func run(
        from source: any PoolDriver, _ outgoing: OutgoingTransfer, to target: any PoolDriver,
        _ incoming: IncomingTransfer,
        _ report: TransferReport
    ) async throws {
        let (near, far) = JoinedChannel.pair()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await source.send(outgoing, over: near) { _ in } }
            group.addTask { try await target.receive(incoming, over: far) { report($0) } }
            do {
                while try await group.next() != nil {}
            } catch {
                near.cut()
                group.cancelAll()
                throw error
            }
        }
    }

    /// The best that both pools can.
    static func method(from source: any PoolDriver, to target: any PoolDriver, isRefresh: Bool) throws -> TransferMethod
    {
        var offer = MigrationHeader()
        MigrationFormats(source.transferMethods, poolConfig: [:]).offer(in: &offer)
        // Nothing is gained by compressing what stays in memory.
        return try MigrationFormats(target.transferMethods, poolConfig: ["rsync.compression": "false"])
            .choose(from: offer, isRefresh: isRefresh)
    }
}

/// One end of a connection within the process. What is written waits, within bounds, until the other end reads it.
final class JoinedChannel: TransferChannel {
    private let incoming: Pipe
    private let outgoing: Pipe

    private init(incoming: Pipe, outgoing: Pipe) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    static func pair() -> (JoinedChannel, JoinedChannel) {
        let (one, other) = (Pipe(), Pipe())
        return (JoinedChannel(incoming: one, outgoing: other), JoinedChannel(incoming: other, outgoing: one))
    }

    func read() async throws -> [UInt8]? { try await incoming.take() }
    func write(_ bytes: [UInt8]) async throws { if !bytes.isEmpty { try await outgoing.put(bytes) } }
    func finish() async throws { try await outgoing.put(nil) }

    /// Ends both directions: whoever waits, throws.
    func cut() {
        incoming.cut()
        outgoing.cut()
    }

    /// One direction: chunks, and nil where a stream ends.
    private final class Pipe: Sendable {
        private static let chunksMax = 16

        private struct State {
            var chunks: [[UInt8]?] = []
            var isCut = false
            var reader: CheckedContinuation<Void, Never>?
            var writer: CheckedContinuation<Void, Never>?
        }
        private let state = Mutex(State())

        func put(_ chunk: [UInt8]?) async throws {
            while true {
                let (isDone, reader) = try state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
                    guard !state.isCut else { throw LXDError.internalError("The transfer was ended by the other side") }
                    guard state.chunks.count < Self.chunksMax else { return (false, nil) }
                    state.chunks.append(chunk)
                    defer { state.reader = nil }
                    return (true, state.reader)
                }
                reader?.resume()
                if isDone { return }
                try await wait(\.writer) { $0.chunks.count >= Self.chunksMax }
            }
        }

        func take() async throws -> [UInt8]? {
            while true {
                let (found, writer) = try state.withLock { state -> ([UInt8]??, CheckedContinuation<Void, Never>?) in
                    guard !state.chunks.isEmpty else {
                        guard !state.isCut else {
                            throw LXDError.internalError("The transfer was ended by the other side")
                        }
                        return (nil, nil)
                    }
                    defer { state.writer = nil }
                    return (.some(state.chunks.removeFirst()), state.writer)
                }
                writer?.resume()
                if let found { return found }
                try await wait(\.reader) { $0.chunks.isEmpty }
            }
        }

        func cut() {
            let waiting = state.withLock { state in
                state.isCut = true
                defer { (state.reader, state.writer) = (nil, nil) }
                return [state.reader, state.writer]
            }
            for continuation in waiting { continuation?.resume() }
        }

        private func wait(
            _ place: any WritableKeyPath<State, CheckedContinuation<Void, Never>?> & Sendable,
            while isBlocked: @Sendable (State) -> Bool
        ) async throws {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let goesOn = state.withLock { state in
                        guard isBlocked(state), !state.isCut, !Task.isCancelled else { return true }
                        state[keyPath: place] = continuation
                        return false
                    }
                    if goesOn { continuation.resume() }
                }
            } onCancel: {
                let waiting = state.withLock { state in
                    defer { state[keyPath: place] = nil }
                    return state[keyPath: place]
                }
                waiting?.resume()
            }
            try Task.checkCancellation()
        }
    }
}
