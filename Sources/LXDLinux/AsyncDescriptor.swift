internal import CLXDLinux
internal import Glibc
internal import Synchronization
package import SystemPackage

/// A pipe, socket or terminal whose reading and writing wait without holding a thread.
///
/// One task at a time may read, or write: a terminal that goes both ways takes two of these, each with a descriptor of
/// its own.
package final class AsyncDescriptor: Sendable {
    package enum Reading: Sendable {
        case bytes([UInt8])
        /// Nothing is there now.
        case nothing
        /// Nothing will come any more.
        case end
    }

    private struct State {
        var descriptor: FileDescriptor?
        var waiter: (token: UInt64, continuation: CheckedContinuation<Void, Never>)?
        var isInterrupted = false
    }
    private let state: Mutex<State>

    /// Takes over a descriptor and makes it non-blocking.
    package init(adopting descriptor: consuming OwnedDescriptor) throws(Errno) {
        let flags = try check(clxd_fcntl_getfl(descriptor.rawValue))
        try check(clxd_fcntl_setfl(descriptor.rawValue, flags | O_NONBLOCK))
        state = Mutex(State(descriptor: descriptor.release()))
    }

    deinit {
        if let descriptor = state.withLock({ $0.descriptor }) { _ = Glibc.close(descriptor.rawValue) }
    }

    /// Reads what is there, at most `limit` bytes, without waiting.
    package func readNow(limit: Int) throws(Errno) -> Reading {
        try state.withLock { (state) throws(Errno) -> Reading in
            guard let descriptor = state.descriptor else { return .end }
            var failure: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
                let result = Glibc.read(descriptor.rawValue, buffer.baseAddress, limit)
                if result < 0 { failure = clxd_errno() }
                count = max(0, result)
            }
            switch failure {
            case 0: return bytes.isEmpty ? .end : .bytes(bytes)
            case EAGAIN, EINTR: return .nothing
            // A terminal whose last user has gone.
            case EIO: return .end
            default: throw Errno(rawValue: failure)
            }
        }
    }

    /// Waits for bytes; nil at the end, when interrupted with nothing there, or when cancelled.
    package func read(limit: Int = 64 << 10) async throws -> [UInt8]? {
        while true {
            switch try readNow(limit: limit) {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .nothing: break
            }
            if state.withLock({ $0.isInterrupted }) || Task.isCancelled { return nil }
            await wait(UInt32(CLXD_EPOLLIN))
        }
    }

    /// Writes all bytes, waiting as long as the other side does not read.
    /// - Throws: `Errno.brokenPipe` when nobody will read; `CancellationError`.
    package func write(_ bytes: [UInt8]) async throws {
        var offset = 0
        while offset < bytes.count {
            let result = state.withLock { state -> Int in
                guard let descriptor = state.descriptor else { return -Int(EPIPE) }
                let count = bytes[offset...].withUnsafeBytes {
                    Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count)
                }
                return count < 0 ? -Int(clxd_errno()) : count
            }
            if result > 0 { offset += result }
            if result == -Int(EAGAIN) {
                try Task.checkCancellation()
                if state.withLock({ $0.isInterrupted }) { throw Errno.brokenPipe }
                await wait(UInt32(CLXD_EPOLLOUT))
            } else if result < 0 && result != -Int(EINTR) {
                throw Errno(rawValue: Int32(-result))
            }
        }
    }

    /// Sets the window of a terminal.
    package func resize(rows: Int, columns: Int) throws(Errno) {
        try state.withLock { (state) throws(Errno) in
            guard let descriptor = state.descriptor else { return }
            try PseudoTerminal.resize(descriptor, rows: rows, columns: columns)
        }
    }

    /// Lets the task that waits go, now and later: what is there can still be read.
    package func interrupt() {
        state.withLock { $0.isInterrupted = true }
        wake()
    }

    /// Closes; safe to call more than once.
    package func close() {
        wake()
        let descriptor = state.withLock { state in
            defer { state.descriptor = nil }
            return state.descriptor
        }
        if let descriptor { _ = Glibc.close(descriptor.rawValue) }
    }

    private func wait(_ events: UInt32) async {
        let token = ReadinessWatcher.shared.newToken()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWaiting = state.withLock { state in
                    guard let descriptor = state.descriptor, !state.isInterrupted, !Task.isCancelled,
                        state.waiter == nil,
                        ReadinessWatcher.shared.watch(descriptor, events, token, self)
                    else { return false }
                    state.waiter = (token, continuation)
                    return true
                }
                if !isWaiting { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }

    /// Ends the wait of `token`, or whichever there is.
    fileprivate func wake(_ token: UInt64? = nil) {
        let waiter = state.withLock { state -> (token: UInt64, continuation: CheckedContinuation<Void, Never>)? in
            guard let waiter = state.waiter, token == nil || waiter.token == token else { return nil }
            state.waiter = nil
            if let descriptor = state.descriptor { ReadinessWatcher.shared.forget(descriptor, waiter.token) }
            return waiter
        }
        waiter?.continuation.resume()
    }
}

