/// Work that goes on in the background.
public struct Operation: WireValue {
    /// UUID of the operation. Example: `6916c8a6-9b7d-4abd-90b3-aedfec7ec7da`.
    @Zero public var id: String
    /// `task`, `websocket` or `token`; see ``OperationClass``. Example: `websocket`.
    @Zero public var `class`: String
    /// What is done, for people. Example: `Executing command`.
    @Zero public var description: String
    /// When it was made. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var createdAt: LXDTime
    /// When it last changed. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var updatedAt: LXDTime
    /// State for people. Example: `Running`.
    @Zero public var status: String
    /// State as a number. Example: `103`.
    @Zero public var statusCode: StatusCode
    /// What the operation is about: addresses by kind. Example: `{"containers": ["/1.0/containers/foo"], "instances":
    /// ["/1.0/instances/foo"]}`.
    @NullIfEmpty public var resources: [String: [String]]
    /// What the operation tells: progress, secrets, results. Example: `{"command": ["bash"], "environment": {"HOME":
    /// "/root", "LANG": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM":
    /// "xterm", "USER": "root"}, "fds": {"0": "da3046cf02c0116febf4ef3fe4eaecdf308e720c05e5a9c730ce1a6f15417f66", "1":
    /// "05896879d8692607bd6e4a09475667da3b5f6714418ab0ee0e5720b4c57f754b"}, "interactive": true}`.
    @NullIfEmpty public var metadata: [String: JSONValue]
    /// Whether the operation can be cancelled. Example: `false`.
    @Zero public var mayCancel: Bool
    /// What went wrong; empty if nothing did. Example: `Some error message`.
    @Zero public var err: String
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
    @Zero public var location: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id, `class`, description
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case status
        case statusCode = "status_code"
        case resources, metadata
        case mayCancel = "may_cancel"
        case err, location
    }
}

/// The values of ``Operation/class``.
public enum OperationClass {
    /// Work that runs to its end by itself.
    public static let task = "task"
    /// Work that talks over websockets, each opened with its secret.
    public static let websocket = "websocket"
    /// A secret that waits to be used once.
    public static let token = "token"
}
