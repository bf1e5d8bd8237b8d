import CLXDLinux
import Glibc

/// `read --archive FD --name PATH --limit BYTES --output FD`: one regular file of an archive, without unpacking the rest.
///
/// Reads until the entry is found; an archive without it gives `done` with 0 entries.
struct ReadEntry {
    private let archiveDescriptor: Int32
    private let output: Int32
    private let name: EntryPath
    private let limit: Int64
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        archiveDescriptor = try options.number("--archive")
        output = try options.number("--output")
        guard let text = options.text("--name") else { throw Failure(.usage, "--name is missing") }
        name = try EntryPath(Bytes(text.utf8))
        limit = try options.count("--limit", default: 1 << 20)
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        try Confinement.seal(keeping: [], limits: .init(fileBytes: UInt64(limit), cpuSeconds: 600))
        let archive = try OpenArchive(descriptor: archiveDescriptor)
        var totals = Totals()
        var seen: Int64 = 0
        while let entry = try archive.next() {
            seen += 1
            guard seen <= 8_000_000 else { throw Failure(.limit, "the archive has too many entries") }
            totals.read = archive.compressedBytes
            try report.progress(read: totals.read, written: 0, entries: seen)
            guard entry.path.components == name.components else { continue }
            guard entry.kind == .regular else {
                throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) has to be a regular file")
            }
            guard entry.size <= limit else { throw Failure(.limit, "entry \(quoted(entry.path.bytes)) is larger than \(limit) bytes") }
            var contents: Bytes = []
            try archive.readData { (block, offset) throws(Failure) in
                guard Int64(contents.count + block.count) <= limit, offset == contents.count else {
                    throw Failure(.limit, "entry \(quoted(entry.path.bytes)) is larger than \(limit) bytes")
                }
                contents.append(contentsOf: block)
            }
            try writeAll(contents, to: output)
            totals.entries = 1
            totals.written = Int64(contents.count)
            return totals
        }
        totals.read = archive.compressedBytes
        return totals
    }
}

func writeAll(_ bytes: Bytes, to descriptor: Int32) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw Failure.system("write", [], count == 0 ? EIO : errno) }
        rest = rest.dropFirst(count)
    }
}
