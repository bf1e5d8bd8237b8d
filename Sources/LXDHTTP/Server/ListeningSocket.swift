internal import Glibc
internal import NIOCore
package import NIOPosix

/// A bound socket, before anything accepts on it.
package struct ListeningSocket: Sendable {
    package let descriptor: CInt
    package let isUnix: Bool
    /// The path of a unix socket, or "ADDRESS:PORT" as bound.
    package let address: String
    private let removesPath: Bool

    /// Binds a unix socket that nobody can reach before its mode and group are set.
    ///
    /// A socket file left by a daemon that died is replaced; one that still answers is not.
    /// - Parameters:
    ///   - path: At most 107 bytes.
    ///   - mode: File mode, 0o660 for the API.
    ///   - group: Owner group; nil leaves the process's.
    /// - Throws: `ListenError`.
    package static func unix(path: String, mode: mode_t, group: gid_t?) throws(ListenError) -> ListeningSocket {
        var name = try unixAddress(path)
        let descriptor = try openSocket(AF_UNIX, address: path)
        let answers = withAddress(&name) { connect(descriptor, $0, $1) } == 0
        close(descriptor)
        if answers { throw .alreadyServed(path) }
        unlink(path)
        let listening = try openSocket(AF_UNIX, address: path)
        do throws(ListenError) {
            guard withAddress(&name, { bind(listening, $0, $1) }) == 0 else { throw ListenError.system(path, errno) }
            // Nobody can connect before listen(), so the mode is never wider than asked.
            guard chmod(path, mode) == 0 else { throw ListenError.system(path, errno) }
            if let group, chown(path, uid_t.max, group) != 0 { throw ListenError.system(path, errno) }
            guard Glibc.listen(listening, 512) == 0 else { throw ListenError.system(path, errno) }
        } catch {
            close(listening)
            throw error
        }
        return ListeningSocket(descriptor: listening, isUnix: true, address: path, removesPath: true)
    }

    /// Binds TCP. An empty host means every address, IPv4 and IPv6.
    ///
    /// - Throws: `ListenError`; EADDRINUSE when the port is taken.
    package static func tcp(host: String, port: UInt16) throws(ListenError) -> ListeningSocket {
        let text = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host.isEmpty ? "::" : host, String(port), &hints, &found)
        guard result == 0, let first = found else { throw ListenError.unknownHost(host) }
        defer { freeaddrinfo(first) }
        let descriptor = try openSocket(first.pointee.ai_family, address: text)
        var one: CInt = 1
        var only6: CInt = 0
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        if first.pointee.ai_family == AF_INET6 {
            // A wildcard takes IPv4 as well.
            setsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &only6, socklen_t(MemoryLayout<CInt>.size))
        }
        guard bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, Glibc.listen(descriptor, 512) == 0
        else {
            let code = errno
            close(descriptor)
            throw ListenError.system(text, code)
        }
        let bound = port == 0 ? text.dropLast() + String(boundPort(of: descriptor)) : text[...]
        return ListeningSocket(descriptor: descriptor, isUnix: false, address: String(bound), removesPath: false)
    }

    /// The port the kernel chose; it stands at the same place for both families.
    private static func boundPort(of descriptor: CInt) -> UInt16 {
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return result == 0 ? UInt16(bigEndian: storage.sin6_port) : 0
    }

    /// Sockets handed over by systemd (sd_listen_fds(3)): descriptors from 3 on, if LISTEN_PID names this process.
    package static func inherited(environment: [String: String], pid: Int32 = getpid()) -> [ListeningSocket] {
        guard let owner = environment["LISTEN_PID"].flatMap({ Int32($0) }), owner == pid,
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), (1...64).contains(count)
        else { return [] }
        return (3..<3 + count).compactMap { descriptor in
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            return adopt(descriptor)
        }
    }

    private static func adopt(_ descriptor: CInt) -> ListeningSocket? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        let isUnix = CInt(storage.ss_family) == AF_UNIX
        return ListeningSocket(
            descriptor: descriptor, isUnix: isUnix,
            address: isUnix ? "systemd:\(descriptor)" : "systemd-tcp:\(descriptor)",
            removesPath: false)
    }

    /// Removes the socket's file, if this process made it.
    func removePath() {
        if removesPath { unlink(address) }
    }

    private static func openSocket(_ family: CInt, address: String) throws(ListenError) -> CInt {
        let descriptor = socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ListenError.system(address, errno) }
        return descriptor
    }

    private static func unixAddress(_ path: String) throws(ListenError) -> sockaddr_un {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: name.sun_path)
        guard !bytes.isEmpty, bytes.count < room else { throw ListenError.pathTooLong(path, maxBytes: room - 1) }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        return name
    }

    private static func withAddress(_ name: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt)
        -> CInt
    {
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// Why an address cannot be listened on.
package enum ListenError: Error, Sendable, Equatable, CustomStringConvertible {
    case alreadyServed(String)
    case pathTooLong(String, maxBytes: Int)
    case unknownHost(String)
    case system(String, CInt)

    package var description: String {
        switch self {
        case .alreadyServed(let path): "LXD is already running (\(path) answers)"
        case .pathTooLong(let path, let max): "socket path \(path) is longer than \(max) bytes"
        case .unknownHost(let host): "lookup \(host): no such host"
        case .system(let address, let code):
            "listen tcp \(address): bind: \(String(cString: strerror(code)).lowercased())"
        }
    }
}
