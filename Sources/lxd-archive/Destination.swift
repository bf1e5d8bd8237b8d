import CArchive
import CLXDLinux
import Glibc

/// A directory that entries are put into. Nothing in it is ever reached through a symlink: every parent is opened by the
/// kernel with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, every last component is created, never followed.
final class Destination {
    let root: Int32
    private var parent: (path: EntryPath, descriptor: Descriptor)?
    private var directoryTimes: [(path: EntryPath, seconds: Int64, nanoseconds: UInt32)] = []

    private static let resolve = UInt64(
        CLXD_RESOLVE_BENEATH | CLXD_RESOLVE_NO_SYMLINKS | CLXD_RESOLVE_NO_MAGICLINKS | CLXD_RESOLVE_NO_XDEV)
    private static let directoryFlags = UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

    init(root: Int32) { self.root = root }

    /// Opens the directory of an entry, making what is missing on the way.
    private func open(directory path: EntryPath, entry: Entry) throws(Failure) -> Int32 {
        if path.isRoot { return root }
        if let parent, parent.path.components == path.components { return parent.descriptor.number }
        let full = path.bytes
        var result = full.withCString { clxd_openat2(root, $0, Self.directoryFlags, 0, Self.resolve) }
        if result == -ENOENT {
            for depth in 1...path.components.count {
                let part = EntryPath(components: Array(path.components.prefix(depth))).bytes
                let upper = EntryPath(components: Array(path.components.prefix(depth - 1)))
                let holder = upper.isRoot ? nil : Descriptor(
                    try opened(upper.bytes.withCString { clxd_openat2(root, $0, Self.directoryFlags, 0, Self.resolve) }, entry))
                let made = path.components[depth - 1].withCString { clxd_mkdirat(holder?.number ?? root, $0, 0o755) }
                if made != -EEXIST { try check(made, "make directory", part) }
            }
            result = full.withCString { clxd_openat2(root, $0, Self.directoryFlags, 0, Self.resolve) }
        }
        let descriptor = Descriptor(try opened(result, entry))
        parent = (path, descriptor)
        return descriptor.number
    }

