internal import Synchronization

/// One listener's queue of events, encoded as JSON lines. Bounded: at the bound the listener is let go.
package final class EventSubscription: Sendable {
    /// Why there are no more events.
    package enum End: Sendable, Equatable {
        case unsubscribed
        case shutdown
        /// The listener read too slowly and has lost events from here on.
        case overflow
    }

    private struct State {
        var queue: [[UInt8]] = []
        var queuedBytes = 0
        var end: End?
        var waiter: CheckedContinuation<Void, Never>?
        var endWaiter: CheckedContinuation<Void, Never>?

        /// Whoever waits for an event, or for the end once it has come.
        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            var waiters = [waiter].compactMap { $0 }
            waiter = nil
            if end != nil, let endWaiter {
                waiters.append(endWaiter)
                self.endWaiter = nil
            }
            return waiters
        }
    }

    package let types: Set<String>
    /// Nil hears all projects.
    package let project: String?
    private let state = Mutex(State())
    private let queueMax: Int
    private let queuedBytesMax: Int

    /// - Parameters:
    ///   - queueMax: Most events that may wait to be read.
    ///   - queuedBytesMax: Most bytes of them.
    package init(types: Set<String>, project: String?, queueMax: Int = 1000, queuedBytesMax: Int = 1 << 20) {
        self.types = types
        self.project = project
        self.queueMax = queueMax
        self.queuedBytesMax = queuedBytesMax
    }

    /// Most events that are taken from the queue at once: what has been taken does not count against its bounds.
    private static let batchMax = 64

    /// Events since the last call, at least one; nil at the end. One task may wait at a time.
    package func next() async -> [[UInt8]]? {
        while true {
            let (batch, ended) = state.withLock { state in
                let batch = Array(state.queue.prefix(Self.batchMax))
                state.queue.removeFirst(batch.count)
                for event in batch { state.queuedBytes -= event.count }
                return (batch, state.end != nil)
            }
            if !batch.isEmpty { return batch }
            if ended || Task.isCancelled { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in wait(continuation) }
            } onCancel: {
                wake()
            }
        }
    }

    /// Why the stream ended; nil while it goes on.
    package var end: End? { state.withLock { $0.end } }

    /// Waits until there are no more events to come; events may still wait to be read. One task may wait at a time.
    package func waitForEnd() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.end == nil, !Task.isCancelled else { return true }
                    state.endWaiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                defer { state.endWaiter = nil }
                return state.endWaiter
            }?.resume()
        }
    }

    /// - Returns: False when the listener is to be let go.
    func offer(_ event: [UInt8]) -> Bool {
        let (taken, waiters) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            guard state.end == nil else { return (false, []) }
            if state.queue.count >= queueMax || state.queuedBytes + event.count > queuedBytesMax {
                state.end = .overflow
            } else {
                state.queue.append(event)
                state.queuedBytes += event.count
            }
            return (state.end == nil, state.takeWaiters())
        }
        for waiter in waiters { waiter.resume() }
        return taken
    }

    func end(_ reason: End) {
        let waiters = state.withLock { state in
            if state.end == nil { state.end = reason }
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    private func wait(_ continuation: CheckedContinuation<Void, Never>) {
        let ready = state.withLock { state in
            guard state.queue.isEmpty, state.end == nil, !Task.isCancelled else { return true }
            state.waiter = continuation
            return false
        }
        if ready { continuation.resume() }
    }

    private func wake() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
