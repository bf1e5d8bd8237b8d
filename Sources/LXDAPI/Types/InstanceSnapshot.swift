/// InstanceSnapshotsPost.
public struct InstanceSnapshotsPost: WireValue {
    /// Name. Example: `snap0`.
    @Zero public var name: String
    /// Stateful. Example: `false`.
    @Zero public var stateful: Bool
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, stateful
        case expiresAt = "expires_at"
    }
}

/// InstanceSnapshotPost.
public struct InstanceSnapshotPost: WireValue {
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Migration. Example: `false`.
    @Zero public var migration: Bool
    /// Target.
    @Zero public var target: InstancePostTarget?
    /// Live. Example: `false`.
    @OmitEmpty public var live: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, migration, target, live
    }
}

/// InstanceSnapshotPut.
public struct InstanceSnapshotPut: WireValue {
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case expiresAt = "expires_at"
    }
}

/// InstanceSnapshot.
public struct InstanceSnapshot: WireValue {
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Config. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Created at. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime
    /// Devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Ephemeral. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Expanded config. Example: `{"security.nesting": "true"}`.
    @OmitEmpty public var expandedConfig: [String: String]
    /// Expanded devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @OmitEmpty public var expandedDevices: [String: [String: String]]
    /// Last used at. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var lastUsedAt: LXDTime
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Profiles. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Stateful. Example: `false`.
    @Zero public var stateful: Bool
    /// Size. Example: `143360`.
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
