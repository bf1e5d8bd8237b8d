import CLXDLinux
import Glibc

/// `receive --input FD --to FD [--over FDS --work FD] [--layer yes] [--devices yes] [--sync no] --limit-bytes N`: makes a tree of
/// what another server sent.
///
/// Names are single components, opened below descriptors of directories that this process made or found to be
/// directories, so there is nothing to resolve that the sender could have put there. `--layer`: the tree is an overlay's
/// layer, whiteouts and all. `--over`: the target is an upper layer over these, and the stream says what changes;
/// `--changes`: the same for a plain tree. `--sync no`: somebody else will wait for the disk.
struct ReceiveTree {
    private let input: Int32
    private let target: Int32
    private let lower: [Int32]
    private let work: Int32
    private let rules: TreeReceiver.Rules
    private let isSynced: Bool
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        input = try options.number("--input")
        target = try options.number("--to")
        lower = try options.text("--over").map { (text) throws(Failure) in try descriptors(text) } ?? []
        work = lower.isEmpty ? -1 : try options.number("--work")
        rules = TreeReceiver.Rules(
            isLayer: options.text("--layer") == "yes", allowsDevices: options.text("--devices") == "yes",
            allowsChanges: !lower.isEmpty || options.text("--changes") == "yes",
            bytesMax: try options.count("--limit-bytes", default: 1 << 46),
            entriesMax: try options.count("--limit-entries", default: 16_000_000))
        isSynced = options.text("--sync") != "no"
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        let root = lower.isEmpty ? nil : try LayeredTree.openWritable(lower: lower, upper: target, work: work)
        var kept: [Confinement.Capability] = [.chown, .dacOverride, .fowner, .fsetid, .mknod, .setfcap]
        // Overlay attributes of a raw layer are the administrator's.
        if rules.isLayer { kept.append(.sysAdmin) }
        try Confinement.limit(Int32(RLIMIT_NOFILE.rawValue), 4096)
        try Confinement.seal(keeping: kept, limits: .init(cpuSeconds: 24 * 3600))
        var receiver = TreeReceiver(input: input, root: root?.number ?? target, rules: rules, report: report)
        let totals = try receiver.run()
        if isSynced { try check(clxd_syncfs(target), "write out what was received") }
        return totals
    }
}

struct TreeReceiver {
    struct Rules {
        var isLayer: Bool
        var allowsDevices: Bool
        /// Whether what is there may be replaced or removed.
        var allowsChanges: Bool
        var bytesMax: Int64
        var entriesMax: Int64
    }

    private var reader: EntryReader
    private let root: Int32
    private let rules: Rules
    private let report: Report
    private var totals = Totals()
    private var stack: [(descriptor: Descriptor, entry: TreeEntry)] = []
    private var rootEntry: TreeEntry?

    private static let resolve = UInt64(
        CLXD_RESOLVE_BENEATH | CLXD_RESOLVE_NO_SYMLINKS | CLXD_RESOLVE_NO_MAGICLINKS | CLXD_RESOLVE_NO_XDEV)
    private static let directoryFlags = UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    private static let depthMax = 900

    init(input: Int32, root: Int32, rules: Rules, report: Report) {
        reader = EntryReader(input)
        (self.root, self.rules, self.report) = (root, rules, report)
    }

    private var holder: Int32 { stack.last?.descriptor.number ?? root }

    mutating func run() throws(Failure) -> Totals {
        try reader.checkMagic()
        while true {
            let entry = try reader.next()
            if entry.kind == .end { break }
            totals.entries += 1
            guard totals.entries <= rules.entriesMax else {
                throw Failure(.limit, "the tree has more than \(rules.entriesMax) entries")
            }
            try add(entry)
            totals.read = reader.received
            try report.progress(read: totals.read, written: totals.written, entries: totals.entries)
        }
        guard stack.isEmpty else { throw Failure(.corrupt, "the tree ended inside a directory") }
        if let rootEntry { try setTime(of: root, rootEntry) }
        totals.read = reader.received
        return totals
    }

