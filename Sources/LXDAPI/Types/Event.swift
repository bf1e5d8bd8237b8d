/// Event.
public struct Event: WireValue {
    /// Type. Example: `lifecycle`.
    @Zero public var type: String
    /// Timestamp. Example: `2021-02-24T19:00:45.452649098-05:00`.
    @Zero public var timestamp: LXDTime
    /// Metadata. Example: `{"action": "instance-started", "source": "/1.0/instances/c1", "context": {}}`.
    @Zero public var metadata: JSONValue
    /// Location. Example: `lxd01`.
    @OmitEmpty public var location: String
    /// Project. Example: `default`.
    @OmitEmpty public var project: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case type, timestamp, metadata, location, project
    }
}

/// EventLogging.
public struct EventLogging: WireValue {
    /// Message.
    @Zero public var message: String
    /// Level.
    @Zero public var level: String
    /// Context.
    @Zero public var context: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case message, level, context
    }
}

/// EventLifecycle.
public struct EventLifecycle: WireValue {
    /// Action.
    @Zero public var action: String
    /// Source.
    @Zero public var source: String
    /// Context.
    @OmitEmpty public var context: [String: JSONValue]
    /// Requestor.
    @OmitEmpty public var requestor: EventLifecycleRequestor?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case action, source, context, requestor
    }
}

/// EventLifecycleRequestor.
public struct EventLifecycleRequestor: WireValue {
    /// Username.
    @Zero public var username: String
    /// Protocol.
    @Zero public var `protocol`: String
    /// Address. Example: `10.0.2.15`.
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
