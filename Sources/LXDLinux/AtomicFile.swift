internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// Whole files, read bounded and replaced in one step.
package enum AtomicFile {
    /// Writes beside, syncs, renames: readers see the old file or the new one, also after a power cut.
    ///
    /// - Parameters:
    ///   - path: A path in a folder that only we control.
    ///   - mode: Permission bits, not cut by the umask.
    ///   - sync: Off for files that are rebuilt at boot anyway.
    package static func write(_ bytes: some Sequence<UInt8>, to path: String, mode: UInt32 = 0o600, sync: Bool = true)
        throws(Errno)
    {
        let temporary = path + ".new-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        let fd = try OwnedDescriptor(
            result: clxd_openat2(
                CLXD_AT_FDCWD, temporary, UInt64(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC), UInt64(mode), 0))
        do throws(Errno) {
            try writeAll(Array(bytes), to: fd.descriptor)
            guard fchmod(fd.rawValue, mode) == 0 else { throw Errno(rawValue: clxd_errno()) }
            if sync { guard fsync(fd.rawValue) == 0 else { throw Errno(rawValue: clxd_errno()) } }
            try check(clxd_renameat2(CLXD_AT_FDCWD, temporary, CLXD_AT_FDCWD, path, 0))
        } catch {
            _ = clxd_unlinkat(CLXD_AT_FDCWD, temporary, 0)
            throw error
        }
        if sync {
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            let directory = try OwnedDescriptor(
                result: clxd_openat2(
                    CLXD_AT_FDCWD, folder.isEmpty ? "/" : folder, UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0))
            guard fsync(directory.rawValue) == 0 else { throw Errno(rawValue: clxd_errno()) }
        }
    }

    /// The same for text.
    package static func write(_ text: String, to path: String, mode: UInt32 = 0o600, sync: Bool = true) throws(Errno) {
        try write(text.utf8, to: path, mode: mode, sync: sync)
    }

    /// Reads a whole file.
    /// - Throws: `Errno.fileTooLarge` beyond `limit` bytes.
    package static func read(_ path: String, limit: Int = 16 << 20) throws(Errno) -> [UInt8] {
        let fd = try OwnedDescriptor(result: clxd_openat2(CLXD_AT_FDCWD, path, UInt64(O_RDONLY | O_CLOEXEC), 0, 0))
        return try readAll(fd.descriptor, limit: limit)
    }

    /// Reads a whole text file.
    package static func readText(_ path: String, limit: Int = 16 << 20) throws(Errno) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }
}

/// Writes every byte to a blocking descriptor.
package func writeAll(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(Errno) {
    var offset = 0
    while offset < bytes.count {
        let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
        if count < 0 {
            let error = clxd_errno()
            if error == EINTR { continue }
            throw Errno(rawValue: error)
        }
        offset += count
    }
}

/// Reads to the end of a blocking descriptor.
/// - Throws: `Errno.fileTooLarge` beyond `limit` bytes.
package func readAll(_ descriptor: FileDescriptor, limit: Int) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while true {
        let count = Glibc.read(descriptor.rawValue, &chunk, chunk.count)
        if count < 0 {
            let error = clxd_errno()
            if error == EINTR { continue }
            throw Errno(rawValue: error)
        }
        if count == 0 { return bytes }
        guard bytes.count + count <= limit else { throw Errno.fileTooLarge }
        bytes.append(contentsOf: chunk[..<count])
    }
}
