internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// What a finished tool left.
package struct ToolResult: Sendable {
    package var exit: ProcessExit
    /// What it wrote, cut at the request's limit.
    package var output: [UInt8]
    package var errorOutput: [UInt8]
    /// The limit cut something off.
    package var isTruncated: Bool

    package var outputText: String { String(decoding: output, as: UTF8.self) }
    package var errorText: String { String(decoding: errorOutput, as: UTF8.self) }
}

/// Why a tool gave no good result.
package enum ToolError: Error, Sendable, CustomStringConvertible {
    /// The program is not installed.
    case missing(tool: String)
    case cannotStart(tool: String, Errno)
    case deadlineExceeded(tool: String, seconds: Int64)
    case failed(tool: String, ToolResult)

    package var description: String {
        switch self {
        case .missing(let tool): return "The program \"\(tool)\" is not installed"
        case .cannotStart(let tool, let error): return "Cannot start \(tool): \(error)"
        case .deadlineExceeded(let tool, let seconds): return "\(tool) was stopped: it took longer than \(seconds) s"
        case .failed(let tool, let result):
            let text = result.errorText.split(separator: "\n").suffix(3).joined(separator: "; ")
            let status =
                switch result.exit {
                case .exited(let status): "exit status \(status)"
                case .signalled(let number): "signal \(number)"
                case .unknown: "unknown end"
                }
            return text.isEmpty ? "\(tool) failed (\(status))" : "\(tool) failed (\(status)): \(text)"
        }
    }
}