    private mutating func add(_ entry: TreeEntry) throws(Failure) {
        if entry.kind == .up {
            guard let (descriptor, entry) = stack.popLast() else { throw Failure(.hostile, "the tree leaves its root") }
            if !entry.isKept { try setTime(of: descriptor.number, entry) }
            return
        }
        if entry.name.isEmpty {
            guard entry.kind == .directory, stack.isEmpty, rootEntry == nil else {
                throw Failure(.hostile, "an entry without a name was received")
            }
            rootEntry = entry
            return try setOwnerAndMode(root, entry)
        }
        guard entry.name != [0x2e], entry.name != [0x2e, 0x2e], !entry.name.contains(UInt8(ascii: "/")) else {
            throw Failure(.hostile, "\(quoted(entry.name)) is no name of a file")
        }
        guard entry.uid != .max, entry.gid != .max, entry.nanoseconds < 1_000_000_000 else {
            throw Failure(.hostile, "entry \(quoted(entry.name)) has no valid owner or time")
        }
        switch entry.kind {
        case .directory: try addDirectory(entry)
        case .file: try addFile(entry)
        case .symlink:
            try makeRoom(entry)
            guard !entry.target.isEmpty else {
                throw Failure(.hostile, "the link \(quoted(entry.name)) points nowhere")
            }
            let holder = holder
            try check(
                entry.target.withCString { target in entry.name.withCString { clxd_symlinkat(target, holder, $0) } },
                "make the link", entry.name)
            try setOwnerAndTime(entry)
        case .hardlink: try addHardlink(entry)
        case .node: try addNode(entry)
        case .delete:
            guard rules.allowsChanges else { throw Failure(.hostile, "a new tree removes \(quoted(entry.name))") }
            try remove(entry.name, in: holder, depth: 0)
        case .up, .end: return
        }
    }

    private mutating func addDirectory(_ entry: TreeEntry) throws(Failure) {
        guard stack.count < Self.depthMax else { throw Failure(.limit, "\(quoted(entry.name)): the tree is too deep") }
        guard !entry.isKept || rules.allowsChanges else {
            throw Failure(.hostile, "a new tree keeps \(quoted(entry.name))")
        }
        let holder = holder
        if !entry.isKept {
            let made = entry.name.withCString { clxd_mkdirat(holder, $0, 0o700) }
            if made != -EEXIST || !rules.allowsChanges { try check(made, "make directory", entry.name) }
        }
        let opened = entry.name.withCString { clxd_openat2(holder, $0, Self.directoryFlags, 0, Self.resolve) }
        guard opened != -ENOTDIR && opened != -ELOOP else {
            throw Failure(.hostile, "\(quoted(entry.name)) is no directory here")
        }
        let descriptor = Descriptor(try check(opened, "open", entry.name))
        stack.append((descriptor, entry))
        if !entry.isKept { try setOwnerAndMode(descriptor.number, entry) }
    }

    private mutating func addFile(_ entry: TreeEntry) throws(Failure) {
        try makeRoom(entry)
        let flags = UInt64(O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
        let holder = holder
        let file = Descriptor(
            try check(
                entry.name.withCString { clxd_openat2(holder, $0, flags, 0o600, Self.resolve) }, "create", entry.name))
        var end: Int64 = 0
        var got: Int64 = 0
        while true {
            var offset: Int64 = try reader.number()
            let count: UInt32 = try reader.number()
            guard offset >= end, offset <= 1 << 50, count <= 1 << 30 else {
                throw Failure(.hostile, "the data of \(quoted(entry.name)) are out of order")
            }
            if count == 0 {
                if offset > end || end == 0 { try setSize(file.number, offset, entry) }
                break
            }
            guard totals.written + Int64(count) <= rules.bytesMax else {
                throw Failure(.limit, "the tree holds more than \(rules.bytesMax) bytes")
            }
            try reader.pass(Int(count)) { (part) throws(Failure) in
                var done = 0
                while done < part.count {
                    let step = pwrite(file.number, part.baseAddress.map { $0 + done }, part.count - done, off_t(offset))
                    if step < 0 && errno == EINTR { continue }
                    guard step > 0 else { throw Failure.system("write", entry.name, step == 0 ? EIO : errno) }
                    done += step
                    offset += Int64(step)
                }
            }
            end = offset
            got += Int64(count)
            totals.written += Int64(count)
            try report.progress(read: reader.received, written: totals.written, entries: totals.entries)
        }
        // The disk is to work while more arrives: waiting for everything at the end would take as long again.
        if got >= 1 << 20 { _ = clxd_start_writing(file.number) }
        try setOwnerAndMode(file.number, entry)
        try setTime(of: file.number, entry)
    }

    private func setSize(_ file: Int32, _ size: Int64, _ entry: TreeEntry) throws(Failure) {
        try check(ftruncate(file, off_t(size)) == 0 ? 0 : -errno, "write", entry.name)
    }

    private mutating func addHardlink(_ entry: TreeEntry) throws(Failure) {
        var parts = entry.target.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Bytes($0) }
        guard let name = parts.popLast(), !name.isEmpty, name != [0x2e], name != [0x2e, 0x2e] else {
            throw Failure(.hostile, "\(quoted(entry.name)) is a hard link to nothing")
        }
        var source: Descriptor?
        if !parts.isEmpty {
            let path = Bytes(parts.joined(separator: [UInt8(ascii: "/")]))
            let opened = path.withCString { clxd_openat2(root, $0, Self.directoryFlags, 0, Self.resolve) }
            guard opened >= 0 else {
                throw Failure(.hostile, "\(quoted(entry.name)) is a hard link to what the tree does not hold")
            }
            source = Descriptor(opened)
        }
        try makeRoom(entry)
        let from = source?.number ?? root
        let holder = holder
        let result = name.withCString { old in entry.name.withCString { clxd_linkat(from, old, holder, $0, 0) } }
        guard result != -ENOENT && result != -EPERM else {
            throw Failure(.hostile, "\(quoted(entry.name)) is a hard link to what the tree does not hold")
        }
        try check(result, "make the hard link", entry.name)
        withExtendedLifetime(source) {}
    }

