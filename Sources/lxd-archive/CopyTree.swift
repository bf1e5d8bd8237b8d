import CLXDLinux
import Glibc

/// `copy --layers FDS --to FD`: copies a tree exactly: ids, modes, times, hard links, nodes, every attribute.
///
/// Of a single layer the copy has its whiteouts and overlay attributes too, so it can take that layer's place. File
/// contents are shared where the file system can (FICLONE). The target is an empty directory. With `--option link` files
/// are further names of the source's instead of copies.
struct CopyTree {
    private let layers: [Int32]
    private let target: Int32
    private let isLinking: Bool
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        guard let list = options.text("--layers") else { throw Failure(.usage, "--layers is missing") }
        layers = try descriptors(list)
        target = try options.number("--to")
        isLinking = options.text("--option") == "link"
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        let source = try LayeredTree.open(layers)
        // sysAdmin: without it overlay attributes can neither be seen nor set.
        try Confinement.seal(
            keeping: [.chown, .dacOverride, .fowner, .fsetid, .mknod, .setfcap, .sysAdmin], limits: .init(cpuSeconds: 24 * 3600))
        var copier = TreeCopier(source: source.number, target: target, isLinking: isLinking, report: report)
        return try copier.run()
    }
}

private struct TreeCopier {
    let source: Int32
    let target: Int32
    let isLinking: Bool
    let report: Report
    var totals = Totals()
    var links: [InodeIdentity: Bytes] = [:]
    /// The open directories from the target's root to where the walk is.
    var stack: [Descriptor] = []
    var buffer = Bytes(repeating: 0, count: 256 << 10)

    init(source: Int32, target: Int32, isLinking: Bool, report: Report) {
        (self.source, self.target, self.isLinking, self.report) = (source, target, isLinking, report)
    }

    private var holder: Int32 { stack.last?.number ?? target }

    mutating func run() throws(Failure) -> Totals {
        // The closures of `walk` cannot both hold an inout self: a box carries it.
        let box = Box(self)
        try walk(
            source, visit: { (node) throws(Failure) in try box.value.visit(node) },
            leave: { (node) throws(Failure) in try box.value.leave(node) })
        return box.value.totals
    }

