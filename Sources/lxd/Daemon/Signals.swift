import Glibc

/// The signals that end the daemon.
enum Signals {
    enum Wish: Sendable {
        /// Containers go on running.
        case leave
        /// The machine goes down: containers are stopped in order.
        case powerOff
    }

    // SAFETY: written once in `stream()`, before the handler that reads it is set.
    nonisolated(unsafe) private static var writingEnd: CInt = -1

    /// What is asked for, in order. Call once.
    static func stream() -> AsyncStream<Wish> {
        var ends: [CInt] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { return AsyncStream { $0.finish() } }
        let (reading, writing) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        writingEnd = writing
        // A handler may only call what is safe in one: it writes the signal's number to a pipe.
        for number in [SIGTERM, SIGINT, SIGQUIT, SIGPWR] {
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(Signals.writingEnd, &byte, 1)
            }
        }
        signal(SIGPIPE, SIG_IGN)
        return AsyncStream { continuation in
            Self.startThread {
                var byte: UInt8 = 0
                while true {
                    let count = read(reading, &byte, 1)
                    if count == 1 { continuation.yield(Int32(byte) == SIGPWR ? .powerOff : .leave) }
                    if count == 0 || (count < 0 && errno != EINTR) { break }
                }
                continuation.finish()
            }
        }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private static func startThread(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(body))
        let result = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if result == 0 { pthread_detach(thread) } else { box.release() }
    }
}
