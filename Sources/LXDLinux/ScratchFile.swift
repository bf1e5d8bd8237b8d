internal import CLXDLinux
package import SystemPackage

/// A file without a name, in memory: gives bytes to a program by descriptor.
package final class ScratchFile: Sendable {
    private let file: OwnedDescriptor

    /// The position is at the start.
    package init(_ bytes: [UInt8]) throws(Errno) {
        file = try OwnedDescriptor(result: clxd_memfd_create("lxd", UInt32(CLXD_MFD_CLOEXEC)))
        try writeAll(bytes, to: file.descriptor)
        try rewind()
    }

    /// Borrowed.
    package var descriptor: FileDescriptor { file.descriptor }

    package func rewind() throws(Errno) { try check(Int(clxd_seek(file.rawValue, 0, 0))) }

    /// All of it, up to a limit.
    package func contents(limit: Int) throws(Errno) -> [UInt8] {
        try rewind()
        return try readAll(file.descriptor, limit: limit)
    }
}
