internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// One line of mountinfo.
package struct MountEntryInfo: Sendable, Hashable {
    package var mountID: UInt64
    package var parentID: UInt64
    /// Which part of the file system is mounted.
    package var root: String
    package var target: String
    /// Options of this mount, such as `rw,nosuid`.
    package var options: String
    /// `shared:N`, `master:N`...
    package var propagation: [String]
    package var fsType: String
    package var source: String
    /// Options of the file system.
    package var superOptions: String
}

/// The mounts of a mount namespace.
package struct MountTable: Sendable {
    package var entries: [MountEntryInfo]

    /// Parses the text of a mountinfo file; lines that are not understood are left out.
    package init(parsing text: String) {
        entries = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3,
                let id = UInt64(fields[0]), let parent = UInt64(fields[1])
            else { return nil }
            return MountEntryInfo(
                mountID: id, parentID: parent, root: Self.unescape(fields[3]), target: Self.unescape(fields[4]),
                options: fields[5], propagation: Array(fields[6..<dash]), fsType: fields[dash + 1],
                source: Self.unescape(fields[dash + 2]), superOptions: fields[dash + 3])
        }
    }

    /// The mounts that a process sees.
    package static func current(process: String = "self") throws(Errno) -> MountTable {
        MountTable(parsing: try AtomicFile.readText("/proc/\(process)/mountinfo", limit: 64 << 20))
    }

    /// The mounts at `path` and below, innermost last.
    package func below(_ path: String) -> [MountEntryInfo] {
        entries.filter { $0.target == path || $0.target.hasPrefix(path + "/") }
    }

    package func isMountPoint(_ path: String) -> Bool { entries.contains { $0.target == path } }

    /// The kernel writes blanks and such as `\040`.
    private static func unescape(_ field: String) -> String {
        guard field.utf8.contains(UInt8(ascii: "\\")) else { return field }
        var bytes: [UInt8] = []
        let source = Array(field.utf8)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "\\"), index + 3 < source.count,
                let code = UInt8(String(decoding: source[(index + 1)...(index + 3)], as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                index += 4
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Mounts of the daemon's own namespace.
package enum Mounts {
    /// Detaches every mount at `path` and below; none is no error.
    package static func unmountTree(_ path: String) throws(Errno) {
        // A path may carry several mounts on top of each other, and a propagated one may show up late: look again.
        for _ in 0..<16 {
            let found = try MountTable.current().below(path)
            if found.isEmpty { return }
            for entry in found.reversed() {
                let result = clxd_umount2(entry.target, CLXD_MNT_DETACH | CLXD_UMOUNT_NOFOLLOW)
                if result < 0, result != -EINVAL, result != -ENOENT { throw Errno(rawValue: -result) }
            }
        }
    }

    /// Binds `source` to `target`, a folder or file that exists.
    package static func bind(_ source: String, to target: String, recursive: Bool = false, readOnly: Bool = false)
        throws(Errno)
    {
        let flags = UInt64(CLXD_MS_BIND) | (recursive ? UInt64(CLXD_MS_REC) : 0)
        try check(clxd_mount(source, target, nil, flags, nil))
        if readOnly {
            try check(clxd_mount(nil, target, nil, UInt64(CLXD_MS_BIND | CLXD_MS_REMOUNT | CLXD_MS_RDONLY), nil))
        }
    }

    /// Binds what a descriptor refers to, wherever it has been moved to since.
    package static func bind(_ source: FileDescriptor, to target: String, recursive: Bool = false) throws(Errno) {
        try bind("/proc/self/fd/\(source.rawValue)", to: target, recursive: recursive)
    }

    /// Mounts a file system.
    package static func mount(
        _ source: String, at target: String, type: String, options: String = "", readOnly: Bool = false
    ) throws(Errno) {
        let flags: UInt64 = readOnly ? UInt64(CLXD_MS_RDONLY) : 0
        try check(clxd_mount(source, target, type, flags, options.isEmpty ? nil : options))
    }

    package static func makeShared(_ path: String) throws(Errno) {
        try check(clxd_mount(nil, path, nil, UInt64(CLXD_MS_SHARED), nil))
    }

    package static func makePrivate(_ path: String) throws(Errno) {
        try check(clxd_mount(nil, path, nil, UInt64(CLXD_MS_PRIVATE), nil))
    }
}
