/// A warning.
public struct Warning: WireValue {
    /// `new`, `acknowledged` or `resolved`. Example: `new`.
    @Zero public var status: String
    /// Identity. Example: `e9e9da0d-2538-4351-8047-46d4a8ae4dbb`.
    @Zero public var uuid: String
    /// Cluster member; `none` without a cluster. Example: `node1`.
    @Zero public var location: String
    /// Project. Example: `default`.
    @Zero public var project: String
    /// Kind. Example: `Couldn't find CGroup`.
    @Zero public var type: String
    /// How often it was seen. Example: `1`.
    @Zero public var count: Int
    /// When it was first seen. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var firstSeenAt: LXDTime
    /// When it was last seen. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var lastSeenAt: LXDTime
    /// Message of the last time. Example: `Couldn't find the CGroup blkio.weight, disk priority will be ignored`.
    @Zero public var lastMessage: String
    /// `low`, `moderate` or `high`. Example: `low`.
    @Zero public var severity: String
    /// Address of what it is about. Example: `/1.0/instances/c1?project=default`.
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

/// What a client may change of a warning.
public struct WarningPut: WireValue {
    /// `new`, `acknowledged` or `resolved`. Example: `new`.
    @Zero public var status: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case status
    }
}
