/// NetworkZonesPost.
public struct NetworkZonesPost: WireValue {
    /// Description. Example: `Internal domain`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `example.net`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, name
    }

    /// The part that a client may change.
    public var writable: NetworkZonePut {
        get {
            .with {
                $0.description = description
                $0.config = config
            }
        }
        set {
            description = newValue.description
            config = newValue.config
        }
    }
}

/// NetworkZonePut.
public struct NetworkZonePut: WireValue {
    /// Description. Example: `Internal domain`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config
    }
}

/// NetworkZone.
public struct NetworkZone: WireValue {
    /// Description. Example: `Internal domain`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `example.net`.
    @Zero public var name: String
    /// Used by. Example: `["/1.0/networks/foo", "/1.0/networks/bar"]`.
    @Zero public var usedBy: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, name
        case usedBy = "used_by"
    }

    /// The part that a client may change.
    public var writable: NetworkZonePut {
        get {
            .with {
                $0.description = description
                $0.config = config
            }
        }
        set {
            description = newValue.description
            config = newValue.config
        }
    }
}

/// NetworkZoneRecordsPost.
public struct NetworkZoneRecordsPost: WireValue {
    /// Description. Example: `SPF record`.
    @Zero public var description: String
    /// Entries.
    @Zero public var entries: [NetworkZoneRecordEntry]
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `@`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, entries, config, name
    }

    /// The part that a client may change.
    public var writable: NetworkZoneRecordPut {
        get {
            .with {
                $0.description = description
                $0.entries = entries
                $0.config = config
            }
        }
        set {
            description = newValue.description
            entries = newValue.entries
            config = newValue.config
        }
    }
}

/// NetworkZoneRecordPut.
public struct NetworkZoneRecordPut: WireValue {
    /// Description. Example: `SPF record`.
    @Zero public var description: String
    /// Entries.
    @Zero public var entries: [NetworkZoneRecordEntry]
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, entries, config
    }
}

/// NetworkZoneRecordEntry.
public struct NetworkZoneRecordEntry: WireValue {
    /// Type. Example: `TXT`.
    @Zero public var type: String
    /// Ttl. Example: `3600`.
    @OmitEmpty public var ttl: UInt64
    /// Value. Example: `v=spf1 mx ~all`.
    @Zero public var value: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case type, ttl, value
    }
}

/// NetworkZoneRecord.
public struct NetworkZoneRecord: WireValue {
    /// Description. Example: `SPF record`.
    @Zero public var description: String
    /// Entries.
    @Zero public var entries: [NetworkZoneRecordEntry]
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `@`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, entries, config, name
    }

    /// The part that a client may change.
    public var writable: NetworkZoneRecordPut {
        get {
            .with {
                $0.description = description
                $0.entries = entries
                $0.config = config
            }
        }
        set {
            description = newValue.description
            entries = newValue.entries
            config = newValue.config
        }
    }
}
