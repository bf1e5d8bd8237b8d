import LXDAPI
import Synchronization

/// What is being done to an instance while its lock is held; the name stands in the message to others.
package enum InstanceAction: String, Sendable, Hashable {
    case create, start, stop, restart, restore, update, delete, rename, snapshot, copy, backup
}

/// One lock for each key, held by one task at a time.
///
/// Lock order, outermost first: instance, volume, network, transaction. Waiting ends with the caller's cancellation
/// and after `patience`, with the name of what was waited for.
package final class KeyedLocks<Key: Hashable & Sendable>: Sendable {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }
    private struct Slot {
        var action: InstanceAction
        var waiters: [Waiter] = []
    }
    private struct State {
        var slots: [Key: Slot] = [:]
        var nextID: UInt64 = 0
    }
    private let state = Mutex(State())
    private let patience: Duration

    package init(patience: Duration = .seconds(30)) {
        self.patience = patience
    }

    /// What the key is locked for now.
    package func holder(_ key: Key) -> InstanceAction? {
        state.withLock { $0.slots[key]?.action }
    }

    /// Runs `body` while no other task holds the key.
    ///
    /// - Throws: `conflict` naming what holds the key when it is still held after the time of patience.
    package func with<Result: Sendable>(
        _ key: Key, _ action: InstanceAction, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await acquire(key, action)
        defer { release(key) }
        return try await body()
    }

    private func acquire(_ key: Key, _ action: InstanceAction) async throws {
        let id: UInt64? = state.withLock { state in
            guard state.slots[key] != nil else {
                state.slots[key] = Slot(action: action)
                return nil
            }
            state.nextID += 1
            return state.nextID
        }
        guard let id else { return }
        let timer = Task {
            try await Task.sleep(for: patience)
            giveUp(key, id)
        }
        defer { timer.cancel() }
        let isHeld = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    guard state.slots[key] != nil else {
                        state.slots[key] = Slot(action: action)
                        return true
                    }
                    state.slots[key]?.waiters.append(Waiter(id: id, continuation: continuation))
                    return false
                }
                if isFree { continuation.resume(returning: true) } else if Task.isCancelled { giveUp(key, id) }
            }
        } onCancel: {
            giveUp(key, id)
        }
        guard isHeld else {
            try Task.checkCancellation()
            throw LXDError.conflict("Instance is busy running a \"\(holder(key)?.rawValue ?? action.rawValue)\" operation")
        }
        state.withLock { $0.slots[key]?.action = action }
    }

    private func giveUp(_ key: Key, _ id: UInt64) {
        let continuation = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let index = state.slots[key]?.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.slots[key]?.waiters.remove(at: index).continuation
        }
        continuation?.resume(returning: false)
    }

    /// Hands the key to the one who has waited longest.
    private func release(_ key: Key) {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard state.slots[key]?.waiters.isEmpty == false else {
                state.slots[key] = nil
                return nil
            }
            return state.slots[key]?.waiters.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