    private mutating func addNode(_ entry: TreeEntry) throws(Failure) {
        let type = entry.mode & 0o170000
        let isWhiteout = type == 0o020000 && entry.size == 0
        switch type {
        case 0o010000: break
        case 0o020000 where isWhiteout && rules.isLayer: break
        case 0o020000, 0o060000:
            guard rules.allowsDevices && !isWhiteout else {
                throw Failure(.hostile, "\(quoted(entry.name)) is a device, which is not allowed here")
            }
        default: throw Failure(.hostile, "\(quoted(entry.name)) is of an unknown kind")
        }
        try makeRoom(entry)
        let holder = holder
        let (major, minor) = (UInt32(entry.size >> 32), UInt32(truncatingIfNeeded: entry.size))
        try check(
            entry.name.withCString { clxd_mknodat(holder, $0, type | 0o600, major, minor) }, "make the device node",
            entry.name)
        try setOwnerAndTime(entry)
        try check(
            entry.name.withCString { clxd_fchmodat(holder, $0, entry.mode & 0o7777) }, "set the mode of", entry.name)
    }

    // MARK: What is there already

    private func makeRoom(_ entry: TreeEntry) throws(Failure) {
        if rules.allowsChanges { try remove(entry.name, in: holder, depth: 0) }
    }

    private func remove(_ name: Bytes, in holder: Int32, depth: Int) throws(Failure) {
        guard depth < Self.depthMax else { throw Failure(.limit, "\(quoted(name)): the tree is too deep") }
        let result = name.withCString { clxd_unlinkat(holder, $0, 0) }
        if result == 0 || result == -ENOENT { return }
        guard result == -EISDIR else { throw Failure.system("remove", name, -result) }
        let child = Descriptor(
            try check(name.withCString { clxd_openat2(holder, $0, Self.directoryFlags, 0, Self.resolve) }, "open", name)
        )
        for inner in try names(in: child.number, name) { try remove(inner, in: child.number, depth: depth + 1) }
        try check(name.withCString { clxd_unlinkat(holder, $0, CLXD_AT_REMOVEDIR) }, "remove", name)
    }

    // MARK: Attributes

    /// Owner first: changing it clears setuid bits and capabilities.
    private func setOwnerAndMode(_ descriptor: Int32, _ entry: TreeEntry) throws(Failure) {
        try check(
            clxd_fchownat(descriptor, "", entry.uid, entry.gid, CLXD_AT_EMPTY_PATH), "set the owner of", entry.name)
        try check(clxd_fchmod(descriptor, entry.mode & 0o7777), "set the mode of", entry.name)
        if rules.allowsChanges && entry.kind == .directory {
            for (name, _) in try attributes(of: descriptor, entry.name)
            where PortableAttribute.isSent(name, ofLayer: rules.isLayer)
                && !entry.attributes.contains(where: { $0.name == name })
            {
                _ = name.withCString { clxd_fremovexattr(descriptor, $0) }
            }
        }
        for (name, value) in entry.attributes {
            guard PortableAttribute.isAccepted(name, value, ofLayer: rules.isLayer) else {
                throw Failure(
                    .hostile, "\(quoted(entry.name)) has the attribute \(quoted(name)), which is not allowed here")
            }
            let result = name.withCString { clxd_fsetxattr(descriptor, $0, value, value.count) }
            if result == -EOPNOTSUPP { continue }
            try check(result, "set the attribute \(quoted(name)) of", entry.name)
        }
    }

    private func setTime(of descriptor: Int32, _ entry: TreeEntry) throws(Failure) {
        try check(
            clxd_set_times(descriptor, "", entry.seconds, entry.nanoseconds, entry.seconds, entry.nanoseconds),
            "set the time of", entry.name)
    }

    private func setOwnerAndTime(_ entry: TreeEntry) throws(Failure) {
        let holder = holder
        try check(
            entry.name.withCString { clxd_fchownat(holder, $0, entry.uid, entry.gid, CLXD_AT_SYMLINK_NOFOLLOW) },
            "set the owner of",
            entry.name)
        try check(
            entry.name.withCString {
                clxd_set_times(holder, $0, entry.seconds, entry.nanoseconds, entry.seconds, entry.nanoseconds)
            }, "set the time of", entry.name)
    }
}
