import CLXDLinux
import Glibc

/// `write [--layers FDS] --upper FD [--work FD] --input FD`: puts small files into a tree that nobody else has mounted.
///
/// The input is a sequence of records, numbers as 4 bytes little endian: flags (1: only if the file is missing), uid, gid,
/// mode, length of the path, length of the contents, path, contents. Paths are resolved as in a root directory of their own: `..` and symlinks stay inside.
/// Missing directories are made with mode 0755 and the file's owner; an existing file keeps its owner and mode.
struct WriteFiles {
    private let lower: [Int32]
    private let upper: Int32
    private let work: Int32
    private let input: Int32
    private let report: Report
    private static let resolve = UInt64(CLXD_RESOLVE_IN_ROOT | CLXD_RESOLVE_NO_MAGICLINKS)

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        lower = try options.text("--layers").map { (text) throws(Failure) in try descriptors(text) } ?? []
        upper = try options.number("--upper")
        work = lower.isEmpty ? -1 : try options.number("--work")
        input = try options.number("--input")
        self.report = report
    }

    private struct Record {
        var onlyIfMissing: Bool
        var uid: UInt32, gid: UInt32, mode: UInt32
        var path: Bytes
        var contents: Bytes
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        let root = try LayeredTree.openWritable(lower: lower, upper: upper, work: work)
        // sysAdmin: the overlay sets its own attributes as it copies up.
        try Confinement.seal(
            keeping: [.chown, .dacOverride, .fowner, .fsetid, .mknod, .setfcap, .sysAdmin], limits: .init(cpuSeconds: 60))
        var totals = Totals()
        while let record = try nextRecord() {
            if try put(record, in: root.number) {
                totals.entries += 1
                totals.written += Int64(record.contents.count)
            }
        }
        return totals
    }

    private func nextRecord() throws(Failure) -> Record? {
        guard let head = try readExactly(24) else { return nil }
        func number(_ index: Int) -> UInt32 {
            head[index * 4..<index * 4 + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        let (pathLength, length) = (Int(number(4)), Int(number(5)))
        guard pathLength <= EntryPath.lengthMax, length <= 16 << 20, let path = try readExactly(pathLength),
            let contents = try readExactly(length)
        else { throw Failure(.usage, "a record is cut short") }
        return Record(
            onlyIfMissing: number(0) & 1 != 0, uid: number(1), gid: number(2), mode: number(3) & 0o7777, path: path, contents: contents)
    }

    /// nil at the end of the input.
    private func readExactly(_ count: Int) throws(Failure) -> Bytes? {
        var bytes = Bytes(repeating: 0, count: count)
        var done = 0
        while done < count {
            let step = bytes[done...].withUnsafeMutableBytes { read(input, $0.baseAddress, $0.count) }
            if step < 0 && errno == EINTR { continue }
            try check(step < 0 ? -Int(errno) : step, "read the request")
            if step == 0 {
                if done == 0 { return nil }
                throw Failure(.usage, "a record is cut short")
            }
            done += step
        }
        return bytes
    }

    /// False when the file was to be left alone.
    private func put(_ record: Record, in root: Int32) throws(Failure) -> Bool {
        var parts = record.path.split(separator: UInt8(ascii: "/")).map { Bytes($0) }.filter { $0 != [UInt8(ascii: ".")] }
        guard let name = parts.popLast(), name != Bytes("..".utf8) else {
            throw Failure(.hostile, "\(quoted(record.path)) is no file name")
        }
        let parent = try openParent(parts, record, in: root)
        // O_PATH tells whether a name is there without opening what may be a fifo or device.
        let flags = UInt64(UInt32(bitPattern: CLXD_O_PATH | O_CLOEXEC))
        let full = Bytes((parts + [name]).joined(separator: [UInt8(ascii: "/")]))
        let existing = full.withCString { clxd_openat2(root, $0, flags, 0, Self.resolve) }
        if existing >= 0 {
            let found = Descriptor(existing)
            if record.onlyIfMissing { return false }
            var status = clxd_status()
            try check(clxd_statx(found.number, "", CLXD_AT_EMPTY_PATH, &status), "look at", record.path)
            guard status.mode & 0o170000 == 0o100000 else {
                throw Failure(.hostile, "\(quoted(record.path)) is there and is no regular file")
            }
            let file = Descriptor(
                try check(full.withCString { clxd_openat2(root, $0, UInt64(O_WRONLY | O_TRUNC | O_CLOEXEC), 0, Self.resolve) }, "open", record.path))
            try writeAll(record.contents, to: file.number)
            return true
        }
        // A dangling symlink is replaced, not followed: what it names is not where the file belongs.
        if name.withCString({ clxd_unlinkat(parent.number, $0, 0) }) == -EISDIR {
            throw Failure(.hostile, "\(quoted(record.path)) is a directory")
        }
        let create = UInt64(O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
        let file = Descriptor(
            try check(name.withCString { clxd_openat2(parent.number, $0, create, 0o600, UInt64(CLXD_RESOLVE_BENEATH)) }, "create", record.path))
        try writeAll(record.contents, to: file.number)
        try check(clxd_fchownat(file.number, "", record.uid, record.gid, CLXD_AT_EMPTY_PATH), "set the owner of", record.path)
        try check(clxd_fchmod(file.number, record.mode), "set the mode of", record.path)
        return true
    }

    private func openParent(_ parts: [Bytes], _ record: Record, in root: Int32) throws(Failure) -> Descriptor {
        let flags = UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        var current = Descriptor(try check(clxd_openat2(root, ".", flags, 0, Self.resolve), "open", record.path))
        for depth in parts.indices {
            let path = Bytes(parts[...depth].joined(separator: [UInt8(ascii: "/")]))
            // From the root each time: a symlink on the way is resolved inside it.
            var result = path.withCString { clxd_openat2(root, $0, flags, 0, Self.resolve) }
            if result == -ENOENT {
                try check(parts[depth].withCString { clxd_mkdirat(current.number, $0, 0o755) }, "make directory", path)
                try check(
                    parts[depth].withCString {
                        clxd_fchownat(current.number, $0, record.uid, record.gid, CLXD_AT_SYMLINK_NOFOLLOW)
                    }, "set the owner of", path)
                result = path.withCString { clxd_openat2(root, $0, flags, 0, Self.resolve) }
            }
            current = Descriptor(try check(result, "open", path))
        }
        return current
    }
}
