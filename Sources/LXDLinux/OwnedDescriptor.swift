internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// A descriptor with one owner: closed exactly once, when the value goes away.
///
/// `FileDescriptor` (from `descriptor`) borrows it and must not outlive it.
package struct OwnedDescriptor: ~Copyable, Sendable {
    private let raw: Int32

    /// Takes over a descriptor that the caller owned until now.
    package init(adopting descriptor: FileDescriptor) { raw = descriptor.rawValue }

    /// Takes over the result of a C call that gives a descriptor or `-errno`.
    package init(result: Int32) throws(Errno) {
        guard result >= 0 else { throw Errno(rawValue: -result) }
        raw = result
    }

    deinit { _ = Glibc.close(raw) }

    /// The descriptor, borrowed.
    package var descriptor: FileDescriptor { FileDescriptor(rawValue: raw) }
    /// The number of the descriptor, borrowed.
    package var rawValue: Int32 { raw }

    /// Gives the descriptor up: the caller closes it.
    package consuming func release() -> FileDescriptor {
        let descriptor = FileDescriptor(rawValue: raw)
        discard self
        return descriptor
    }

    /// Closes now and tells what the kernel said.
    package consuming func close() throws(Errno) {
        let number = raw
        discard self
        guard Glibc.close(number) == 0 else { throw Errno(rawValue: clxd_errno()) }
    }

    /// A second owned descriptor of the same open file, close-on-exec.
    package func duplicate() throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(result: clxd_fcntl_dupfd(raw, 3))
    }
}

/// Turns the `-errno` convention of CLXDLinux into a thrown error.
@discardableResult
package func check(_ result: Int32) throws(Errno) -> Int32 {
    guard result >= 0 else { throw Errno(rawValue: -result) }
    return result
}

/// The same for calls whose results are sizes.
@discardableResult
package func check(_ result: Int) throws(Errno) -> Int {
    guard result >= 0 else { throw Errno(rawValue: Int32(truncatingIfNeeded: -result)) }
    return result
}

/// The number of a descriptor that may have been taken away; -1 then.
func number(of descriptor: borrowing OwnedDescriptor?) -> Int32 {
    switch descriptor {
    case .some(let descriptor): descriptor.rawValue
    case nil: -1
    }
}
