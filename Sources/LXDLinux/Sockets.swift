internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// Who is on the other end of a unix socket, by the kernel's word.
package struct PeerCredentials: Sendable, Hashable {
    package var pid: Int32
    package var uid: UInt32
    package var gid: UInt32

    package init(of socket: FileDescriptor) throws(Errno) {
        var peer = clxd_peer()
        try check(clxd_peer_credentials(socket.rawValue, &peer))
        (pid, uid, gid) = (peer.pid, peer.uid, peer.gid)
    }
}

/// Kinds of unix sockets we use.
package enum UnixSocketType: Sendable {
    case stream
    /// Keeps message borders and order.
    case sequencedPacket

    var raw: Int32 {
        switch self {
        case .stream: Int32(SOCK_STREAM.rawValue)
        case .sequencedPacket: Int32(SOCK_SEQPACKET.rawValue)
        }
    }
}

/// Two connected sockets; `take()` one to own it alone.
package struct SocketPair: ~Copyable {
    package var first: OwnedDescriptor?
    package var second: OwnedDescriptor?

    /// Makes two connected close-on-exec ends.
    package init(_ type: UnixSocketType) throws(Errno) {
        var first: Int32 = -1
        var second: Int32 = -1
        try check(clxd_socketpair(type.raw, &first, &second))
        self.first = OwnedDescriptor(adopting: FileDescriptor(rawValue: first))
        self.second = OwnedDescriptor(adopting: FileDescriptor(rawValue: second))
    }

    package var firstNumber: Int32 { number(of: first) }
    package var secondNumber: Int32 { number(of: second) }
}

/// Unix sockets and descriptors that travel over them.
package enum UnixSocket {
    package static func connect(path: String, type: UnixSocketType) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(result: clxd_unix_socket(path, type.raw, 0))
    }

    package static func listen(path: String, type: UnixSocketType) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(result: clxd_unix_socket(path, type.raw, 1))
    }

    /// Sends one message with up to 16 descriptors.
    package static func send(_ bytes: [UInt8], descriptors: [FileDescriptor] = [], over socket: FileDescriptor)
        throws(Errno)
    {
        let numbers = descriptors.map(\.rawValue)
        let count = bytes.withUnsafeBytes {
            clxd_send_descriptors(socket.rawValue, $0.baseAddress, $0.count, numbers, Int32(numbers.count), 0)
        }
        try check(count)
    }

    /// Receives one message; empty bytes mean the other side closed. The caller owns the descriptors.
    package static func receive(sizeMax: Int, over socket: FileDescriptor) throws(Errno) -> (
        bytes: [UInt8], descriptors: [FileDescriptor]
    ) {
        var bytes = [UInt8](repeating: 0, count: sizeMax)
        var numbers = [Int32](repeating: -1, count: Int(CLXD_DESCRIPTORS_MAX))
        var numberCount = Int32(numbers.count)
        let count = bytes.withUnsafeMutableBytes {
            clxd_receive_descriptors(socket.rawValue, $0.baseAddress, $0.count, &numbers, &numberCount, 0)
        }
        try check(count)
        bytes.removeLast(bytes.count - count)
        return (bytes, numbers.prefix(Int(numberCount)).map { FileDescriptor(rawValue: $0) })
    }
}

/// A pseudo terminal of the host's devpts; `take()` an end to own it alone.
package struct PseudoTerminal: ~Copyable {
    package var master: OwnedDescriptor?
    package var peer: OwnedDescriptor?

    package init() throws(Errno) {
        var master: Int32 = -1
        var peer: Int32 = -1
        try check(clxd_openpty(&master, &peer))
        self.master = OwnedDescriptor(adopting: FileDescriptor(rawValue: master))
        self.peer = OwnedDescriptor(adopting: FileDescriptor(rawValue: peer))
        try check(clxd_set_cloexec(master, 1))
        try check(clxd_set_cloexec(peer, 1))
    }

    /// Sets the window size; programs on the terminal get SIGWINCH.
    package static func resize(_ descriptor: FileDescriptor, rows: Int, columns: Int) throws(Errno) {
        try check(clxd_set_window(descriptor.rawValue, UInt32(clamping: rows), UInt32(clamping: columns)))
    }
}

/// An advisory lock on a whole file, held while the descriptor is open.
package enum FileLock {
    /// - Throws: `Errno.resourceTemporarilyUnavailable` when another holds it and `wait` is false.
    package static func lock(_ descriptor: FileDescriptor, exclusive: Bool = true, wait: Bool) throws(Errno) {
        try check(clxd_flock(descriptor.rawValue, (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB)))
    }
}

/// Memory that looks like a file.
package enum MemoryFile {
    /// A copy of `bytes` that nobody can change any more; may be executed through `/proc/PID/fd/N`.
    package static func sealed(name: String, _ bytes: [UInt8]) throws(Errno) -> OwnedDescriptor {
        let fd = try OwnedDescriptor(result: clxd_memfd_create(name, UInt32(CLXD_MFD_CLOEXEC | CLXD_MFD_ALLOW_SEALING)))
        try writeAll(bytes, to: fd.descriptor)
        try check(clxd_seal(fd.rawValue))
        return fd
    }
}
