import LXDAPI
import LXDHTTP
import NIOCore
import NIOPosix

/// Says to a person why a server could not be talked to.
package enum ConnectionFailure {
    static func describe(_ error: any Error, endpoint: HTTPEndpoint, url: String) -> any Error {
        if let known = error as? LXDError { return known }
        if case .unix(let path) = endpoint, let system = error as? IOError {
            return socketError(system, path)
        }
        switch error {
        case HTTPTransportError.upgradeRefused(let status, let body):
            if let refusal: ResponseRaw = try? LXDJSON.decode(from: body), !refusal.error.isEmpty {
                return LXDError(.init(httpStatus: status), refusal.error, cause: error)
            }
            return LXDError(.init(httpStatus: status), "\(error)", cause: error)
        default:
            return LXDError(
                .unavailable, "Get \"\(url)\": \(reason(error, host: endpoint.description))", cause: error)
        }
    }

    /// Why a host could not be reached, in the words of Go's network library where it has some.
    package static func reason(_ error: any Error, host: String) -> String {
        switch error {
        case let system as IOError: return "dial tcp \(host): connect: \(reason(system))"
        case let connection as NIOConnectionError:
            if connection.dnsAError != nil || connection.dnsAAAAError != nil, connection.connectionErrors.isEmpty {
                return "lookup \(host): no such host"
            }
            let reasons = connection.connectionErrors.map { failed in
                (failed.error as? IOError).map { reason($0) } ?? "\(failed.error)"
            }
            return "dial tcp \(host): connect: " + (reasons.first ?? "no connection")
        default: return "\(error)"
        }
    }

    private static func socketError(_ error: IOError, _ path: String) -> LXDError {
        switch error.errnoCode {
        case 2:  // ENOENT
            .unavailable("LXD unix socket \"\(path)\" not found: Please check LXD is running", cause: error)
        case 13:  // EACCES
            .forbidden("You don't have the needed permissions to talk to the LXD daemon (socket path: \(path))", cause: error)
        default:
            .unavailable("dial unix \(path): connect: \(reason(error)): Please check LXD is running", cause: error)
        }
    }

    private static func reason(_ error: IOError) -> String {
        switch error.errnoCode {
        case 111: "connection refused"
        case 110: "connection timed out"
        case 113: "no route to host"
        case 101: "network is unreachable"
        default: error.description
        }
    }
}
