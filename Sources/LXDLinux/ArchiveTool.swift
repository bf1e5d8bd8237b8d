internal import Glibc
internal import Synchronization
internal import SystemPackage

/// How far `lxd-archive` is: bytes read and written, entries seen.
package struct ArchiveTotals: Sendable, Hashable {
    package var readBytes: Int64 = 0
    package var writtenBytes: Int64 = 0
    package var entries: Int64 = 0

    package init() {}
}

/// Why `lxd-archive` gave up.
package struct ArchiveError: Error, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// The archive holds something no honest one holds.
        case hostile
        /// A limit was reached.
        case limit
        /// The archive is damaged or of an unknown kind.
        case corrupt
        case noSpace = "no-space"
        case io, usage
        /// It ended without a word.
        case died
    }
    package var kind: Kind
    /// Names the entry where there is one.
    package var message: String
    package var description: String { message }

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

/// The command line of one run of `lxd-archive`. Descriptors are borrowed until the run ends.
package struct ArchiveCommand: Sendable {
    var arguments: [String]
    var descriptors: [Int32: Int32] = [:]
    private var numbers: [Int32: Int32] = [:]

    /// - Parameter name: `unpack`, `read`, `pack`, `copy`, `sweep` or `unsquash`.
    package init(_ name: String) { arguments = [name] }

    package mutating func add(_ words: String...) { arguments += words }
    package mutating func add(_ option: String, descriptor: Int32) { arguments += [option, number(descriptor)] }
    package mutating func add(_ option: String, descriptors list: [Int32]) { arguments += [option, numbers(list)] }
    /// Puts the contents of the routes' prefixes into directories. A `plain` one keeps its prefix and takes small regular
    /// files and directories only.
    package mutating func route(_ prefix: String, to directory: Int32, plain: Bool = false) {
        arguments += ["--route", plain ? "plain" : "tree", number(directory), prefix]
    }
    package mutating func tree(_ layers: [Int32], as prefix: String) { arguments += ["--tree", numbers(layers), prefix] }
    package mutating func file(_ descriptor: Int32, as name: String) { arguments += ["--file", number(descriptor), name] }

    private mutating func numbers(_ list: [Int32]) -> String { list.map { number($0) }.joined(separator: ",") }

    /// The number a descriptor of ours has there; the same for the same.
    private mutating func number(_ descriptor: Int32) -> String {
        // 3 is the status pipe.
        let child = numbers[descriptor] ?? Int32(4 + numbers.count)
        numbers[descriptor] = child
        descriptors[child] = descriptor
        return String(child)
    }
}

/// Runs `lxd-archive`, the confined program that touches archives and trees of guests and strangers.
package struct ArchiveTool: Sendable {
    package let executable: String

    package init(executable: String) { self.executable = executable }

    /// Finds the program beside the running one or where packages put it.
    package static func located() throws -> ArchiveTool {
        var buffer = [CChar](repeating: 0, count: 4097)
        let count = readlink("/proc/self/exe", &buffer, 4096)
        var folders: [String] = []
        if count > 0 {
            let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            folders.append(path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 })
        }
        for folder in folders + ["/usr/lib/lxd", "/usr/libexec/lxd", "/usr/local/lib/lxd"] {
            let path = folder + "/lxd-archive"
            if access(path, X_OK) == 0 { return ArchiveTool(executable: path) }
        }
        throw ToolError.missing(tool: "lxd-archive")
    }

    /// Runs to the end; cancelling the task kills the program.
    ///
    /// - Parameter progress: Called on a thread of its own, at most ten times a second.
    /// - Throws: `ArchiveError`; `CancellationError`.
    @discardableResult
    package func run(
        _ command: ArchiveCommand, progress: (@Sendable (ArchiveTotals) -> Void)? = nil
    ) async throws -> ArchiveTotals {
        // The task may be cancelled before there is a program to be killed.
        let child = Mutex((handle: ProcessHandle?.none, isCancelled: false))
        let result = try await withTaskCancellationHandler {
            try await BlockingPool.shared.run { [executable] in
                try Self.runBlocking(executable, command, progress) { handle in
                    let isCancelled = child.withLock { child in
                        child.handle = handle
                        return child.isCancelled
                    }
                    if isCancelled { try? handle.signal(SIGKILL) }
                }
            }
        } onCancel: {
            let handle = child.withLock { child in
                child.isCancelled = true
                return child.handle
            }
            // It may have ended; then there is nothing to do.
            try? handle?.signal(SIGKILL)
        }
        return try result.get()
    }

    private static func runBlocking(
        _ executable: String, _ command: ArchiveCommand, _ progress: (@Sendable (ArchiveTotals) -> Void)?,
        started: (ProcessHandle) -> Void
    ) throws -> Result<ArchiveTotals, any Error> {
        var status = try PipeEnds()
        var request = SpawnRequest(
            executable: executable,
            arguments: ["lxd-archive"] + command.arguments.prefix(1) + ["--status", "3"] + command.arguments.dropFirst(),
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"])
        request.descriptors = command.descriptors
        request.descriptors[3] = status.writingNumber
        let handle: ProcessHandle
        do { handle = try ProcessSpawner.spawn(request) } catch { throw ToolError.cannotStart(tool: "lxd-archive", error) }
        started(handle)
        status.writing = nil
        let outcome = readStatus(from: status.readingNumber, progress)
        while handle.exit == nil { usleep(200) }
        if let outcome { return outcome }
        return .failure(ArchiveError(.died, "lxd-archive ended with status \(handle.exit?.shellStatus ?? 255)"))
    }

    /// Reads lines until the end; nil if none said how it went.
    private static func readStatus(
        from descriptor: Int32, _ progress: (@Sendable (ArchiveTotals) -> Void)?
    ) -> Result<ArchiveTotals, any Error>? {
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        var outcome: Result<ArchiveTotals, any Error>?
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return outcome }
            pending += chunk[..<count]
            // A line is far shorter; what is not comes from no program of ours.
            guard pending.count < 1 << 20 else { return outcome }
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeSubrange(...end)
                switch parse(line) {
                case .progress(let totals): progress?(totals)
                case .outcome(let result): outcome = result
                case .unknown: continue
                }
            }
        }
    }

    enum StatusLine {
        case progress(ArchiveTotals)
        case outcome(Result<ArchiveTotals, any Error>)
        case unknown
    }

    static func parse(_ line: String) -> StatusLine {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        if words.first == "error", words.count == 3 {
            return .outcome(.failure(ArchiveError(.init(rawValue: String(words[1])) ?? .io, String(words[2]))))
        }
        let numbers = line.split(separator: " ").dropFirst().compactMap { Int64($0) }
        guard numbers.count == 3 else { return .unknown }
        var totals = ArchiveTotals()
        (totals.readBytes, totals.writtenBytes, totals.entries) = (numbers[0], numbers[1], numbers[2])
        switch words.first {
        case "progress": return .progress(totals)
        case "done": return .outcome(.success(totals))
        default: return .unknown
        }
    }
}
