/// What is sent to create a network zone.
public struct NetworkZonesPost: WireValue {
    /// Text for people. Example: `Internal domain`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
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

/// What a client may change of a network zone.
public struct NetworkZonePut: WireValue {
    /// Text for people. Example: `Internal domain`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config
    }
}

/// A network zone.
public struct NetworkZone: WireValue {
    /// Text for people. Example: `Internal domain`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Name. Example: `example.net`.
    @Zero public var name: String
    /// Addresses of what uses it. Example: `["/1.0/networks/foo", "/1.0/networks/bar"]`.
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

/// What is sent to create a record of a network zone.
public struct NetworkZoneRecordsPost: WireValue {
    /// Text for people. Example: `SPF record`.
    @Zero public var description: String
    /// Entries.
    @Zero public var entries: [NetworkZoneRecordEntry]
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
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

/// What a client may change of a record of a network zone.
public struct NetworkZoneRecordPut: WireValue {
    /// Text for people. Example: `SPF record`.
    @Zero public var description: String
    /// Entries.
    @Zero public var entries: [NetworkZoneRecordEntry]
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, entries, config
    }
}

/// An entry of a DNS record.
public struct NetworkZoneRecordEntry: WireValue {
    /// Kind. Example: `TXT`.
    @Zero public var type: String
    /// Seconds that the entry may be kept. Example: `3600`.
    @OmitEmpty public var ttl: UInt64
    /// Value. Example: `v=spf1 mx ~all`.
    @Zero public var value: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case type, ttl, value
    }
}

/// A record of a network zone.
public struct NetworkZoneRecord: WireValue {
    /// Text for people. Example: `SPF record`.
    @Zero public var description: String
    /// Entries.
    @Zero public var entries: [NetworkZoneRecordEntry]
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
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
