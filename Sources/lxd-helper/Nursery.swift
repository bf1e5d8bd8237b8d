import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Forks a helper a request from a process that is loaded already.
///
/// It reads which subcommand is wanted and hands the descriptors on; plans are read by the new process alone, so that
/// nothing about one container is in the memory of the helper of another.
enum Nursery {
    /// Milliseconds without a request after which it ends; lxd starts another when it needs one.
    private static let idleMax: Int32 = 300_000

    /// What a new process does.
    enum Wish {
        case run(subcommand: String)
        case end
    }

    /// Serves requests until lxd is gone or needs nothing for a while; returns in every new process with its work.
    static func serve() -> Wish {
        _ = clxd_set_cloexec(HelperDescriptor.control, 1)
        clxd_ignore_interrupts()
        while true {
            var waiting = pollfd(fd: HelperDescriptor.control, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, idleMax)
            // Before anything else is called: reaping has an errno of its own.
            let isInterrupted = ready < 0 && errno == EINTR
            reap()
            if isInterrupted { continue }
            guard ready > 0 else { return .end }
            var bytes = [UInt8](repeating: 0, count: HelperDescriptor.messageSizeMax)
            var descriptors = [Int32](repeating: -1, count: Int(CLXD_DESCRIPTORS_MAX))
            var count = Int32(descriptors.count)
            let size = bytes.withUnsafeMutableBytes {
                clxd_receive_descriptors(HelperDescriptor.control, $0.baseAddress, $0.count, &descriptors, &count, 0)
            }
            guard size > 0, let birth = try? HelperBirth(packed: Array(bytes[..<size])), birth.numbers.count == Int(count)
            else { return .end }
            let received = Array(descriptors[..<Int(count)])
            let child = fork()
            if child == 0 {
                place(received, as: birth.numbers)
                return .run(subcommand: birth.subcommand)
            }
            for descriptor in received { close(descriptor) }
            answer(child)
        }
    }

    private static func answer(_ child: pid_t) {
        guard child > 0 else {
            ControlSocket.send(.failed(HelperFailure(step: "start a helper", number: errno)))
            return
        }
        // Not reaped yet, so it is this one.
        let pidfd = clxd_pidfd_open(child, 0)
        ControlSocket.send(.started(pid: child), descriptors: pidfd >= 0 ? [pidfd] : [])
        if pidfd >= 0 { close(pidfd) }
    }

    private static func reap() { while waitpid(-1, nil, WNOHANG) > 0 {} }

    /// Gives the new process the descriptors under their numbers and nothing else of ours.
    private static func place(_ received: [Int32], as numbers: [Int32]) {
        clxd_restore_interrupts()
        setsid()
        let first = max(HelperDescriptor.connection, numbers.max() ?? 0, received.max() ?? 0) + 1
        let moved = received.map { clxd_fcntl_dupfd($0, first) }
        for number in Int32(0)..<first { close(number) }
        for (descriptor, number) in zip(moved, numbers) { dup2(descriptor, number) }
        for number in Int32(0)...2 where !numbers.contains(number) {
            let null = open("/dev/null", O_RDWR)
            if null >= 0 && null != number {
                dup2(null, number)
                close(null)
            }
        }
        _ = clxd_close_range(UInt32(first), .max, 0)
    }
}
