internal import LXDAPI
internal import Synchronization

/// A message on an operation's websocket.
package enum OperationMessage: Sendable, Equatable {
    case text([UInt8])
    case binary([UInt8])

    package var bytes: [UInt8] {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes
        }
    }
}

/// One websocket of a client, as the work of an operation uses it. Sending waits while the client does not read.
package protocol OperationSocket: Sendable {
    /// The next message; nil once the client has closed.
    func receive() async throws -> OperationMessage?
    func send(_ message: OperationMessage) async throws
    /// Closes with LXD's normal code; safe to call more than once.
    func close() async
}

/// Where the websockets of one operation meet the work that waits for them. Each secret works once.
final class OperationSockets: Sendable {
    private struct Slot {
        var secret: [UInt8]
        var socket: (any OperationSocket)?
        var isTaken = false
        var waiter: CheckedContinuation<(any OperationSocket)?, Never>?
    }

    private struct State {
        var slots: [String: Slot]
        var isClosed = false
        var leaving: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// - Parameter secrets: By socket name.
    init(secrets: [String: String]) {
        state = Mutex(State(slots: secrets.mapValues { Slot(secret: Array($0.utf8)) }))
    }

    /// Takes a client's websocket by its secret. Compared in constant time; wrong and used secrets look the same.
    func accept(_ socket: any OperationSocket, secret: String) -> Bool {
        let given = Array(secret.utf8)
        let (accepted, waiter) = state.withLock {
            state -> (Bool, CheckedContinuation<(any OperationSocket)?, Never>?) in
            guard !state.isClosed else { return (false, nil) }
            var matching: String?
            for (name, slot) in state.slots where Self.equal(slot.secret, given) { matching = name }
            guard let matching, var slot = state.slots[matching], slot.socket == nil, !slot.isTaken else {
                return (false, nil)
            }
            let waiter = slot.waiter
            slot.waiter = nil
            if waiter == nil { slot.socket = socket }
            slot.isTaken = true
            state.slots[matching] = slot
            return (true, waiter)
        }
        waiter?.resume(returning: socket)
        return accepted
    }

    /// Whether a secret would be taken now.
    func knows(secret: String) -> Bool {
        let given = Array(secret.utf8)
        return state.withLock { state in
            !state.isClosed && state.slots.values.contains { !$0.isTaken && Self.equal($0.secret, given) }
        }
    }

    /// Whether the text is one of the secrets, used or not: it is hidden from views.
    func holds(secret: String) -> Bool {
        let given = Array(secret.utf8)
        return state.withLock { state in state.slots.values.contains { Self.equal($0.secret, given) } }
    }

    /// The websocket of that name, once a client has connected it.
    /// - Throws: `LXDError` when nobody connects in time, or the operation ends.
    func socket(named name: String, within timeout: Duration) async throws -> any OperationSocket {
        let timer = Task { [weak self] in
            try await Task.sleep(for: timeout)
            self?.giveUp(waitingFor: name)
        }
        defer { timer.cancel() }
        let found = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in wait(for: name, continuation) }
        } onCancel: {
            giveUp(waitingFor: name)
        }
        guard let found else {
            try Task.checkCancellation()
            throw LXDError.timeout("Timed out waiting for websockets to connect")
        }
        return found
    }

    /// Returns when the operation is done with its sockets; the route keeps the connection that long.
    func waitUntilClosed() async {
        await withCheckedContinuation { continuation in
            let closed = state.withLock { state in
                if !state.isClosed { state.leaving.append(continuation) }
                return state.isClosed
            }
            if closed { continuation.resume() }
        }
    }

    /// The work has ended: nobody can connect any more and all connections are let go.
    func close() {
        let (waiters, leaving) = state.withLock { state in
            state.isClosed = true
            let waiters = state.slots.values.compactMap(\.waiter)
            for name in state.slots.keys { state.slots[name]?.waiter = nil }
            defer { state.leaving = [] }
            return (waiters, state.leaving)
        }
        for waiter in waiters { waiter.resume(returning: nil) }
        for waiter in leaving { waiter.resume() }
    }

    private func wait(for name: String, _ continuation: CheckedContinuation<(any OperationSocket)?, Never>) {
        let ready = state.withLock { state -> (any OperationSocket)?? in
            guard !state.isClosed, !Task.isCancelled, var slot = state.slots[name], slot.waiter == nil else {
                return .some(nil)
            }
            if let socket = slot.socket {
                slot.socket = nil
                state.slots[name] = slot
                return .some(socket)
            }
            guard !slot.isTaken else { return .some(nil) }
            slot.waiter = continuation
            state.slots[name] = slot
            return nil
        }
        if let ready { continuation.resume(returning: ready) }
    }

    private func giveUp(waitingFor name: String) {
        let waiter = state.withLock { state in
            defer { state.slots[name]?.waiter = nil }
            return state.slots[name]?.waiter
        }
        waiter?.resume(returning: nil)
    }

    private static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
