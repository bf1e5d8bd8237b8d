import CLXDLinux
import Glibc

/// File access for the SFTP server: every path is resolved by the kernel below this process's root.
final class SFTPFiles {
    private let root: Int32
    private let resolve = UInt64(CLXD_RESOLVE_IN_ROOT | CLXD_RESOLVE_NO_MAGICLINKS)

    init() { root = Glibc.open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }

    deinit { close(root) }

    // MARK: Opening

    func open(_ path: [CChar], _ flags: UInt32, _ attributes: SFTPAttributes) throws(SFTPFailure) -> Int32 {
        var mode: Int32 = O_NONBLOCK
        switch flags & 3 {
        case 3: mode |= O_RDWR
        case 2: mode |= O_WRONLY
        default: mode |= O_RDONLY
        }
        if flags & 0x04 != 0 { mode |= O_APPEND }
        if flags & 0x08 != 0 { mode |= O_CREAT }
        if flags & 0x10 != 0 { mode |= O_TRUNC }
        if flags & 0x20 != 0 { mode |= O_EXCL }
        let descriptor = try descriptor(path, mode, (attributes.permissions ?? 0o644) & 0o7777)
        return descriptor
    }

    func openDirectory(_ path: [CChar]) throws(SFTPFailure) -> OpaquePointer {
        let descriptor = try descriptor(path, O_RDONLY | O_DIRECTORY)
        guard let stream = fdopendir(descriptor) else {
            let number = errno
            close(descriptor)
            throw SFTPFailure(number)
        }
        return stream
    }

    private func descriptor(_ path: [CChar], _ flags: Int32, _ mode: UInt32 = 0) throws(SFTPFailure) -> Int32 {
        var flags = UInt64(UInt32(bitPattern: flags | O_CLOEXEC | O_NOCTTY))
        if flags & UInt64(CLXD_O_PATH) != 0 { flags &= ~UInt64(O_NOCTTY | O_NONBLOCK) }
        // EAGAIN: a rename raced with `..`.
        for _ in 0..<64 {
            let result = clxd_openat2(
                root, relative(path), flags, flags & UInt64(O_CREAT) != 0 ? UInt64(mode) : 0, resolve)
            if result == -EAGAIN { continue }
            guard result >= 0 else { throw SFTPFailure(result) }
            return result
        }
        throw SFTPFailure(EAGAIN)
    }

    private func relative(_ path: [CChar]) -> [CChar] {
        let trimmed = path.drop { $0 == 0x2f }
        return trimmed.first == 0 || trimmed.isEmpty ? [0x2e, 0] : Array(trimmed)
    }

    /// Opens the folder of a path's last component and hands both on.
    private func withParent<Result>(
        _ path: [CChar], _ body: (Int32, [CChar]) throws(SFTPFailure) -> Result
    ) throws(SFTPFailure) -> Result {
        var parts = path.dropLast().split(separator: 0x2f)
        guard let last = parts.popLast(), last != [0x2e], last != [0x2e, 0x2e] else { throw SFTPFailure(EINVAL) }
        var parentPath: [CChar] = []
        for part in parts {
            if !parentPath.isEmpty { parentPath.append(0x2f) }
            parentPath += part
        }
        let parent = try descriptor(parentPath + [0], CLXD_O_PATH | O_DIRECTORY)
        defer { close(parent) }
        return try body(parent, Array(last) + [0])
    }

    private func check(_ result: Int32) throws(SFTPFailure) {
        guard result >= 0 else { throw SFTPFailure(result) }
    }

    // MARK: Status

    func status(_ path: [CChar], followLast: Bool) throws(SFTPFailure) -> SFTPAttributes {
        let descriptor = try descriptor(path, CLXD_O_PATH | (followLast ? 0 : O_NOFOLLOW))
        defer { close(descriptor) }
        return try status(of: descriptor)
    }

    func status(of descriptor: Int32) throws(SFTPFailure) -> SFTPAttributes {
        var status = clxd_status()
        try check(clxd_statx(descriptor, "", CLXD_AT_EMPTY_PATH, &status))
        return attributes(status)
    }

    func status(_ name: [CChar], in directory: Int32) throws(SFTPFailure) -> SFTPAttributes {
        var status = clxd_status()
        try check(clxd_statx(directory, name, CLXD_AT_SYMLINK_NOFOLLOW, &status))
        return attributes(status)
    }

    private func attributes(_ status: clxd_status) -> SFTPAttributes {
        var attributes = SFTPAttributes()
        attributes.size = status.size
        attributes.owner = (status.uid, status.gid)
        attributes.permissions = status.mode
        attributes.times = (
            UInt32(clamping: status.atime_sec), UInt32(clamping: status.mtime_sec)
        )
        return attributes
    }

    /// The line of `ls -l` that the protocol sends beside each name.
    static func longName(_ name: [UInt8], _ attributes: SFTPAttributes) -> [UInt8] {
        let mode = attributes.permissions ?? 0
        let kind =
            switch mode & 0o170000 {
            case 0o040000: "d"
            case 0o120000: "l"
            case 0o020000: "c"
            case 0o060000: "b"
            case 0o010000: "p"
            case 0o140000: "s"
            default: "-"
            }
        let letters: [String] = ["r", "w", "x", "r", "w", "x", "r", "w", "x"]
        let bits = letters.enumerated().map { mode & (0o400 >> UInt32($0.offset)) != 0 ? $0.element : "-" }.joined()
        let owner = attributes.owner ?? (0, 0)
        return Array("\(kind)\(bits) 1 \(owner.uid) \(owner.gid) \(attributes.size ?? 0) ".utf8) + name
    }

