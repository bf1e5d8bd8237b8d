import Glibc
import LXDLinux
import Synchronization

/// How full a filesystem is.
struct FilesystemReading: Sendable {
    let sizeBytes: UInt64
    let freeBytes: UInt64
    let availableBytes: UInt64
}

/// Asks filesystems how full they are. One that does not answer, say of a dead file server, is left out and not asked
/// again until it has.
final class FilesystemSpace: Sendable {
    private static let patience = Duration.seconds(2)
    private let pool = BlockingPool(threadCountMax: 4)
    private let asked = Mutex<Set<String>>([])

    /// - Returns: Nil for a path that is not there, or does not answer.
    func reading(of path: String) async -> FilesystemReading? {
        guard asked.withLock({ $0.insert(path).inserted }) else { return nil }
        let answer = AnswerOnce()
        pool.submit { [self] in
            let reading = Self.read(path)
            asked.withLock { _ = $0.remove(path) }
            answer.give(reading)
        }
        let timer = Task {
            try await Task.sleep(for: Self.patience)
            answer.give(nil)
        }
        defer { timer.cancel() }
        return await answer.wait()
    }

    private static func read(_ path: String) -> FilesystemReading? {
        var space = statvfs()
        guard statvfs(path, &space) == 0 else { return nil }
        let block = UInt64(space.f_frsize)
        return FilesystemReading(
            sizeBytes: UInt64(space.f_blocks) &* block, freeBytes: UInt64(space.f_bfree) &* block,
            availableBytes: UInt64(space.f_bavail) &* block)
    }
}

/// One answer for one who waits; later ones are dropped.
private final class AnswerOnce: Sendable {
    private struct State {
        var answer: FilesystemReading??
        var waiter: CheckedContinuation<FilesystemReading?, Never>?
    }

    private let state = Mutex(State())

    func give(_ answer: FilesystemReading?) {
        let waiter = state.withLock { state in
            guard state.answer == nil else { return CheckedContinuation<FilesystemReading?, Never>?.none }
            state.answer = .some(answer)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: answer)
    }

    func wait() async -> FilesystemReading? {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> FilesystemReading?? in
                if state.answer == nil { state.waiter = continuation }
                return state.answer
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
