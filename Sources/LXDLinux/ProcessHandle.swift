internal import CLXDLinux
internal import Glibc
internal import Synchronization
package import SystemPackage

/// How a process ended.
package enum ProcessExit: Hashable, Sendable {
    /// It left by itself with this status, 0–255.
    case exited(Int32)
    /// A signal ended it.
    case signalled(Int32)
    /// It ended, and how is known to its parent only: it was no child of ours.
    case unknown

    /// The status a shell shows: 128 + n for signal n, 255 when unknown.
    package var shellStatus: Int32 {
        switch self {
        case .exited(let status): status
        case .signalled(let number): 128 + number
        case .unknown: 255
        }
    }
    package var isSuccess: Bool { self == .exited(0) }
}

/// A process known by a pidfd: never another process that got the same number later.
///
/// Children are reaped when they end, whether or not anybody waits, by one thread for all handles of the program.
package final class ProcessHandle: Sendable {
    private struct State {
        var exit: ProcessExit?
        var waiters: [UInt64: CheckedContinuation<ProcessExit?, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    /// The process number; may be another's once this one has ended.
    package let pid: Int32
    private let pidfd: OwnedDescriptor
    private let state = Mutex(State())

    /// Refers to a process by number.
    /// - Throws: `Errno.noSuchProcess` if there is none (any more).
    package convenience init(pid: Int32) throws(Errno) {
        try self.init(pid: pid, pidfd: OwnedDescriptor(result: clxd_pidfd_open(pid, 0)))
    }

    /// Takes over a pidfd of the process `pid`.
    package init(pid: Int32, pidfd: consuming OwnedDescriptor) throws(Errno) {
        self.pid = pid
        self.pidfd = pidfd
        try ProcessWatcher.shared.watch(self)
    }

    /// The pidfd, borrowed.
    package var descriptor: FileDescriptor { pidfd.descriptor }

    /// How it ended, or nil while it runs.
    package var exit: ProcessExit? { state.withLock { $0.exit } }

    /// Sends a signal; a process that has ended is not an error.
    package func signal(_ number: Int32) throws(Errno) {
        let result = clxd_pidfd_send_signal(pidfd.rawValue, number)
        if result == -ESRCH { return }
        try check(result)
    }

    /// Waits for the end; nil if the calling task is cancelled before.
    package func waitOrCancelled() async -> ProcessExit? {
        let ticket = state.withLock { state -> UInt64 in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known: ProcessExit?? = state.withLock { state in
                    if let exit = state.exit { return .some(exit) }
                    if Task.isCancelled { return .some(nil) }
                    state.waiters[ticket] = continuation
                    return .none
                }
                if case .some(let exit) = known { continuation.resume(returning: exit) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume(returning: nil)
        }
    }

    /// Waits for the end, also when the calling task is cancelled.
    package func wait() async -> ProcessExit {
        if let exit { return exit }
        return await Task { await self.waitOrCancelled() }.value ?? .unknown
    }

    /// Waits at most `timeout`; nil when the process still runs then.
    package func wait(timeout: Duration) async -> ProcessExit? {
        if let exit { return exit }
        return await withTaskGroup(of: ProcessExit?.self) { group in
            group.addTask { await self.waitOrCancelled() }
            group.addTask {
                // Cancelled when the process ended first; nobody is left to tell.
                try? await Task.sleep(for: timeout)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? self.exit
        }
    }

    fileprivate func reap() {
        var signalled: Int32 = 0
        var status: Int32 = 0
        let result = clxd_wait_pidfd(pidfd.rawValue, 0, &signalled, &status)
        let exit: ProcessExit
        if result == 1 {
            exit = signalled == 0 ? .exited(status) : .signalled(status)
        } else {
            exit = .unknown
        }
        let waiters = state.withLock { state in
            state.exit = exit
            let waiters = state.waiters.values
            state.waiters = [:]
            return Array(waiters)
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }
}

/// One thread that waits for the end of every watched process.
private final class ProcessWatcher: Sendable {
    static let shared = ProcessWatcher()

    private struct State {
        var handles: [UInt64: ProcessHandle] = [:]
        var next: UInt64 = 0
        var running = false
    }
    private let epoll: Int32
    private let state = Mutex(State())

    private init() { epoll = clxd_epoll_create() }

    func watch(_ handle: ProcessHandle) throws(Errno) {
        try check(epoll)
        let (token, start) = state.withLock { state in
            state.next += 1
            state.handles[state.next] = handle
            let start = !state.running
            state.running = true
            return (state.next, start)
        }
        if start, !startDetachedThread(stackBytes: 256 << 10, { [self] in loop() }) {
            state.withLock {
                $0.running = false
                $0.handles[token] = nil
            }
            throw Errno.resourceTemporarilyUnavailable
        }
        let result = clxd_epoll_add(epoll, handle.descriptor.rawValue, UInt32(CLXD_EPOLLIN) | CLXD_EPOLLONESHOT, token)
        if result < 0 {
            state.withLock { $0.handles[token] = nil }
            throw Errno(rawValue: -result)
        }
    }

    private func loop() {
        while true {
            var token: UInt64 = 0
            guard clxd_epoll_wait_one(epoll, -1, &token) > 0 else { continue }
            guard let handle = state.withLock({ $0.handles.removeValue(forKey: token) }) else { continue }
            _ = clxd_epoll_remove(epoll, handle.descriptor.rawValue)
            handle.reap()
        }
    }
}