    private func opened(_ result: Int32, _ entry: Entry) throws(Failure) -> Int32 {
        switch result {
        case -ELOOP: throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) lies below a symbolic link")
        case -ENOTDIR: throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) lies below something that is no directory")
        case -EXDEV: throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) leads out of the tree")
        default: return try check(result, "open the directory of", entry.path.bytes)
        }
    }

    /// Makes room for a name: a later entry replaces an earlier one, as tar does, but never a directory.
    private func clear(_ name: Bytes, in directory: Int32, entry: Entry) throws(Failure) {
        let result = name.withCString { clxd_unlinkat(directory, $0, 0) }
        if result == -ENOENT { return }
        guard result != -EISDIR else {
            throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) takes the place of a directory")
        }
        try check(result, "replace", entry.path.bytes)
    }

    // MARK: Kinds of entries

    func addDirectory(_ path: EntryPath, _ entry: Entry) throws(Failure) {
        if !path.isRoot {
            let holder = try open(directory: path.parent, entry: entry)
            let made = path.name.withCString { clxd_mkdirat(holder, $0, 0o700) }
            if made != -EEXIST { try check(made, "make directory", entry.path.bytes) }
        }
        let descriptor = Descriptor(
            try opened((path.isRoot ? [UInt8(ascii: ".")] : path.bytes).withCString {
                clxd_openat2(root, $0, Self.directoryFlags, 0, Self.resolve)
            }, entry))
        try setOwnerAndMode(descriptor.number, entry)
        // Adding entries changes the time: it is set when all are in.
        directoryTimes.append(
            (path, Int64(archive_entry_mtime(entry.handle)), UInt32(clamping: archive_entry_mtime_nsec(entry.handle))))
    }

    /// Creates a regular file; `fill` writes its contents.
    func addFile(_ path: EntryPath, _ entry: Entry, fill: (Int32) throws(Failure) -> Void) throws(Failure) {
        let holder = try open(directory: path.parent, entry: entry)
        let flags = UInt64(O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
        var result = path.name.withCString { clxd_openat2(holder, $0, flags, 0o600, Self.resolve) }
        if result == -EEXIST {
            try clear(path.name, in: holder, entry: entry)
            result = path.name.withCString { clxd_openat2(holder, $0, flags, 0o600, Self.resolve) }
        }
        let descriptor = Descriptor(try check(result, "create", entry.path.bytes))
        try fill(descriptor.number)
        try setOwnerAndMode(descriptor.number, entry)
        try check(
            clxd_set_times(
                descriptor.number, "", Int64(archive_entry_mtime(entry.handle)), 0, Int64(archive_entry_mtime(entry.handle)),
                UInt32(clamping: archive_entry_mtime_nsec(entry.handle))), "set the time of", entry.path.bytes)
    }

    func addSymlink(_ path: EntryPath, _ entry: Entry) throws(Failure) {
        let holder = try open(directory: path.parent, entry: entry)
        let target = try entry.symlinkTarget()
        let make = { target.withCString { target in path.name.withCString { clxd_symlinkat(target, holder, $0) } } }
        var result = make()
        if result == -EEXIST {
            try clear(path.name, in: holder, entry: entry)
            result = make()
        }
        try check(result, "make the link", entry.path.bytes)
        try setOwnerAndTime(of: path.name, in: holder, entry)
    }

    /// - Parameter target: Below the same root.
    func addHardlink(_ path: EntryPath, to target: EntryPath, _ entry: Entry) throws(Failure) {
        guard !target.isRoot else { throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) is a hard link to a directory") }
        let holder = try open(directory: path.parent, entry: entry)
        let targetParent = target.parent
        let source = targetParent.isRoot ? nil : Descriptor(
            try opened(targetParent.bytes.withCString { clxd_openat2(root, $0, Self.directoryFlags, 0, Self.resolve) }, entry))
        let make = {
            target.name.withCString { old in path.name.withCString { clxd_linkat(source?.number ?? self.root, old, holder, $0, 0) } }
        }
        if path.components == target.components { return }
        var result = make()
        if result == -EEXIST {
            try clear(path.name, in: holder, entry: entry)
            result = make()
        }
        guard result != -ENOENT && result != -EPERM else {
            throw Failure(.hostile, "entry \(quoted(entry.path.bytes)) is a hard link to what the archive does not hold")
        }
        try check(result, "make the hard link", entry.path.bytes)
    }

    func addNode(_ path: EntryPath, _ entry: Entry, type: UInt32) throws(Failure) {
        let holder = try open(directory: path.parent, entry: entry)
        let (major, minor) = (UInt32(archive_entry_rdevmajor(entry.handle)), UInt32(archive_entry_rdevminor(entry.handle)))
        let make = {
            path.name.withCString { clxd_mknodat(holder, $0, type | 0o600, major, minor) }
        }
        var result = make()
        if result == -EEXIST {
            try clear(path.name, in: holder, entry: entry)
            result = make()
        }
        try check(result, "make the device node", entry.path.bytes)
        try setOwnerAndTime(of: path.name, in: holder, entry)
        try check(
            path.name.withCString { clxd_fchmodat(holder, $0, entry.permissions) }, "set the mode of", entry.path.bytes)
    }

    /// Sets the times of the directories, now that nothing is added to them any more.
    func finish() {
        for row in directoryTimes.reversed() {
            let path = row.path.isRoot ? [UInt8(ascii: ".")] : row.path.bytes
            let result = path.withCString { clxd_openat2(root, $0, Self.directoryFlags, 0, Self.resolve) }
            guard result >= 0 else { continue }
            let descriptor = Descriptor(result)
            // A time that the file system cannot store is no reason to fail.
            _ = clxd_set_times(descriptor.number, "", row.seconds, row.nanoseconds, row.seconds, row.nanoseconds)
        }
    }

    // MARK: Attributes

    /// Owner first: changing it clears setuid bits and capabilities.
    private func setOwnerAndMode(_ descriptor: Int32, _ entry: Entry) throws(Failure) {
        let (uid, gid) = try entry.owner()
        try check(clxd_fchownat(descriptor, "", uid, gid, CLXD_AT_EMPTY_PATH), "set the owner of", entry.path.bytes)
        try check(clxd_fchmod(descriptor, entry.permissions), "set the mode of", entry.path.bytes)
        for (name, value) in entry.attributes() {
            let result = name.withCString { clxd_fsetxattr(descriptor, $0, value, value.count) }
            if result == -EOPNOTSUPP { continue }
            try check(result, "set the attribute \(quoted(name)) of", entry.path.bytes)
        }
    }

    private func setOwnerAndTime(of name: Bytes, in directory: Int32, _ entry: Entry) throws(Failure) {
        let (uid, gid) = try entry.owner()
        try check(
            name.withCString { clxd_fchownat(directory, $0, uid, gid, CLXD_AT_SYMLINK_NOFOLLOW) }, "set the owner of",
            entry.path.bytes)
        let seconds = Int64(archive_entry_mtime(entry.handle))
        try check(
            name.withCString { clxd_set_times(directory, $0, seconds, 0, seconds, UInt32(clamping: archive_entry_mtime_nsec(entry.handle))) },
            "set the time of", entry.path.bytes)
    }
}
