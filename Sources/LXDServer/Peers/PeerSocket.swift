import LXDAPI
package import LXDCore
import LXDHTTP
import NIOCore

/// A WebSocket as operations use it, whichever side opened it.
struct PeerSocket: OperationSocket {
    /// Contents come in messages of some KiB; what describes them may be one message.
    static let options = WebSocketOptions(messageBytesMax: 64 << 20)

    private let socket: WebSocketConnection

    init(_ socket: WebSocketConnection) { self.socket = socket }

    func receive() async throws -> OperationMessage? {
        let message: WebSocketMessage?
        do { message = try await socket.receive() } catch { throw Self.visible(error) }
        return message.map { $0.kind == .text ? .text($0.bytes) : .binary($0.bytes) }
    }

    func send(_ message: OperationMessage) async throws {
        do {
            switch message {
            case .text(let bytes): try await socket.send(.text(String(decoding: bytes, as: UTF8.self)))
            case .binary(let bytes): try await socket.send(binary: bytes)
            }
        } catch {
            throw Self.visible(error)
        }
    }

    private static func visible(_ error: any Error) -> any Error {
        if error is CancellationError || error is LXDError { return error }
        return LXDError.unavailable("The connection to the other side was lost", cause: error)
    }

    func close() async { await socket.close() }
}

/// Connects to other servers' operations.
package struct PeerDialer: OperationDialer {
    private static let timeout = Duration.seconds(10)

    package init() {}

    package func connect(to operation: RemoteOperation, secret: String) async throws -> any OperationSocket {
        // Secrets are hexadecimal; anything else does not go into a request line.
        guard !secret.isEmpty, secret.utf8.allSatisfy({ $0.isLetterOrDigit }) else {
            throw LXDError.badRequest("Invalid secret")
        }
        let verification = operation.certificate.map { ClientTLS.Verification.pinned(der: $0) } ?? .system
        let endpoint = HTTPEndpoint.tcp(
            host: operation.host, port: operation.port, tls: try ClientTLS(verification: verification))
        let session = HTTPClientSession(endpoint, connectTimeout: Self.timeout)
        do {
            return PeerSocket(
                try await session.webSocket("\(operation.path)/websocket?secret=\(secret)", options: PeerSocket.options)
            )
        } catch let error as HTTPTransportError {
            throw Self.visible(error, endpoint)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw LXDError.unavailable("Unable to connect to: \(endpoint.description): \(error)", cause: error)
        }
    }

    private static func visible(_ error: HTTPTransportError, _ endpoint: HTTPEndpoint) -> LXDError {
        switch error {
        case .connectTimeout: .unavailable("Unable to connect to: \(endpoint.description): timed out", cause: error)
        case .untrustedCertificate:
            .badRequest("The server at \(endpoint.description) shows another certificate than expected", cause: error)
        case .upgradeRefused(status: 404, _): .notFound("\(error) by \(endpoint.description)", cause: error)
        case .upgradeRefused: .badRequest("\(error) by \(endpoint.description)", cause: error)
        default: .unavailable("Unable to connect to: \(endpoint.description): \(error)", cause: error)
        }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5a).contains(self) || (0x61...0x7a).contains(self)
    }
}