    private mutating func visit(_ node: TreeNode) throws(Failure) {
        totals.entries += 1
        try report.progress(read: totals.read, written: totals.written, entries: totals.entries)
        if node.path.isEmpty {
            let directory = try node.open(O_RDONLY | O_DIRECTORY)
            return try copyMetadata(from: directory.number, to: target, node)
        }
        if !node.isDirectory && node.status.nlink > 1 {
            if let first = links[node.identity] {
                // Made by us a moment ago, in a directory nobody else can reach.
                let result = first.withCString { old in node.name.withCString { clxd_linkat(target, old, holder, $0, 0) } }
                try check(result, "make the hard link", node.path)
                return
            }
            links[node.identity] = node.path
        }
        if isLinking && node.isRegular {
            let result = node.name.withCString { clxd_linkat(node.holder, $0, holder, $0, 0) }
            // EMLINK, EPERM of an immutable file: then it is copied after all.
            if result == 0 { return }
        }
        switch node.type {
        case 0o040000:
            try check(node.name.withCString { clxd_mkdirat(holder, $0, 0o700) }, "make directory", node.path)
            let flags = UInt64(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            stack.append(Descriptor(try check(node.name.withCString { clxd_openat2(holder, $0, flags, 0, 0) }, "open", node.path)))
            let directory = try node.open(O_RDONLY | O_DIRECTORY)
            try copyMetadata(from: directory.number, to: holder, node)
        case 0o100000: try copyFile(node)
        case 0o120000:
            let link = try linkTarget(of: node)
            try check(
                link.withCString { link in node.name.withCString { clxd_symlinkat(link, holder, $0) } }, "make the link", node.path)
            try setOwnerAndTime(node)
        case 0o140000: return
        default:
            let result = node.name.withCString {
                clxd_mknodat(holder, $0, node.type | 0o600, node.status.rdev_major, node.status.rdev_minor)
            }
            try check(result, "make the device node", node.path)
            try setOwnerAndTime(node)
            try check(node.name.withCString { clxd_fchmodat(holder, $0, node.status.mode & 0o7777) }, "set the mode of", node.path)
        }
    }

    private mutating func leave(_ node: TreeNode) throws(Failure) {
        let status = node.status
        try check(
            clxd_set_times(holder, "", status.atime_sec, status.atime_nsec, status.mtime_sec, status.mtime_nsec), "set the time of",
            node.path)
        if !node.path.isEmpty { stack.removeLast() }
    }

    private mutating func copyFile(_ node: TreeNode) throws(Failure) {
        let from = try node.open(O_RDONLY)
        let flags = UInt64(O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
        let to = Descriptor(try check(node.name.withCString { clxd_openat2(holder, $0, flags, 0o600, 0) }, "create", node.path))
        if clxd_ficlone(to.number, from.number) < 0 { try copyRanges(from.number, to.number, node) }
        totals.read += Int64(node.status.size)
        try copyMetadata(from: from.number, to: to.number, node)
        let status = node.status
        try check(
            clxd_set_times(to.number, "", status.atime_sec, status.atime_nsec, status.mtime_sec, status.mtime_nsec),
            "set the time of", node.path)
    }

    /// Copies the parts that hold data; holes stay holes.
    private mutating func copyRanges(_ from: Int32, _ to: Int32, _ node: TreeNode) throws(Failure) {
        let size = Int64(node.status.size)
        var position: Int64 = 0
        while position < size {
            var start = Int64(clxd_seek(from, position, CLXD_SEEK_DATA))
            if start == -Int64(ENXIO) { break }
            if start < 0 { start = position }
            var end = Int64(clxd_seek(from, start, CLXD_SEEK_HOLE))
            if end <= start { end = size }
            position = start
            while position < end {
                var (input, output) = (position, position)
                var count = Int(clxd_copy_file_range(from, &input, to, &output, Int(min(end - position, 64 << 20))))
                if count < 0 { count = try copyBlock(from, to, at: position, limit: end - position, node) }
                if count == 0 { return try setSize(to, size, node) }
                position += Int64(count)
                totals.written += Int64(count)
                try report.progress(read: totals.read, written: totals.written, entries: totals.entries)
            }
        }
        try setSize(to, size, node)
    }

    private func setSize(_ descriptor: Int32, _ size: Int64, _ node: TreeNode) throws(Failure) {
        try check(ftruncate(descriptor, off_t(size)) == 0 ? 0 : -errno, "write", node.path)
    }

    private mutating func copyBlock(_ from: Int32, _ to: Int32, at position: Int64, limit: Int64, _ node: TreeNode) throws(Failure) -> Int {
        let count = pread(from, &buffer, Int(min(limit, Int64(buffer.count))), off_t(position))
        try check(count < 0 ? -Int(errno) : count, "read", node.path)
        var done = 0
        while done < count {
            let step = buffer[done..<count].withUnsafeBytes { pwrite(to, $0.baseAddress, $0.count, off_t(position) + off_t(done)) }
            guard step > 0 else { throw Failure.system("write", node.path, step == 0 ? EIO : errno) }
            done += step
        }
        return count
    }

    private func copyMetadata(from: Int32, to: Int32, _ node: TreeNode) throws(Failure) {
        try check(clxd_fchownat(to, "", node.status.uid, node.status.gid, CLXD_AT_EMPTY_PATH), "set the owner of", node.path)
        try check(clxd_fchmod(to, node.status.mode & 0o7777), "set the mode of", node.path)
        for (name, value) in try attributes(of: from, node.path) {
            let result = name.withCString { clxd_fsetxattr(to, $0, value, value.count) }
            if result == -EOPNOTSUPP { continue }
            try check(result, "set the attribute \(quoted(name)) of", node.path)
        }
    }

    private func setOwnerAndTime(_ node: TreeNode) throws(Failure) {
        let status = node.status
        try check(
            node.name.withCString { clxd_fchownat(holder, $0, status.uid, status.gid, CLXD_AT_SYMLINK_NOFOLLOW) }, "set the owner of",
            node.path)
        try check(
            node.name.withCString {
                clxd_set_times(holder, $0, status.atime_sec, status.atime_nsec, status.mtime_sec, status.mtime_nsec)
            }, "set the time of", node.path)
    }
}

/// A value that several closures change.
final class Box<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
}
