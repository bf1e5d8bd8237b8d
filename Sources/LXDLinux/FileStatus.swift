internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// What kind of thing a name refers to.
package enum FileKind: Sendable, Hashable {
    case regular, directory, symbolicLink, characterDevice, blockDevice, fifo, socket, unknown

    init(mode: UInt32) {
        switch mode & 0o170000 {
        case 0o100000: self = .regular
        case 0o040000: self = .directory
        case 0o120000: self = .symbolicLink
        case 0o020000: self = .characterDevice
        case 0o060000: self = .blockDevice
        case 0o010000: self = .fifo
        case 0o140000: self = .socket
        default: self = .unknown
        }
    }
}

/// What statx says about a file.
package struct FileStatus: Sendable, Hashable {
    package var kind: FileKind
    /// Permission bits with setuid, setgid and sticky (0o7777).
    package var permissions: UInt32
    package var uid: UInt32
    package var gid: UInt32
    package var size: UInt64
    /// 512-byte blocks in use.
    package var blocks: UInt64
    package var inode: UInt64
    package var linkCount: UInt32
    package var deviceMajor: UInt32
    package var deviceMinor: UInt32
    /// Of a device node.
    package var nodeMajor: UInt32
    package var nodeMinor: UInt32
    package var modifiedSeconds: Int64
    package var modifiedNanoseconds: UInt32
    package var accessedSeconds: Int64
    package var mountID: UInt64

    init(_ raw: clxd_status) {
        kind = FileKind(mode: raw.mode)
        permissions = raw.mode & 0o7777
        (uid, gid, size, blocks, inode, linkCount) = (raw.uid, raw.gid, raw.size, raw.blocks, raw.ino, raw.nlink)
        (deviceMajor, deviceMinor, nodeMajor, nodeMinor) = (
            raw.dev_major, raw.dev_minor, raw.rdev_major, raw.rdev_minor
        )
        (modifiedSeconds, modifiedNanoseconds, accessedSeconds) = (raw.mtime_sec, raw.mtime_nsec, raw.atime_sec)
        mountID = raw.mount_id
    }

    /// Of an absolute path on the host that no guest controls.
    package static func of(path: String, followLinks: Bool = true) throws(Errno) -> FileStatus {
        var raw = clxd_status()
        try check(clxd_statx(CLXD_AT_FDCWD, path, followLinks ? 0 : CLXD_AT_SYMLINK_NOFOLLOW, &raw))
        return FileStatus(raw)
    }

    /// Of an open file.
    package static func of(_ descriptor: FileDescriptor) throws(Errno) -> FileStatus {
        var raw = clxd_status()
        try check(clxd_statx(descriptor.rawValue, "", CLXD_AT_EMPTY_PATH, &raw))
        return FileStatus(raw)
    }
}
