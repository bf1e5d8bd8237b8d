internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Lets the kernel end a TCP connection whose peer is not there any more: after 30 seconds without an acknowledgement, as
/// LXD does, or when three questions five seconds apart are not answered in a silence of 15 seconds.
private let lostPeerOptions: [(ChannelOptions.Types.SocketOption, Int)] = [
    (.init(level: .socket, name: .so_keepalive), 1),
    (.init(level: .tcp, name: .init(rawValue: TCP_KEEPIDLE)), 15),
    (.init(level: .tcp, name: .init(rawValue: TCP_KEEPINTVL)), 5),
    (.init(level: .tcp, name: .init(rawValue: TCP_KEEPCNT)), 3),
    (.init(level: .tcp, name: .init(rawValue: TCP_USER_TIMEOUT)), 30_000),
]

extension ServerBootstrap {
    /// For listeners on TCP.
    func endingLostConnections() -> ServerBootstrap {
        lostPeerOptions.reduce(self) { $0.childChannelOption($1.0, value: $1.1) }
    }
}

extension ClientBootstrap {
    /// For connections over TCP.
    func endingLostConnections() -> ClientBootstrap {
        lostPeerOptions.reduce(self) { $0.channelOption($1.0, value: $1.1) }
    }
}
