internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// A directory whose contents a guest, an image or a backup controls.
///
/// Every path is relative to it and is resolved by the kernel without leaving it: `..`, absolute symlinks and magic links
/// cannot reach the host. In `.inRoot` a symlink is followed as if the directory were `/`; in `.beneath` one that points
/// outside is an error (`EXDEV`).
package final class ConfinedDirectory: Sendable {
    package enum Resolution: Sendable {
        case inRoot, beneath
    }

    private let directory: OwnedDescriptor
    private let resolve: UInt64

    /// Opens a directory by a host path that only we control.
    package convenience init(path: String, resolution: Resolution = .inRoot) throws(Errno) {
        let flags = UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try self.init(
            adopting: OwnedDescriptor(result: clxd_openat2(CLXD_AT_FDCWD, path, flags, 0, 0)), resolution: resolution)
    }

    /// Takes over an open directory.
    package init(adopting directory: consuming OwnedDescriptor, resolution: Resolution = .inRoot) {
        self.directory = directory
        let scope = resolution == .inRoot ? CLXD_RESOLVE_IN_ROOT : CLXD_RESOLVE_BENEATH
        resolve = UInt64(scope | CLXD_RESOLVE_NO_MAGICLINKS)
    }

    /// The directory itself, borrowed.
    package var descriptor: FileDescriptor { directory.descriptor }

    // MARK: Opening

    /// Opens a file or directory; symlinks are followed inside unless `flags` has `O_NOFOLLOW`.
    ///
    /// - Parameters:
    ///   - path: Relative; leading slashes are dropped, empty means the directory itself.
    ///   - flags: `O_…`; close-on-exec and no-ctty are added.
    ///   - mode: Permission bits of a file that gets created.
    package func open(_ path: String, flags: Int32, mode: UInt32 = 0) throws(Errno) -> OwnedDescriptor {
        // openat2 refuses O_PATH together with anything it would ignore.
        let all = UInt64(UInt32(bitPattern: flags | O_CLOEXEC | (flags & CLXD_O_PATH == 0 ? O_NOCTTY : 0)))
        // The kernel answers EAGAIN when a rename races with a `..` in the path.
        for _ in 0..<64 {
            let result = clxd_openat2(
                directory.rawValue, Self.relative(path), all, flags & O_CREAT != 0 ? UInt64(mode) : 0, resolve)
            if result == -EAGAIN { continue }
            return try OwnedDescriptor(result: result)
        }
        throw Errno.resourceTemporarilyUnavailable
    }

    /// A descriptor that only says which file or directory is meant; symlinks are followed inside.
    package func reference(_ path: String) throws(Errno) -> OwnedDescriptor { try open(path, flags: CLXD_O_PATH) }

    /// A directory below, confined to itself.
    package func directory(_ path: String) throws(Errno) -> ConfinedDirectory {
        let resolution: Resolution = resolve & UInt64(CLXD_RESOLVE_BENEATH) != 0 ? .beneath : .inRoot
        return ConfinedDirectory(adopting: try open(path, flags: O_RDONLY | O_DIRECTORY), resolution: resolution)
    }

    /// A whole regular file.
    /// - Throws: `Errno.fileTooLarge` beyond `limit` bytes; `Errno.invalidArgument` for what is no regular file.
    package func read(_ path: String, limit: Int) throws(Errno) -> [UInt8] {
        // Non-blocking, so that a fifo in place of the file does not hang us.
        let fd = try open(path, flags: O_RDONLY | O_NONBLOCK)
        guard try FileStatus.of(fd.descriptor).kind == .regular else { throw Errno.invalidArgument }
        return try readAll(fd.descriptor, limit: limit)
    }

    /// Replaces a file in one step.
    package func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644, uid: UInt32? = nil, gid: UInt32? = nil)
        throws(Errno)
    {
        try withParent(of: path) { (parent, name) throws(Errno) in
            let temporary = "." + name.prefix(128) + ".new-" + String(UInt64.random(in: 0 ... .max), radix: 36)
            let flags = UInt64(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)
            let fd = try OwnedDescriptor(result: clxd_openat2(parent, temporary, flags, UInt64(mode), resolve))
            do throws(Errno) {
                try writeAll(bytes, to: fd.descriptor)
                if uid != nil || gid != nil {
                    try check(clxd_fchownat(fd.rawValue, "", uid ?? .max, gid ?? .max, CLXD_AT_EMPTY_PATH))
                }
                guard fchmod(fd.rawValue, mode) == 0 else { throw Errno(rawValue: clxd_errno()) }
                try check(clxd_renameat2(parent, temporary, parent, name, 0))
            } catch {
                _ = clxd_unlinkat(parent, temporary, 0)
                throw error
            }
        }
    }

    // MARK: Asking

    /// The status of what a path names; the last symlink is not followed unless asked.
    package func status(_ path: String, followLast: Bool = false) throws(Errno) -> FileStatus {
        // In a variable: a temporary is closed before its number is used.
        let fd = try open(path, flags: CLXD_O_PATH | (followLast ? 0 : O_NOFOLLOW))
        return try FileStatus.of(fd.descriptor)
    }

    package func exists(_ path: String) -> Bool { (try? status(path)) != nil }

    package func readLink(_ path: String) throws(Errno) -> String {
        try withParent(of: path) { (parent, name) throws(Errno) in
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = try check(clxd_readlinkat(parent, name, &buffer, buffer.count))
            return String(decoding: buffer[..<Int(count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// The names in a directory, sorted, without `.` and `..`.
    package func list(_ path: String = "") throws(Errno) -> [String] {
        let fd = try open(path, flags: O_RDONLY | O_DIRECTORY)
        return try listNames(consume fd)
    }

    // MARK: Changing

    package func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
        try withParent(of: path) { (parent, name) throws(Errno) in try check(clxd_mkdirat(parent, name, mode)) }
    }

    /// Makes a directory and those above it that are missing.
    package func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
        var done = ""
        for component in path.split(separator: "/") {
            done += done.isEmpty ? String(component) : "/" + component
            do throws(Errno) { try makeDirectory(done, mode: mode) } catch { if error != .fileExists { throw error } }
        }
    }

    /// Removes a name that is no directory.
    package func removeFile(_ path: String) throws(Errno) {
        try withParent(of: path) { (parent, name) throws(Errno) in try check(clxd_unlinkat(parent, name, 0)) }
    }

    package func removeDirectory(_ path: String) throws(Errno) {
        try withParent(of: path) { (parent, name) throws(Errno) in
            try check(clxd_unlinkat(parent, name, CLXD_AT_REMOVEDIR))
        }
    }

    /// Removes a name and all below it; a missing one is no error. Does not cross mounts.
    package func removeTree(_ path: String) throws(Errno) {
        do throws(Errno) {
            try withParent(of: path) { (parent, name) throws(Errno) in try LXDLinux.removeTree(at: parent, name: name) }
        } catch {
            if error != .noSuchFileOrDirectory { throw error }
        }
    }

    /// - Parameter replace: Whether a file of the new name may be replaced.
    package func rename(_ from: String, to: String, replace: Bool = true) throws(Errno) {
        try withParent(of: from) { (oldParent, oldName) throws(Errno) in
            try withParent(of: to) { (newParent, newName) throws(Errno) in
                try check(clxd_renameat2(oldParent, oldName, newParent, newName, replace ? 0 : 1))
            }
        }
    }

    package func makeSymbolicLink(_ path: String, target: String) throws(Errno) {
        try withParent(of: path) { (parent, name) throws(Errno) in try check(clxd_symlinkat(target, parent, name)) }
    }

    /// Sets the owner of what the path names, never following a last symlink.
    package func setOwner(_ path: String, uid: UInt32, gid: UInt32) throws(Errno) {
        let fd = try open(path, flags: CLXD_O_PATH | O_NOFOLLOW)
        try check(clxd_fchownat(fd.rawValue, "", uid, gid, CLXD_AT_EMPTY_PATH | CLXD_AT_SYMLINK_NOFOLLOW))
    }

    package func setPermissions(_ path: String, _ mode: UInt32) throws(Errno) {
        let fd = try open(path, flags: CLXD_O_PATH)
        guard chmod("/proc/self/fd/\(fd.rawValue)", mode) == 0 else { throw Errno(rawValue: clxd_errno()) }
    }

    // MARK: Extended attributes

    package func attribute(_ name: String, of path: String) throws(Errno) -> [UInt8]? {
        let fd = try open(path, flags: CLXD_O_PATH)
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = clxd_getxattr("/proc/self/fd/\(fd.rawValue)", name, &buffer, buffer.count)
        if count == -Int(ENODATA) { return nil }
        return Array(buffer[..<(try check(count))])
    }

    package func setAttribute(_ name: String, of path: String, to value: [UInt8]) throws(Errno) {
        let fd = try open(path, flags: CLXD_O_PATH)
        try check(clxd_setxattr("/proc/self/fd/\(fd.rawValue)", name, value, value.count, 0))
    }

    // MARK: Parents

    private static func relative(_ path: String) -> String {
        let trimmed = path.drop { $0 == "/" }
        return trimmed.isEmpty ? "." : String(trimmed)
    }

    /// Opens the directory that holds the last component, inside, and hands both on.
    @discardableResult
    private func withParent<Result>(of path: String, _ body: (Int32, String) throws(Errno) -> Result) throws(Errno)
        -> Result
    {
        var parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let name = parts.popLast(), name != ".", name != ".." else { throw Errno.invalidArgument }
        let parent = try open(parts.joined(separator: "/"), flags: CLXD_O_PATH | O_DIRECTORY)
        return try body(parent.rawValue, String(name))
    }
}

/// The names in an open directory.
private func listNames(_ directory: consuming OwnedDescriptor) throws(Errno) -> [String] {
    let number = directory.release().rawValue
    guard let stream = fdopendir(number) else {
        let error = clxd_errno()
        _ = Glibc.close(number)
        throw Errno(rawValue: error)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Removes `name` below the directory `parent` and everything in it, walking by descriptors.
private func removeTree(at parent: Int32, name: String) throws(Errno) {
    let result = clxd_unlinkat(parent, name, 0)
    if result == 0 { return }
    guard result == -EISDIR || result == -EPERM else { throw Errno(rawValue: -result) }
    let flags = UInt64(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    let resolve = UInt64(CLXD_RESOLVE_BENEATH | CLXD_RESOLVE_NO_XDEV)
    let fd = try OwnedDescriptor(result: clxd_openat2(parent, name, flags, 0, resolve))
    for child in try listNames(fd.duplicate()) { try removeTree(at: fd.rawValue, name: child) }
    try check(clxd_unlinkat(parent, name, CLXD_AT_REMOVEDIR))
}

/// Removes a tree by an absolute host path whose parent only we control; a missing one is no error.
///
/// Does not cross mounts.
package func removeHostTree(_ path: String) throws(Errno) {
    guard let slash = path.lastIndex(of: "/"), path.index(after: slash) < path.endIndex else {
        throw Errno.invalidArgument
    }
    let parentPath = slash == path.startIndex ? "/" : String(path[..<slash])
    do throws(Errno) {
        let parent = try OwnedDescriptor(
            result: clxd_openat2(CLXD_AT_FDCWD, parentPath, UInt64(CLXD_O_PATH | O_DIRECTORY | O_CLOEXEC), 0, 0))
        try removeTree(at: parent.rawValue, name: String(path[path.index(after: slash)...]))
    } catch {
        if error != .noSuchFileOrDirectory { throw error }
    }
}

/// Makes a directory on the host and those above it that are missing; existing ones stay as they are.
package func makeHostDirectories(_ path: String, mode: UInt32 = 0o711) throws(Errno) {
    var done = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
        done += (done.isEmpty || done == "/" ? "" : "/") + component
        let result = clxd_mkdirat(CLXD_AT_FDCWD, done, mode)
        if result != -EEXIST { try check(result) }
    }
}

extension ConfinedDirectory {
    /// Creates or empties a file for writing; never through a symlink.
    package func create(_ path: String, mode: UInt32 = 0o600) throws(Errno) -> OwnedDescriptor {
        try open(path, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
    }
}
