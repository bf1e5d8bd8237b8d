internal import CLXDLinux
internal import Glibc
internal import Synchronization

/// Own threads for calls that block; the cooperative pool has only as many as there are cores.
///
/// Threads are started as work comes, up to a bound, and end after ten idle seconds. Work beyond the bound waits its turn.
package final class BlockingPool: Sendable {
    /// The pool of the process for calls with no pool of their own.
    package static let shared = BlockingPool(threadCountMax: 64)

    private struct State {
        var queue: [@Sendable () -> Void] = []
        var head = 0
        var threadCount = 0
        var idleCount = 0
    }

    private let threadCountMax: Int
    // SAFETY: pthread objects may be used from every thread.
    private nonisolated(unsafe) let lock: UnsafeMutablePointer<pthread_mutex_t>
    private nonisolated(unsafe) let condition: UnsafeMutablePointer<pthread_cond_t>
    // SAFETY: read and written only while `lock` is held.
    private nonisolated(unsafe) var state = State()

    package init(threadCountMax: Int) {
        self.threadCountMax = max(1, threadCountMax)
        lock = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(lock)
        condition.deallocate()
        lock.deallocate()
    }

    /// Runs `body` on a thread of the pool and waits for its result without holding the caller's thread.
    ///
    /// Is not cancelled: a blocking call has to end by its own deadline.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    /// The same for work that cannot fail.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: body()) }
        }
    }

    /// Runs `work` some time on a thread of the pool.
    package func submit(_ work: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(lock)
        state.queue.append(work)
        let waiting = state.queue.count - state.head
        if state.idleCount >= waiting {
            pthread_cond_signal(condition)
        } else if state.threadCount < threadCountMax {
            state.threadCount += 1
            if !startThread() { state.threadCount -= 1 }
        }
        pthread_mutex_unlock(lock)
    }

    private func startThread() -> Bool {
        startDetachedThread(stackBytes: 1 << 20) { [self] in work() }
    }

    private func work() {
        pthread_mutex_lock(lock)
        while true {
            if state.head < state.queue.count {
                let next = state.queue[state.head]
                state.head += 1
                if state.head == state.queue.count {
                    state.queue.removeAll(keepingCapacity: state.queue.capacity <= 256)
                    state.head = 0
                }
                pthread_mutex_unlock(lock)
                next()
                pthread_mutex_lock(lock)
                continue
            }
            var deadline = timespec()
            clock_gettime(CLOCK_REALTIME, &deadline)
            deadline.tv_sec += 10
            state.idleCount += 1
            let result = pthread_cond_timedwait(condition, lock, &deadline)
            state.idleCount -= 1
            if result == ETIMEDOUT && state.head == state.queue.count { break }
        }
        state.threadCount -= 1
        pthread_mutex_unlock(lock)
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Starts a detached thread with all signals blocked; false when the system gives none.
func startDetachedThread(stackBytes: Int, _ body: @escaping @Sendable () -> Void) -> Bool {
    let box = Unmanaged.passRetained(ThreadBody(body))
    let result = clxd_start_thread(threadEntry, box.toOpaque(), stackBytes)
    if result != 0 { box.release() }
    return result == 0
}

private func threadEntry(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}
