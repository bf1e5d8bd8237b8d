import LXDAPI
import LXDHTTP

/// Says to a person what went wrong on the way to an image server.
enum WebFailure {
    static func describe(_ error: any Error, _ address: WebAddress) -> LXDError {
        if let known = error as? LXDError { return known }
        if error is CancellationError { return .internalError("Operation cancelled", cause: error) }
        if case WebError.refusedAddress = error { return .forbidden("\(error)", cause: error) }
        let reason = NetworkFailure.reason(error, host: address.authority)
        return .unavailable("Get \(goQuoted(address.description)): \(reason)", cause: error)
    }
}
