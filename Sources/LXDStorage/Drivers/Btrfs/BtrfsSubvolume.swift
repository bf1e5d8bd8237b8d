internal import CLXDLinux
internal import Glibc
internal import LXDLinux
internal import SystemPackage

/// Subvolumes by absolute host paths that only we control; what containers made inside them is reached by descriptor.
enum BtrfsSubvolume {
    struct Info: Sendable {
        var id: UInt64
        var uuid: String
        /// Of a received subvolume, the sender's UUID; empty for others.
        var receivedUUID: String
        var isReadOnly: Bool
    }

    static func isOne(_ path: String) -> Bool {
        isOnBtrfs(path)
            && (try? FileStatus.of(path: path, followLinks: false))?.inode == UInt64(CLXD_BTRFS_SUBVOLUME_INODE)
    }

    static func isOnBtrfs(_ path: String) -> Bool {
        guard let folder = try? ConfinedDirectory(path: path) else { return false }
        return withExtendedLifetime(folder) { clxd_is_btrfs(folder.descriptor.rawValue) == 1 }
    }

    static func create(_ path: String) throws(Errno) {
        let (parent, name) = try split(path)
        try check(clxd_btrfs_create(parent.descriptor.rawValue, name))
    }

    /// Makes a snapshot with those of the subvolumes inside. What of them was read-only stays so.
    static func snapshot(_ source: String, to target: String, readOnly: Bool) throws(Errno) {
        let from = try ConfinedDirectory(path: source, resolution: .beneath)
        let (parent, name) = try split(target)
        let inner = try nested(in: from)
        try check(
            clxd_btrfs_snapshot(
                from.descriptor.rawValue, parent.descriptor.rawValue, name, inner.isEmpty && readOnly ? 1 : 0))
        guard !inner.isEmpty else { return }
        do throws(Errno) {
            let to = try ConfinedDirectory(path: target, resolution: .beneath)
            var readOnlyOnes: [String] = []
            for path in inner {
                let child = try from.directory(path)
                // The snapshot shows an empty directory in the place of a subvolume.
                try to.removeDirectory(path)
                let holder = try parentDirectory(of: path, in: to)
                try check(
                    clxd_btrfs_snapshot(child.descriptor.rawValue, holder.directory.descriptor.rawValue, holder.name, 0)
                )
                if try info(child).isReadOnly { readOnlyOnes.append(path) }
            }
            for path in readOnlyOnes { try setReadOnly(to.directory(path), true) }
            if readOnly { try setReadOnly(to, true) }
        } catch {
            try delete(target)
            throw error
        }
    }

    /// Removes a subvolume with those inside; a missing one is no error.
    static func delete(_ path: String) throws(Errno) {
        let top: ConfinedDirectory
        do throws(Errno) { top = try ConfinedDirectory(path: path, resolution: .beneath) } catch {
            if error == .noSuchFileOrDirectory { return }
            throw error
        }
        let inner = try nested(in: top)
        if !inner.isEmpty {
            try setReadOnly(top, false)
            for path in inner { try setReadOnly(top.directory(path), false) }
            for path in inner.reversed() {
                let holder = try parentDirectory(of: path, in: top)
                try check(clxd_btrfs_destroy(holder.directory.descriptor.rawValue, holder.name))
            }
        }
        let (parent, name) = try split(path)
        try check(clxd_btrfs_destroy(parent.descriptor.rawValue, name))
    }

    static func setReadOnly(_ path: String, _ isReadOnly: Bool) throws(Errno) {
        try setReadOnly(ConfinedDirectory(path: path), isReadOnly)
    }

    static func setReadOnly(_ subvolume: ConfinedDirectory, _ isReadOnly: Bool) throws(Errno) {
        try check(clxd_btrfs_set_read_only(subvolume.descriptor.rawValue, isReadOnly ? 1 : 0))
    }

    static func info(_ subvolume: ConfinedDirectory) throws(Errno) -> Info {
        var raw = clxd_btrfs_subvolume()
        try check(clxd_btrfs_info(subvolume.descriptor.rawValue, &raw))
        return Info(
            id: raw.id, uuid: withUnsafeBytes(of: raw.uuid) { text($0) },
            receivedUUID: withUnsafeBytes(of: raw.received_uuid) { text($0) },
            isReadOnly: raw.read_only != 0)
    }

    /// Says which subvolume of another server this one was received from: `btrfs receive` finds a stream's base by it, and
    /// making a subvolume writable forgets it.
    static func setReceivedUUID(of subvolume: ConfinedDirectory, to text: String) throws(Errno) {
        let digits = Array(text.filter { $0 != "-" })
        guard digits.count == 32 else { return }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 32, by: 2) {
            guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { throw Errno.invalidArgument }
            bytes.append(byte)
        }
        try check(clxd_btrfs_set_received(subvolume.descriptor.rawValue, bytes))
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        if bytes.allSatisfy({ $0 == 0 }) { return "" }
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }

    /// The subvolumes inside, as paths from it, each before those inside it.
    static func nested(in top: ConfinedDirectory) throws(Errno) -> [String] {
        var found: [String] = []
        var open = [""]
        while let path = open.popLast() {
            let subvolume = try path.isEmpty ? top : top.directory(path)
            var buffer = [CChar](repeating: 0, count: 4608)
            var index: UInt32 = 0
            while try check(clxd_btrfs_child(subvolume.descriptor.rawValue, index, &buffer)) > 0 {
                let inner = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                let full = path.isEmpty ? inner : path + "/" + inner
                found.append(full)
                open.append(full)
                index += 1
                guard found.count <= 10_000 else { throw Errno.tooManyLinks }
            }
        }
        return found.sorted()
    }

    private static func split(_ path: String) throws(Errno) -> (ConfinedDirectory, String) {
        guard let slash = path.lastIndex(of: "/") else { throw Errno.invalidArgument }
        return (try ConfinedDirectory(path: String(path[..<slash])), String(path[path.index(after: slash)...]))
    }

    private static func parentDirectory(of path: String, in top: ConfinedDirectory) throws(Errno) -> (
        directory: ConfinedDirectory, name: String
    ) {
        guard let slash = path.lastIndex(of: "/") else { return (top, path) }
        return (try top.directory(String(path[..<slash])), String(path[path.index(after: slash)...]))
    }

    /// Bytes that only this subvolume has; nil without quotas.
    static func usage(_ path: String) throws(Errno) -> UInt64? {
        let subvolume = try ConfinedDirectory(path: path)
        var (referenced, exclusive) = (UInt64(0), UInt64(0))
        let result = clxd_btrfs_usage(subvolume.descriptor.rawValue, try info(subvolume).id, &referenced, &exclusive)
        if result == -ENOENT { return nil }
        try check(result)
        return exclusive
    }

    /// Limits a subvolume; nil lifts the limit.
    static func limit(_ path: String, to bytes: UInt64?) throws(Errno) {
        let subvolume = try ConfinedDirectory(path: path)
        let number = subvolume.descriptor.rawValue
        let result = clxd_btrfs_limit(number, bytes ?? 0)
        // Without quotas there is nothing to lift.
        if result < 0 && bytes == nil { return }
        if result == -ENOTCONN || result == -EINVAL || result == -ENOENT {
            try check(clxd_btrfs_enable_quota(number))
            try check(clxd_btrfs_limit(number, bytes ?? 0))
        } else {
            try check(result)
        }
    }
}
