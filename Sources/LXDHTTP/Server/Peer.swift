internal import Crypto
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Who is at the other end of a connection, known from kernel objects and the TLS handshake only.
package enum Peer: Sendable, Equatable {
    case unix(UnixCredentials)
    /// `certificate` is nil when the client showed none. Showing one proves possession of its key, not trust.
    case tls(certificate: PeerCertificate?)
    /// A connection without TLS that is not a unix socket.
    case plain
}

/// Credentials of a process at connect time (SO_PEERCRED).
package struct UnixCredentials: Sendable, Equatable {
    package var pid: Int32
    package var uid: UInt32
    package var gid: UInt32

    package init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }
}

/// A certificate shown in a TLS handshake.
package struct PeerCertificate: Sendable, Equatable {
    package var der: [UInt8]
    /// SHA-256 of `der`, lower-case hex: LXD's fingerprint.
    package var fingerprint: String

    package init(der: [UInt8]) {
        self.der = der
        fingerprint = SHA256.hash(data: der).hexadecimal
    }
}

extension Sequence<UInt8> {
    /// Two lower-case digits a byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Facts about a connection that hold for all its requests.
package struct ConnectionInfo: Sendable {
    package var peer: Peer
    /// "10.0.0.1:4711" for TCP, "@" for a unix socket: what LXD logs and hands on.
    package var remoteAddress: String
    /// The listener's own address, "@" for a unix socket.
    package var localAddress: String

    package init(peer: Peer, remoteAddress: String, localAddress: String) {
        self.peer = peer
        self.remoteAddress = remoteAddress
        self.localAddress = localAddress
    }
}

extension ConnectionInfo {
    /// Reads the facts off a channel; after a TLS handshake.
    static func read(from channel: any Channel, isUnix: Bool, isTLS: Bool) async throws -> ConnectionInfo {
        let remote = isUnix ? "@" : Self.text(channel.remoteAddress)
        let local = isUnix ? "@" : Self.text(channel.localAddress)
        if isUnix {
            guard let options = channel as? any SocketOptionProvider else {
                throw HTTPTransportError.protocolViolation("no socket options")
            }
            // SAFETY: the kernel fills struct ucred: three 32-bit integers, the layout of UnixCredentials.
            let credentials: UnixCredentials = try await options.unsafeGetSocketOption(
                level: .socket, name: .init(rawValue: 17)
            ).get()
            return ConnectionInfo(peer: .unix(credentials), remoteAddress: remote, localAddress: local)
        }
        guard isTLS else { return ConnectionInfo(peer: .plain, remoteAddress: remote, localAddress: local) }
        let certificate = try await channel.nioSSL_peerCertificate().flatMapThrowing {
            try $0.map { try $0.toDERBytes() }
        }.get()
        return ConnectionInfo(
            peer: .tls(certificate: certificate.map(PeerCertificate.init(der:))), remoteAddress: remote,
            localAddress: local)
    }

    private static func text(_ address: SocketAddress?) -> String {
        guard let address, let host = address.plainAddress, let port = address.port else { return "" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
