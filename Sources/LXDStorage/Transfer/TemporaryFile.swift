internal import CLXDLinux
internal import Glibc
internal import LXDLinux
internal import Synchronization
internal import SystemPackage

/// A file without a name on a pool's disk, gone when nobody has it.
final class TemporaryFile: Sendable {
    private let file: OwnedDescriptor

    init(in folder: String) throws(Errno) {
        let path = folder + "/listing-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        let flags = UInt64(O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC)
        file = try OwnedDescriptor(result: clxd_openat2(CLXD_AT_FDCWD, path, flags, 0o600, 0))
        _ = clxd_unlinkat(CLXD_AT_FDCWD, path, 0)
    }

    /// Borrowed.
    var descriptor: FileDescriptor { file.descriptor }

    func append(_ bytes: [UInt8]) throws(Errno) { try writeAll(bytes, to: file.descriptor) }
    func rewind() throws(Errno) { try check(Int(clxd_seek(file.rawValue, 0, 0))) }
    var size: UInt64 { get throws(Errno) { try FileStatus.of(file.descriptor).size } }
}

/// Bytes of several streams after each other as one number.
final class Counter: Sendable {
    private let state = Mutex((before: Int64(0), current: Int64(0)))

    func total(adding current: Int64) -> Int64 {
        state.withLock { state in
            state.current = current
            return state.before + current
        }
    }

    func next() {
        state.withLock { state in
            state.before += state.current
            state.current = 0
        }
    }
}
