/// The envelope around every answer of the API.
///
///     {"type":"sync","status":"Success","status_code":200,"operation":"","error_code":0,"error":"","metadata":{...}}
///
/// A failed request decodes with zero metadata whatever was asked for, so a client reads ``errorCode`` first.
public struct Response<Metadata: WireValue>: WireValue {
    /// `sync`, `async` or `error`. Example: sync.
    @Zero public var type: String
    /// The name of the status; empty for an error. Example: Success.
    @Zero public var status: String
    /// 200 for sync, 100 for async, 0 for an error. Example: 200.
    @Zero public var statusCode: Int
    /// The path of the operation that was started. Example: /1.0/operations/66e83638-9dd7-4a26-aef2-5462814869a1.
    @Zero public var operation: String
    /// The HTTP status of an error, else 0. Example: 404.
    @Zero public var errorCode: Int
    /// The message of an error. Example: Instance not found.
    @Zero public var error: String
    /// What was asked for.
    @Zero public var metadata: Metadata

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case type, status
        case statusCode = "status_code"
        case operation
        case errorCode = "error_code"
        case error, metadata
    }
}

/// An envelope with any metadata.
public typealias ResponseRaw = Response<JSONValue>

/// The values of ``Response/type``.
public enum ResponseType {
    public static let sync = "sync"
    public static let async = "async"
    public static let error = "error"
}

extension Response {
    /// The answer to a request that was carried out at once.
    public static func sync(_ metadata: Metadata) -> Response {
        .with {
            $0.type = ResponseType.sync
            $0.status = StatusCode.success.name
            $0.statusCode = StatusCode.success.rawValue
            $0.metadata = metadata
        }
    }
}

extension Response<Operation> {
    /// The answer to a request that started an operation.
    public static func async(_ operation: Operation) -> Response {
        .with {
            $0.type = ResponseType.async
            $0.status = StatusCode.operationCreated.name
            $0.statusCode = StatusCode.operationCreated.rawValue
            $0.operation = "/1.0/operations/\(operation.id)"
            $0.metadata = operation
        }
    }
}

extension Response<JSONValue> {
    /// The answer to a request that was refused or failed.
    public static func error(_ error: LXDError) -> Response {
        .with {
            $0.type = ResponseType.error
            $0.errorCode = error.code.httpStatus
            $0.error = error.message
        }
    }
}
