package import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Says why a server could not be reached.
package enum NetworkFailure {
    /// In the words of Go's network library where it has some.
    ///
    /// - Parameter host: `host:port`, for the message.
    package static func reason(_ error: any Error, host: String) -> String {
        switch error {
        case let system as IOError: return "dial tcp \(host): connect: \(text(system))"
        case let connection as NIOConnectionError:
            if connection.dnsAError != nil || connection.dnsAAAAError != nil, connection.connectionErrors.isEmpty {
                return "lookup \(host): no such host"
            }
            let reasons = connection.connectionErrors.map { failed in
                (failed.error as? IOError).map { text($0) } ?? "\(failed.error)"
            }
            return "dial tcp \(host): connect: " + (reasons.first ?? "no connection")
        case HTTPParserError.invalidEOFState: return "unexpected EOF"
        default: return "\(error)"
        }
    }

    /// Whether the connection broke, so that going on where it broke may help.
    package static func isInterruption(_ error: any Error) -> Bool {
        switch error {
        case HTTPTransportError.connectionClosed, HTTPTransportError.bodyTruncated, HTTPTransportError.responseTimeout,
            HTTPParserError.invalidEOFState:
            true
        default: error is IOError || error is ChannelError || error is NIOConnectionError
        }
    }

    /// Of one failed system call.
    package static func text(_ error: IOError) -> String {
        switch error.errnoCode {
        case 111: "connection refused"
        case 110: "connection timed out"
        case 113: "no route to host"
        case 101: "network is unreachable"
        default: error.description
        }
    }
}
