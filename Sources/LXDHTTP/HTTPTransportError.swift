/// What can go wrong below the level of HTTP status codes.
package enum HTTPTransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The peer closed the connection before the message was whole.
    case connectionClosed
    /// Two tasks read from one connection at the same time: a bug of ours.
    case concurrentRead
    /// A body is longer than the reader allows.
    case bodyTooLarge(limitBytes: Int)
    /// A body was cut off before its announced end.
    case bodyTruncated
    /// The writer sent more or fewer bytes than it announced.
    case bodyLengthMismatch
    /// The peer broke HTTP or WebSocket framing.
    case protocolViolation(String)
    /// The connection attempt or the TLS handshake took too long.
    case connectTimeout(String)
    /// The answer's head did not come in time.
    case responseTimeout
    /// The server's certificate is not the pinned one or not signed by the given authority.
    case untrustedCertificate(fingerprint: String?)
    /// The server answered an upgrade with an ordinary response.
    case upgradeRefused(status: Int, body: [UInt8])
    /// Keys or certificates that cannot be used.
    case invalidIdentity(String)

    package var description: String {
        switch self {
        case .connectionClosed: "connection closed by the other side"
        case .concurrentRead: "two tasks read from one connection"
        case .bodyTooLarge(let limit): "body is larger than \(limit) bytes"
        case .bodyTruncated: "unexpected EOF"
        case .bodyLengthMismatch: "body does not have the announced length"
        case .protocolViolation(let text): "protocol error: \(text)"
        case .connectTimeout(let target): "connection to \(target) timed out"
        case .responseTimeout: "no response in time"
        case .untrustedCertificate(let fingerprint):
            "server certificate is not trusted" + (fingerprint.map { " (fingerprint \($0))" } ?? "")
        case .upgradeRefused(let status, _): "websocket: bad handshake (status \(status))"
        case .invalidIdentity(let text): text
        }
    }
}