/// One thread that waits for all descriptors.
private final class ReadinessWatcher: Sendable {
    static let shared = ReadinessWatcher()

    private struct State {
        var waiting: [UInt64: AsyncDescriptor] = [:]
        var next: UInt64 = 0
        var isRunning = false
    }
    private let epoll: Int32
    private let state = Mutex(State())

    private init() { epoll = clxd_epoll_create() }

    func newToken() -> UInt64 {
        state.withLock { state in
            state.next += 1
            return state.next
        }
    }

    func watch(_ descriptor: FileDescriptor, _ events: UInt32, _ token: UInt64, _ owner: AsyncDescriptor) -> Bool {
        let start = state.withLock { state in
            state.waiting[token] = owner
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if start, !startDetachedThread(stackBytes: 256 << 10, { [self] in loop() }) {
            state.withLock { $0.isRunning = false }
            return false
        }
        if clxd_epoll_add(epoll, descriptor.rawValue, events | CLXD_EPOLLONESHOT, token) >= 0 { return true }
        state.withLock { _ = $0.waiting.removeValue(forKey: token) }
        return false
    }

    func forget(_ descriptor: FileDescriptor, _ token: UInt64) {
        state.withLock { _ = $0.waiting.removeValue(forKey: token) }
        _ = clxd_epoll_remove(epoll, descriptor.rawValue)
    }

    private func loop() {
        while true {
            var token: UInt64 = 0
            guard clxd_epoll_wait_one(epoll, -1, &token) > 0 else { continue }
            state.withLock { $0.waiting[token] }?.wake(token)
        }
    }
}

extension AsyncDescriptor {
    /// Both directions of a socket or terminal; takes over the descriptor.
    package static func bothWays(owning descriptor: FileDescriptor) throws(Errno) -> (
        reading: AsyncDescriptor, writing: AsyncDescriptor
    ) {
        let owned = OwnedDescriptor(adopting: descriptor)
        let second = try owned.duplicate()
        return (try AsyncDescriptor(adopting: owned), try AsyncDescriptor(adopting: second))
    }
}

/// A pipe between us and a process: its end is a plain descriptor until the process has it, ours waits without a thread.
package final class ProcessPipe: Sendable {
    package enum Direction: Sendable {
        case toProcess, fromProcess
    }

    /// Our end.
    package let stream: AsyncDescriptor
    private let far: Mutex<FileDescriptor?>

    package init(_ direction: Direction) throws(Errno) {
        var reading: Int32 = -1
        var writing: Int32 = -1
        try check(clxd_pipe(&reading, &writing, 0))
        let (near, other) = direction == .toProcess ? (writing, reading) : (reading, writing)
        far = Mutex(FileDescriptor(rawValue: other))
        stream = try AsyncDescriptor(adopting: OwnedDescriptor(adopting: FileDescriptor(rawValue: near)))
    }

    deinit { closeFarEnd() }

    /// The end for the process, borrowed; nil once closed.
    package var farEnd: FileDescriptor? { far.withLock { $0 } }

    /// Closes our copy of the process's end, once the process has its own.
    package func closeFarEnd() {
        let descriptor = far.withLock { far in
            defer { far = nil }
            return far
        }
        if let descriptor { _ = Glibc.close(descriptor.rawValue) }
    }
}
