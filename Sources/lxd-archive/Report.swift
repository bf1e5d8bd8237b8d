import CLXDLinux
import Glibc

/// Lines to whoever started us: `progress READ WRITTEN ENTRIES`, and at the end `done READ WRITTEN ENTRIES` or
/// `error KIND MESSAGE`. A reader that went away ends the work: the next line fails and so does the process.
final class Report {
    private let descriptor: Int32
    private var lastLine = timespec()

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// At most ten lines a second.
    func progress(read: Int64, written: Int64, entries: Int64) throws(Failure) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let milliseconds = (now.tv_sec - lastLine.tv_sec) * 1000 + (now.tv_nsec - lastLine.tv_nsec) / 1_000_000
        guard milliseconds >= 100 else { return }
        lastLine = now
        guard line("progress \(read) \(written) \(entries)") else { throw Failure(.io, "nobody is waiting any more") }
    }

    func done(read: Int64, written: Int64, entries: Int64) {
        _ = line("done \(read) \(written) \(entries)")
    }

    func failed(_ failure: Failure) {
        _ = line("error \(failure.kind.rawValue) \(failure.message)")
    }

    private func line(_ text: String) -> Bool {
        var bytes = Array((text + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }
}

/// A line for people, on standard error.
func say(_ text: String) {
    let bytes = Array(("lxd-archive: " + text + "\n").utf8)
    // Nobody is left to tell when this fails.
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}
