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

    /// All events since the last call, at least one; nil at the end. One task may wait at a time.
    package func next() async -> [[UInt8]]? {
        while true {
            let (batch, ended) = state.withLock { state in
                defer {
                    state.queue = []
                    state.queuedBytes = 0
                }
                return (state.queue, state.end != nil)
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

    /// - Returns: False when the listener is to be let go.
    func offer(_ event: [UInt8]) -> Bool {
        let (taken, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard state.end == nil else { return (false, nil) }
            if state.queue.count >= queueMax || state.queuedBytes + event.count > queuedBytesMax {
                state.end = .overflow
            } else {
                state.queue.append(event)
                state.queuedBytes += event.count
            }
            defer { state.waiter = nil }
            return (state.end == nil, state.waiter)
        }
        waiter?.resume()
        return taken
    }

    func end(_ reason: End) {
        state.withLock { state in
            if state.end == nil { state.end = reason }
        }
        wake()
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
