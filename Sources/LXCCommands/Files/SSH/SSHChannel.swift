import LXDHTTP
import NIOCore

/// Bytes both ways.
protocol SSHByteStream: Sendable {
    func send(_ bytes: [UInt8]) async throws
    /// The next bytes; nil at the end.
    func receive() async throws -> [UInt8]?
    func end()
}

/// An instance's file server as a stream.
struct FileServerStream: SSHByteStream {
    let connection: RawConnection

    func send(_ bytes: [UInt8]) async throws { try await connection.send(bytes) }
    func receive() async throws -> [UInt8]? { try await connection.receive().map { Array($0.readableBytesView) } }
    func end() { connection.abort() }
}

/// One session within a connection. Belongs to the actor that serves the connection.
final class SSHChannel {
    let peer: UInt32
    let number: UInt32
    /// Longest data the peer takes in one packet.
    let packetMax: Int
    var files: (any SSHByteStream)?
    var closeSent = false
    private(set) var isEnded = false
    /// Bytes that the peer has room for.
    private var window: Int
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(peer: UInt32, number: UInt32, window: Int, packetMax: Int) {
        self.peer = peer
        self.number = number
        self.window = window
        self.packetMax = packetMax
    }

    /// The room there is, once there is some; 0 when the channel has ended.
    func room(isolation: isolated (any Actor)? = #isolation) async -> Int {
        while window <= 0, !isEnded {
            await withCheckedContinuation { waiters.append($0) }
        }
        return isEnded ? 0 : window
    }

    func widen(_ bytes: Int) {
        window = min(window + bytes, 1 << 31)
        if window > 0 { wake() }
    }

    func end() {
        isEnded = true
        files?.end()
        wake()
    }

    private func wake() {
        let all = waiters
        waiters = []
        for waiter in all { waiter.resume() }
    }
}