/// Runs programs to their end: argument arrays (no shell), bounded output, a deadline.
package enum ProcessRunner {
    private static let searchPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    /// The absolute path of a program in the system's folders; nil if it is not installed.
    package static func locate(_ tool: String) -> String? {
        if tool.hasPrefix("/") { return access(tool, X_OK) == 0 ? tool : nil }
        for folder in searchPath {
            let path = folder + "/" + tool
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// Runs a program and returns whatever its exit status is.
    ///
    /// - Parameters:
    ///   - tool: Absolute path or the name of a program in the system's folders.
    ///   - input: Bytes for its standard input; empty gives /dev/null.
    ///   - descriptors: Further descriptors (number there -> number here), ≥ 3.
    ///   - outputLimit: Bytes kept of each stream; the rest is read and dropped.
    /// - Throws: `ToolError` when it cannot start or the deadline passes (it is killed then).
    package static func run(
        _ tool: String, _ arguments: [String], input: [UInt8] = [], environment: [String]? = nil,
        workingDirectory: String = "/", descriptors: [Int32: Int32] = [:], deadline: Duration = .seconds(60),
        outputLimit: Int = 1 << 20
    ) async throws -> ToolResult {
        guard let path = locate(tool) else { throw ToolError.missing(tool: tool) }
        return try await BlockingPool.shared.run {
            var request = SpawnRequest(executable: path, arguments: [tool] + arguments, environment: environment)
            request.workingDirectory = workingDirectory
            request.descriptors = descriptors
            return try runBlocking(tool, request, input: input, deadline: deadline, outputLimit: outputLimit)
        }
    }

    /// Runs a program whose failure is an error.
    /// - Throws: `ToolError.failed` when its exit status is not 0.
    @discardableResult
    package static func runChecked(
        _ tool: String, _ arguments: [String], input: [UInt8] = [], environment: [String]? = nil,
        workingDirectory: String = "/", deadline: Duration = .seconds(60), outputLimit: Int = 1 << 20
    ) async throws -> ToolResult {
        let result = try await run(
            tool, arguments, input: input, environment: environment, workingDirectory: workingDirectory,
            deadline: deadline, outputLimit: outputLimit)
        guard result.exit.isSuccess else { throw ToolError.failed(tool: tool, result) }
        return result
    }

    private static func runBlocking(
        _ tool: String, _ request: SpawnRequest, input: [UInt8], deadline: Duration, outputLimit: Int
    ) throws -> ToolResult {
        var out = try PipeEnds()
        var err = try PipeEnds()
        var feed: OwnedDescriptor?
        var fed: OwnedDescriptor?
        var request = request
        request.descriptors[1] = out.writingNumber
        request.descriptors[2] = err.writingNumber
        if !input.isEmpty {
            var ends = try PipeEnds()
            try check(clxd_fcntl_setfl(ends.writingNumber, O_NONBLOCK))
            feed = ends.writing.take()
            fed = ends.reading.take()
            request.descriptors[0] = number(of: fed)
        }
        try check(clxd_fcntl_setfl(out.readingNumber, O_NONBLOCK))
        try check(clxd_fcntl_setfl(err.readingNumber, O_NONBLOCK))

        let handle: ProcessHandle
        do { handle = try ProcessSpawner.spawn(request) } catch { throw ToolError.cannotStart(tool: tool, error) }
        out.writing = nil
        err.writing = nil
        fed = nil
        let outNumber = out.readingNumber
        let errNumber = err.readingNumber

        let clock = ContinuousClock()
        let end = clock.now + deadline
        var output = BoundedBuffer(limit: outputLimit)
        var errorOutput = BoundedBuffer(limit: outputLimit)
        var written = 0
        var outOpen = true
        var errOpen = true
        while true {
            let left = clock.now.duration(to: end)
            guard left > .zero else {
                // The whole session, so that a child of the tool does not stay behind. The tool may be gone already.
                _ = kill(-handle.pid, SIGKILL)
                try handle.signal(SIGKILL)
                throw ToolError.deadlineExceeded(tool: tool, seconds: deadline.components.seconds)
            }
            var polls = [
                pollfd(fd: outOpen ? outNumber : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errOpen ? errNumber : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: handle.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: -1, events: Int16(POLLOUT), revents: 0),
            ]
            let feedNumber = number(of: feed)
            polls[3].fd = feedNumber
            let milliseconds = min(left.components.seconds * 1000 + 1, 1_000_000)
            _ = poll(&polls, nfds_t(polls.count), Int32(milliseconds))
            if polls[0].revents != 0 { outOpen = output.fill(from: outNumber) }
            if polls[1].revents != 0 { errOpen = errorOutput.fill(from: errNumber) }
            if polls[3].revents != 0 {
                let count = input[written...].withUnsafeBytes { write(feedNumber, $0.baseAddress, $0.count) }
                if count > 0 { written += count }
                if written == input.count || (count < 0 && errno != EAGAIN && errno != EINTR) { feed = nil }
            }
            if polls[2].revents != 0 {
                // It has ended; what a background child may still write does not hold us up.
                if outOpen { _ = output.fill(from: outNumber) }
                if errOpen { _ = errorOutput.fill(from: errNumber) }
                break
            }
        }
        // The watcher reaps within moments of the pidfd getting readable.
        while handle.exit == nil { usleep(200) }
        return ToolResult(
            exit: handle.exit ?? .unknown, output: output.bytes, errorOutput: errorOutput.bytes,
            isTruncated: output.isTruncated || errorOutput.isTruncated)
    }
}

/// Bytes read from a descriptor up to a limit; what is beyond is dropped.
private struct BoundedBuffer {
    let limit: Int
    var bytes: [UInt8] = []
    var isTruncated = false

    /// Reads what is there from a non-blocking descriptor; false at its end.
    mutating func fill(from descriptor: Int32) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count > 0 {
                let room = limit - bytes.count
                if count > room { isTruncated = true }
                bytes.append(contentsOf: chunk[..<min(count, max(room, 0))])
                continue
            }
            if count == 0 { return false }
            if errno == EINTR { continue }
            return errno == EAGAIN
        }
    }
}

/// The two ends of a pipe; `take()` one to own it alone.
package struct PipeEnds: ~Copyable {
    package var reading: OwnedDescriptor?
    package var writing: OwnedDescriptor?

    /// Makes a close-on-exec pipe.
    /// - Parameter flags: `O_NONBLOCK` or 0.
    package init(flags: Int32 = 0) throws(Errno) {
        var reading: Int32 = -1
        var writing: Int32 = -1
        try check(clxd_pipe(&reading, &writing, flags))
        self.reading = OwnedDescriptor(adopting: FileDescriptor(rawValue: reading))
        self.writing = OwnedDescriptor(adopting: FileDescriptor(rawValue: writing))
    }

    /// The number of the reading end, -1 once taken.
    package var readingNumber: Int32 { number(of: reading) }
    /// The number of the writing end, -1 once taken.
    package var writingNumber: Int32 { number(of: writing) }
}
