import Glibc

/// A local file that is being written.
final class LocalWriter {
    private let path: String
    private var descriptor: Int32

    /// Creates or empties a file.
    ///
    /// - Parameter mode: Its permissions; -1 for what the process gives new files.
    init(_ path: String, mode: Int = -1) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw LocalFailure.of("open", path) }
        if mode >= 0, fchmod(descriptor, mode_t(mode)) != 0 { throw LocalFailure.of("chmod", path) }
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { throw LocalFailure.of("write", path) }
            rest = rest.dropFirst(max(0, count))
        }
    }

    func close() throws {
        let result = Glibc.close(descriptor)
        descriptor = -1
        guard result == 0 else { throw LocalFailure.of("close", path) }
    }
}

/// A local file that is being read.
final class LocalReader: Sendable {
    let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = path == "-" ? dup(Standard.input) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LocalFailure.of("open", path) }
    }

    deinit { Glibc.close(descriptor) }

    func status() throws -> LocalFile { try LocalFile(descriptor: descriptor, path) }

    /// The next bytes; nil at the end.
    func next(_ count: Int = 1 << 17) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: count)
        while true {
            let read = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw LocalFailure.of("read", path) }
            return read == 0 ? nil : Array(buffer[..<read])
        }
    }
}

enum LocalFolder {
    /// Makes a folder and those above it, as far as they are missing.
    static func create(_ path: String) throws {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, PathText.directory(path) != path else { throw LocalFailure.of("mkdir", path) }
        try create(PathText.directory(path))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw LocalFailure.of("mkdir", path) }
    }
}

/// Counts what goes by and says now and then how it goes.
struct TransferMeter {
    private let total: Int?
    private let begin = ContinuousClock.now
    private var count = 0
    private var shown = ContinuousClock.now
    private var percent = -1

    /// - Parameter total: Bytes expected, if known.
    init(total: Int?) {
        self.total = total
    }

    /// - Returns: A new text, once something has changed that is worth showing.
    mutating func advance(by bytes: Int) -> String? {
        count += bytes
        let now = ContinuousClock.now
        let elapsed = (now - begin) / .seconds(1)
        let speed = ByteText.decimal(elapsed > 0 ? Int64(Double(count) / elapsed) : 0)
        if let total, total > 0 {
            let percent = min(100, count * 100 / total)
            guard percent != self.percent else { return nil }
            self.percent = percent
            return "\(percent)% (\(speed)/s)"
        }
        guard now - shown > .milliseconds(200) else { return nil }
        shown = now
        return "\(ByteText.decimal(Int64(count))) (\(speed)/s)"
    }
}
