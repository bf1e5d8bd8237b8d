internal import NIOCore
internal import Synchronization

/// Runs a connection's task on the event loop its channel is on: a request then costs no handing over between threads.
///
/// What a handler does before its first wait for something else runs there too, and keeps the loop's other connections
/// waiting meanwhile; there are as many loops as cores, so no core idles for it.
final class LoopExecutor: TaskExecutor {
    /// Kept for ever: tasks refer to their executor without holding it.
    private static let known = Mutex<[ObjectIdentifier: LoopExecutor]>([:])

    private let loop: any EventLoop

    private init(_ loop: any EventLoop) { self.loop = loop }

    static func of(_ loop: any EventLoop) -> LoopExecutor {
        known.withLock { known in
            if let executor = known[ObjectIdentifier(loop)] { return executor }
            let executor = LoopExecutor(loop)
            known[ObjectIdentifier(loop)] = executor
            return executor
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