    // MARK: Changing

    func write(_ descriptor: Int32, _ offset: UInt64, _ data: ArraySlice<UInt8>) throws(SFTPFailure) {
        var rest = data
        var position = off_t(truncatingIfNeeded: offset)
        while !rest.isEmpty {
            var count = rest.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, position) }
            if count < 0 && errno == ESPIPE {
                count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SFTPFailure(errno) }
            position += off_t(count)
            rest = rest.dropFirst(count)
        }
    }

    func set(_ change: (path: [CChar], attributes: SFTPAttributes)) throws(SFTPFailure) {
        if let size = change.attributes.size {
            let descriptor = try descriptor(change.path, O_WRONLY | O_NONBLOCK)
            defer { close(descriptor) }
            guard ftruncate(descriptor, off_t(truncatingIfNeeded: size)) == 0 else { throw SFTPFailure(errno) }
        }
        let descriptor = try descriptor(change.path, CLXD_O_PATH)
        defer { close(descriptor) }
        try set(change.attributes, ofPath: descriptor)
    }

    func set(_ attributes: SFTPAttributes, of descriptor: Int32) throws(SFTPFailure) {
        if let size = attributes.size {
            guard ftruncate(descriptor, off_t(truncatingIfNeeded: size)) == 0 else { throw SFTPFailure(errno) }
        }
        try set(attributes, ofPath: descriptor)
    }

    private func set(_ attributes: SFTPAttributes, ofPath descriptor: Int32) throws(SFTPFailure) {
        // Owner first: a change of it clears setuid and setgid.
        if let owner = attributes.owner {
            try check(clxd_fchownat(descriptor, "", owner.uid, owner.gid, CLXD_AT_EMPTY_PATH))
        }
        if let permissions = attributes.permissions {
            try check(clxd_chmod_descriptor(descriptor, permissions & 0o7777))
        }
        if let times = attributes.times {
            try check(clxd_set_descriptor_times(descriptor, Int64(times.access), Int64(times.modification)))
        }
    }

    func makeDirectory(_ path: [CChar], _ attributes: SFTPAttributes) throws(SFTPFailure) {
        try withParent(path) { (parent, name) throws(SFTPFailure) in
            try check(clxd_mkdirat(parent, name, (attributes.permissions ?? 0o755) & 0o7777))
        }
    }

    func remove(_ path: [CChar], directory: Bool) throws(SFTPFailure) {
        try withParent(path) { (parent, name) throws(SFTPFailure) in
            try check(clxd_unlinkat(parent, name, directory ? CLXD_AT_REMOVEDIR : 0))
        }
    }

    func rename(_ from: [CChar], _ to: [CChar], replace: Bool) throws(SFTPFailure) {
        try withParent(from) { (oldParent, oldName) throws(SFTPFailure) in
            try withParent(to) { (newParent, newName) throws(SFTPFailure) in
                try check(clxd_renameat2(oldParent, oldName, newParent, newName, replace ? 0 : 1))
            }
        }
    }

    func makeLink(target: [CChar], at path: [CChar]) throws(SFTPFailure) {
        try withParent(path) { (parent, name) throws(SFTPFailure) in try check(clxd_symlinkat(target, parent, name)) }
    }

    func makeHardLink(from: [CChar], to: [CChar]) throws(SFTPFailure) {
        try withParent(from) { (oldParent, oldName) throws(SFTPFailure) in
            try withParent(to) { (newParent, newName) throws(SFTPFailure) in
                try check(clxd_linkat(oldParent, oldName, newParent, newName, 0))
            }
        }
    }

    func readLink(_ path: [CChar]) throws(SFTPFailure) -> [UInt8] {
        try withParent(path) { (parent, name) throws(SFTPFailure) in
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = clxd_readlinkat(parent, name, &buffer, buffer.count)
            try check(count)
            return buffer[..<Int(count)].map { UInt8(bitPattern: $0) }
        }
    }

    /// The path from the root, without `.` and `..`; nothing is looked up.
    func normalized(_ path: [CChar]) -> [UInt8] {
        var parts: [ArraySlice<UInt8>] = []
        for part in path.dropLast().map({ UInt8(bitPattern: $0) }).split(separator: 0x2f) {
            if part == [0x2e] { continue }
            if part == [0x2e, 0x2e] { _ = parts.popLast() } else { parts.append(part) }
        }
        return [0x2f] + parts.joined(separator: [0x2f])
    }

    /// The eleven numbers of statvfs.
    func space(_ path: [CChar]) throws(SFTPFailure) -> [UInt64] {
        let descriptor = try descriptor(path, CLXD_O_PATH)
        defer { close(descriptor) }
        var space = statvfs()
        guard fstatvfs(descriptor, &space) == 0 else { throw SFTPFailure(errno) }
        return [
            UInt64(space.f_bsize), UInt64(space.f_frsize), UInt64(space.f_blocks), UInt64(space.f_bfree),
            UInt64(space.f_bavail), UInt64(space.f_files), UInt64(space.f_ffree), UInt64(space.f_favail),
            UInt64(space.f_fsid), UInt64(space.f_flag), UInt64(space.f_namemax),
        ]
    }
}
