/// Something that happened.
public struct Event: WireValue {
    /// `lifecycle`, `logging` or `operation`; see ``EventType``. Example: `lifecycle`.
    @Zero public var type: String
    /// When it happened. Example: `2021-02-24T19:00:45.452649098-05:00`.
    @Zero public var timestamp: LXDTime
    /// What happened, by type. Example: `{"action": "instance-started", "source": "/1.0/instances/c1", "context": {}}`.
    @Zero public var metadata: JSONValue
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
    @OmitEmpty public var location: String
    /// Project. Example: `default`.
    @OmitEmpty public var project: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case type, timestamp, metadata, location, project
    }
}

/// A line of the log.
public struct EventLogging: WireValue {
    /// Message.
    @Zero public var message: String
    /// Severity: `debug`, `info`, `warning` or `error`.
    @Zero public var level: String
    /// Details.
    @Zero public var context: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case message, level, context
    }
}

/// Something that happened to an object.
public struct EventLifecycle: WireValue {
    /// What happened; see ``LifecycleAction``.
    @Zero public var action: String
    /// Address of what it happened to.
    @Zero public var source: String
    /// Details.
    @OmitEmpty public var context: [String: JSONValue]
    /// Who asked for it.
    @OmitEmpty public var requestor: EventLifecycleRequestor?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case action, source, context, requestor
    }
}

/// Who asked for something.
public struct EventLifecycleRequestor: WireValue {
    /// Name of the client.
    @Zero public var username: String
    /// How the client proved who it is: `unix`, `tls`.
    @Zero public var `protocol`: String
    /// Where the request came from. Example: `10.0.2.15`.
    @Zero public var address: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case username, `protocol`, address
    }
}

/// The values of ``Event/type``.
public enum EventType {
    public static let lifecycle = "lifecycle"
    public static let logging = "logging"
    public static let operation = "operation"
}
