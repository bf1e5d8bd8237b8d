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
                .unavailable, "Get \"\(url)\": \(NetworkFailure.reason(error, host: endpoint.description))", cause: error)
        }
    }

    private static func socketError(_ error: IOError, _ path: String) -> LXDError {
        switch error.errnoCode {
        case 2:  // ENOENT
            .unavailable("LXD unix socket \"\(path)\" not found: Please check LXD is running", cause: error)
        case 13:  // EACCES
            .forbidden("You don't have the needed permissions to talk to the LXD daemon (socket path: \(path))", cause: error)
        default:
            .unavailable("dial unix \(path): connect: \(NetworkFailure.text(error)): Please check LXD is running", cause: error)
        }
    }
}
