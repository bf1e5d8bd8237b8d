import CArchive
import CLXDLinux
import Glibc

/// `unpack --archive FD [--strip PREFIX] --route KIND FD PREFIX...`: puts each entry below the destination whose prefix it has.
///
/// A route of kind `tree` takes everything. One of kind `plain` takes directories and regular files of at most 1 MiB
/// only: it is for what the daemon itself reads later (`metadata.yaml`, `templates/`). Entries without a route are passed
/// over. The longest prefix wins.
struct Unpack {
    static let plainFileBytesMax: Int64 = 1 << 20
    /// Output may be this many times the input once it is beyond the floor; honest images stay below 20.
    static let ratioMax: Int64 = 250
    static let ratioFloorBytes: Int64 = 512 << 20

    private struct Route {
        var isPlain: Bool
        var prefix: EntryPath
        var destination: Destination
    }

    private let archiveDescriptor: Int32
    private let routes: [Route]
    private let stripped: EntryPath
    private let report: Report
    private let limits: (bytes: Int64, entries: Int64, seconds: Int64)

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        archiveDescriptor = try options.number("--archive")
        limits = (
            try options.count("--limit-bytes", default: 1 << 42), try options.count("--limit-entries", default: 8_000_000),
            try options.count("--limit-seconds", default: 3600)
        )
        var destinations: [Int32: Destination] = [:]
        var routes: [Route] = []
        for values in options.all("--route") {
            guard values.count == 3, ["tree", "plain"].contains(values[0]) else { throw Failure(.usage, "a route is KIND FD PREFIX") }
            let number = try descriptor(values[1])
            let destination = destinations[number] ?? Destination(root: number)
            destinations[number] = destination
            routes.append(
                Route(isPlain: values[0] == "plain", prefix: try EntryPath(Bytes(values[2].utf8)), destination: destination))
        }
        guard !routes.isEmpty else { throw Failure(.usage, "no route") }
        self.routes = routes.sorted { $0.prefix.components.count > $1.prefix.components.count }
        stripped = try EntryPath(Bytes((options.text("--strip") ?? "").utf8))
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        try Confinement.seal(
            keeping: [.chown, .dacOverride, .fowner, .fsetid, .mknod, .setfcap],
            limits: .init(fileBytes: UInt64(limits.bytes), cpuSeconds: UInt64(limits.seconds)))
        let archive = try OpenArchive(descriptor: archiveDescriptor)
        var totals = Totals()
        while let entry = try archive.next() {
            totals.entries += 1
            guard totals.entries <= limits.entries else {
                throw Failure(.limit, "the archive has more than \(limits.entries) entries")
            }
            try add(entry, from: archive, &totals)
            totals.read = archive.compressedBytes
            try report.progress(read: totals.read, written: totals.written, entries: totals.entries)
        }
        for route in routes { route.destination.finish() }
        totals.read = archive.compressedBytes
        return totals
    }

    private func add(_ entry: Entry, from archive: OpenArchive, _ totals: inout Totals) throws(Failure) {
        guard let (route, path) = destination(of: entry.path) else { return }
        if path.isRoot && !route.prefix.isRoot && entry.kind != .directory && !(route.isPlain && entry.kind == .regular) {
            throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) has to be a directory")
        }
        if path.isRoot && route.prefix.isRoot && entry.kind != .directory {
            throw Failure(.hostile, "the archive's root has to be a directory")
        }
        if route.isPlain {
            guard entry.kind == .directory || entry.kind == .regular else {
                throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) has to be a regular file")
            }
            guard entry.size <= Self.plainFileBytesMax else {
                throw Failure(.limit, "entry \(quoted(entry.path.bytes)) is larger than \(Self.plainFileBytesMax) bytes")
            }
        }
        // A plain route keeps its prefix but for what is stripped: `templates/x` stays `templates/x`.
        let target = route.isPlain ? entry.path.dropping(prefix: stripped) ?? entry.path : path
        switch entry.kind {
        case .directory: try route.destination.addDirectory(target, entry)
        case .regular:
            let limit = route.isPlain ? Self.plainFileBytesMax : limits.bytes
            guard entry.size <= limit else {
                throw Failure(.limit, "entry \(quoted(entry.path.bytes)) is larger than \(limit) bytes")
            }
            try route.destination.addFile(target, entry) { (descriptor) throws(Failure) in
                try copyData(of: entry, from: archive, to: descriptor, &totals)
            }
        case .symlink: try route.destination.addSymlink(target, entry)
        case .hardlink:
            let name = try entry.hardlinkTarget()
            guard let (other, source) = destination(of: name), other.destination === route.destination else {
                throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) is a hard link out of its tree")
            }
            try route.destination.addHardlink(target, to: source, entry)
        case .characterDevice: try route.destination.addNode(target, entry, type: 0o020000)
        case .blockDevice: try route.destination.addNode(target, entry, type: 0o060000)
        case .fifo: try route.destination.addNode(target, entry, type: 0o010000)
        case .other: throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) is of an unknown kind")
        }
    }

    private func destination(of path: EntryPath) -> (Route, EntryPath)? {
        for route in routes { if let rest = path.dropping(prefix: route.prefix) { return (route, rest) } }
        return nil
    }

    private func copyData(of entry: Entry, from archive: OpenArchive, to descriptor: Int32, _ totals: inout Totals) throws(Failure) {
        // Captured by value and copied back: the closure may not capture the inout parameter.
        var written = totals.written
        defer { totals.written = written }
        let entries = totals.entries
        try archive.readData { (block, offset) throws(Failure) in
            written += Int64(block.count)
            guard written <= limits.bytes else { throw Failure(.limit, "the archive holds more than \(limits.bytes) bytes") }
            let read = archive.compressedBytes
            guard written <= max(Self.ratioFloorBytes, read.multipliedReportingOverflow(by: Self.ratioMax).partialValue) else {
                throw Failure(.limit, "entry \(quoted(entry.path.bytes)): the archive expands more than \(Self.ratioMax) times")
            }
            try writeBlock(block, to: descriptor, at: offset, entry)
            try report.progress(read: read, written: written, entries: entries)
        }
        if entry.size > 0 { try check(ftruncate(descriptor, off_t(entry.size)) == 0 ? 0 : -errno, "write", entry.path.bytes) }
    }

    private func writeBlock(_ block: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int64, _ entry: Entry) throws(Failure) {
        var done = 0
        while done < block.count {
            let count = pwrite(descriptor, block.baseAddress?.advanced(by: done), block.count - done, off_t(offset) + off_t(done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Failure.system("write", entry.path.bytes, count == 0 ? EIO : errno) }
            done += count
        }
    }
}
