import Crypto
import Dispatch
import Glibc
import LXDAPI
import LXDClient
import LXDHTTP

/// Lets SFTP clients of this machine or others reach the files of one instance.
struct SFTPListener {
    let resource: Resource
    let login: SSHLogin

    /// - Parameter address: `host:port`; port 0 takes any.
    func run(on address: String) async throws {
        _ = try await resource.server.instance(resource.name)
        let listening = try Self.listen(address)
        defer { close(listening) }
        Standard.output("SSH SFTP listening on \(Self.name(listening, peer: false))\n")
        switch login {
        case .anybody: Standard.output("Login without username and password\n")
        case .password(let user, let password):
            Standard.output("Login with username \(user.goQuoted) and password \(password.goQuoted)\n")
        }
        let hostKey = Curve25519.Signing.PrivateKey()
        while let accepted = await Self.accept(listening) { serve(accepted, hostKey) }
        throw CommandFailure("Failed to accept incoming connection: \(Standard.errorText(errno))")
    }

    private func serve(_ accepted: Int32, _ hostKey: Curve25519.Signing.PrivateKey) {
        let peer = Self.name(accepted, peer: true)
        Standard.output("SSH client connected \(peer.goQuoted)\n")
        let (server, name) = (resource.server, resource.name)
        let connection = SSHConnection(SSHSocket(accepted), hostKey: hostKey, login: login) {
            FileServerStream(connection: try await server.fileServer(of: name))
        }
        Task {
            do {
                try await connection.run()
            } catch {
                Standard.error("SSH client \(peer.goQuoted) failed: \(FailureText.of(error))\n")
            }
            Standard.output("SSH client disconnected \(peer.goQuoted)\n")
        }
    }

    /// A thread of its own, since the call blocks until a client comes.
    private static let accepting = DispatchQueue(label: "ssh-accept")

    private static func accept(_ listening: Int32) async -> Int32? {
        await withCheckedContinuation { continuation in
            accepting.async {
                var accepted: Int32 = -1
                repeat { accepted = Glibc.accept(listening, nil, nil) } while accepted < 0 && errno == EINTR
                continuation.resume(returning: accepted < 0 ? nil : accepted)
            }
        }
    }

    private static func listen(_ address: String) throws -> Int32 {
        guard let colon = address.lastIndex(of: ":") else {
            throw CommandFailure("Failed to listen for connection: address \(address): missing port in address")
        }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host.isEmpty ? nil : host, String(address[address.index(after: colon)...]), &hints, &found)
        guard result == 0, let first = found else {
            throw CommandFailure("Failed to listen for connection: \(address): \(String(cString: gai_strerror(result)))")
        }
        defer { freeaddrinfo(first) }
        let descriptor = socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard descriptor >= 0, bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0,
            Glibc.listen(descriptor, 16) == 0
        else {
            let reason = Standard.errorText(errno)
            if descriptor >= 0 { close(descriptor) }
            throw CommandFailure("Failed to listen for connection: listen tcp \(address): \(reason)")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    /// Host and port of one end of a socket.
    private static func name(_ descriptor: Int32, peer: Bool) -> String {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: 256)
        var port = [CChar](repeating: 0, count: 32)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let known = peer ? getpeername(descriptor, address, &length) : getsockname(descriptor, address, &length)
                guard known == 0 else { return Int32(-1) }
                return getnameinfo(
                    address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                    NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        guard result == 0 else { return "unknown" }
        func text(_ buffer: [CChar]) -> String {
            String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        let (shownHost, shownPort) = (text(host), text(port))
        return shownHost.contains(":") ? "[\(shownHost)]:\(shownPort)" : "\(shownHost):\(shownPort)"
    }

    /// A word that nobody guesses.
    static func randomWord(_ length: Int) -> String {
        let letters = Array("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        return String((0..<length).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }
}
