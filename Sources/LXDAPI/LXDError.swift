/// What went wrong, for whoever asked: a code that programs decide by and a message that people read.
///
/// The message is LXD's where LXD has one. The cause is for the log and never sent.
public struct LXDError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure. Each has one HTTP status.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case badRequest, unauthorized, forbidden, notFound, methodNotAllowed, conflict, preconditionFailed,
            payloadTooLarge
        case internalError, notImplemented, unavailable, timeout
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }

    /// The same failure with what was being done put before it: `CONTEXT: MESSAGE`.
    public func wrapped(_ context: String) -> LXDError {
        LXDError(code, "\(context): \(message)", cause: cause)
    }

    /// This error, if it is one of ours; else an internal error that says what it says.
    public static func from(_ error: any Error) -> LXDError {
        (error as? LXDError) ?? LXDError(.internalError, "\(error)", cause: error)
    }
}

extension LXDError {
    public static func badRequest(_ message: String, cause: (any Error)? = nil) -> LXDError {
        LXDError(.badRequest, message, cause: cause)
    }
    public static func unauthorized(_ message: String, cause: (any Error)? = nil) -> LXDError {
        LXDError(.unauthorized, message, cause: cause)
    }
    public static func forbidden(_ message: String = "not authorized", cause: (any Error)? = nil) -> LXDError {
        LXDError(.forbidden, message, cause: cause)
    }
    public static func notFound(_ message: String = "not found", cause: (any Error)? = nil) -> LXDError {
        LXDError(.notFound, message, cause: cause)
    }
    public static func conflict(_ message: String = "already exists", cause: (any Error)? = nil) -> LXDError {
        LXDError(.conflict, message, cause: cause)
    }
    public static func preconditionFailed(_ message: String, cause: (any Error)? = nil) -> LXDError {
        LXDError(.preconditionFailed, message, cause: cause)
    }
    public static func payloadTooLarge(_ message: String, cause: (any Error)? = nil) -> LXDError {
        LXDError(.payloadTooLarge, message, cause: cause)
    }
    public static func internalError(_ message: String, cause: (any Error)? = nil) -> LXDError {
        LXDError(.internalError, message, cause: cause)
    }
    public static func notImplemented(_ message: String = "not implemented", cause: (any Error)? = nil) -> LXDError {
        LXDError(.notImplemented, message, cause: cause)
    }
    public static func unavailable(_ message: String = "unavailable", cause: (any Error)? = nil) -> LXDError {
        LXDError(.unavailable, message, cause: cause)
    }
    public static func timeout(_ message: String, cause: (any Error)? = nil) -> LXDError {
        LXDError(.timeout, message, cause: cause)
    }
}

extension LXDError.Code {
    /// The HTTP status of the kind; the only place where one becomes the other.
    public var httpStatus: Int {
        switch self {
        case .badRequest: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .conflict: 409
        case .preconditionFailed: 412
        case .payloadTooLarge: 413
        case .internalError: 500
        case .notImplemented: 501
        case .unavailable: 503
        case .timeout: 504
        }
    }

    /// The kind a status from a server stands for; statuses we do not know are internal errors.
    public init(httpStatus: Int) {
        self = Self.allCases.first { $0.httpStatus == httpStatus } ?? .internalError
    }
}
