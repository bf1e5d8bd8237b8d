/// What is sent to create a snapshot of an instance.
public struct InstanceSnapshotsPost: WireValue {
    /// Name. Example: `snap0`.
    @Zero public var name: String
    /// Whether the running state is kept. Example: `false`.
    @Zero public var stateful: Bool
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, stateful
        case expiresAt = "expires_at"
    }
}

/// What is sent to rename or move a snapshot of an instance.
public struct InstanceSnapshotPost: WireValue {
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Whether this is a move to another server rather than a rename. Example: `false`.
    @Zero public var migration: Bool
    /// Target.
    @Zero public var target: InstancePostTarget?
    /// Whether the running state goes along. Example: `false`.
    @OmitEmpty public var live: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, migration, target, live
    }
}

/// What a client may change of a snapshot of an instance.
public struct InstanceSnapshotPut: WireValue {
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case expiresAt = "expires_at"
    }
}

/// A snapshot of an instance.
public struct InstanceSnapshot: WireValue {
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Processor architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Configuration: keys and values. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// When it was made. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime
    /// Devices: names and their properties. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Whether the instance is deleted when it stops. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Configuration with what profiles add. Example: `{"security.nesting": "true"}`.
    @OmitEmpty public var expandedConfig: [String: String]
    /// Devices with what profiles add. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @OmitEmpty public var expandedDevices: [String: [String: String]]
    /// When it was last used. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var lastUsedAt: LXDTime
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Profiles, in the order they are applied. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Whether the running state is kept. Example: `false`.
    @Zero public var stateful: Bool
    /// Bytes. Example: `143360`.
    @Zero public var size: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case expiresAt = "expires_at"
        case architecture, config
        case createdAt = "created_at"
        case devices, ephemeral
        case expandedConfig = "expanded_config"
        case expandedDevices = "expanded_devices"
        case lastUsedAt = "last_used_at"
        case name, profiles, stateful, size
    }

    /// The part that a client may change.
    public var writable: InstanceSnapshotPut {
        get {
            .with {
                $0.expiresAt = expiresAt
            }
        }
        set {
            expiresAt = newValue.expiresAt
        }
    }
}
