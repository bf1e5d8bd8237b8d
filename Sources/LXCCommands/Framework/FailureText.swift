import LXDAPI

/// What is shown of an error after `Error: `.
enum FailureText {
    static func of(_ error: any Error) -> String {
        switch error {
        case let failure as CommandFailure: failure.description
        case let failure as LXDError: failure.message
        default: "\(error)"
        }
    }
}
