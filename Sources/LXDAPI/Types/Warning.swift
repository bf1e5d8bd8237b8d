/// Warning.
public struct Warning: WireValue {
    /// Status. Example: `new`.
    @Zero public var status: String
    /// Uuid. Example: `e9e9da0d-2538-4351-8047-46d4a8ae4dbb`.
    @Zero public var uuid: String
    /// Location. Example: `node1`.
    @Zero public var location: String
    /// Project. Example: `default`.
    @Zero public var project: String
    /// Type. Example: `Couldn't find CGroup`.
    @Zero public var type: String
    /// Count. Example: `1`.
    @Zero public var count: Int
    /// First seen at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var firstSeenAt: LXDTime
    /// Last seen at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var lastSeenAt: LXDTime
    /// Last message. Example: `Couldn't find the CGroup blkio.weight, disk priority will be ignored`.
    @Zero public var lastMessage: String
    /// Severity. Example: `low`.
    @Zero public var severity: String
    /// Entity url. Example: `/1.0/instances/c1?project=default`.
    @Zero public var entityURL: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case status, uuid, location, project, type, count
        case firstSeenAt = "first_seen_at"
        case lastSeenAt = "last_seen_at"
        case lastMessage = "last_message"
        case severity
        case entityURL = "entity_url"
    }

    /// The part that a client may change.
    public var writable: WarningPut {
        get {
            .with {
                $0.status = status
            }
        }
        set {
            status = newValue.status
        }
    }
}

/// WarningPut.
public struct WarningPut: WireValue {
    /// Status. Example: `new`.
    @Zero public var status: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case status
    }
}
