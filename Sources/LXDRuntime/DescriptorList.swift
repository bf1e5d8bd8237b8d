internal import CLXDLinux
internal import Glibc
internal import LXDLinux
internal import Synchronization
internal import SystemPackage

/// Received descriptors, each given out once; the rest is closed at the end.
final class DescriptorList: Sendable {
    private let list: Mutex<[FileDescriptor?]>

    init(_ descriptors: [FileDescriptor]) { list = Mutex(descriptors) }

    deinit {
        for case let descriptor? in list.withLock({ $0 }) { _ = close(descriptor.rawValue) }
    }

    func take(_ index: Int) -> FileDescriptor? {
        list.withLock { list in
            guard list.indices.contains(index) else { return nil }
            defer { list[index] = nil }
            return list[index]
        }
    }
}

extension FileDescriptor {
    /// Waits until there is something to read or the other end is gone; false when time is up. Blocks.
    func waitReadable(for duration: Duration) throws(Errno) -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + duration
        while true {
            let left = clock.now.duration(to: end)
            guard left > .zero else { return false }
            var waiting = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
            let milliseconds = min(
                left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1, 1_000_000)
            let result = poll(&waiting, 1, Int32(milliseconds))
            if result > 0 { return true }
            if result < 0 {
                let number = clxd_errno()
                if number != EINTR { throw Errno(rawValue: number) }
            }
        }
    }
}

/// Holds the thread; not for the cooperative pool.
func pauseMilliseconds(_ count: UInt32) { usleep(count * 1000) }

func currentProcessID() -> Int32 { getpid() }

/// Signals init to end: the container's own signal for it.
///
/// systemd takes SIGRTMIN+3 and says so by blocking it; others get SIGPWR, as liblxc does it.
func haltSignal(ofInit pid: Int32) -> Int32 {
    let systemd: Int32 = 34 + 3
    guard let text = try? AtomicFile.readText("/proc/\(pid)/status", limit: 1 << 16) else { return SIGPWR }
    for line in text.split(separator: "\n") where line.hasPrefix("SigBlk:") {
        let mask = UInt64(line.dropFirst(7).drop { $0 == "\t" || $0 == " " }, radix: 16) ?? 0
        if mask & (1 << UInt64(systemd - 1)) != 0 { return systemd }
    }
    return SIGPWR
}
