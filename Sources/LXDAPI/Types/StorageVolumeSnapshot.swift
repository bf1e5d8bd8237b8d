/// What is sent to create a snapshot of a volume.
public struct StorageVolumeSnapshotsPost: WireValue {
    /// Name. Example: `snap0`.
    @Zero public var name: String
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
        case expiresAt = "expires_at"
    }
}

/// What is sent to rename or move a snapshot of a volume.
public struct StorageVolumeSnapshotPost: WireValue {
    /// Name. Example: `snap1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// A snapshot of a volume.
public struct StorageVolumeSnapshot: WireValue {
    /// Text for people. Example: `My custom volume`.
    @Zero public var description: String
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime?
    /// Name. Example: `snap0`.
    @Zero public var name: String
    /// Configuration: keys and values. Example: `{"zfs.remove_snapshots": "true", "size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// `filesystem` or `block`. Example: `filesystem`.
    @Zero public var contentType: String
    /// When it was made. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description
        case expiresAt = "expires_at"
        case name, config
        case contentType = "content_type"
        case createdAt = "created_at"
    }

    /// The part that a client may change.
    public var writable: StorageVolumeSnapshotPut {
        get {
            .with {
                $0.description = description
                $0.expiresAt = expiresAt
            }
        }
        set {
            description = newValue.description
            expiresAt = newValue.expiresAt
        }
    }
}

/// What a client may change of a snapshot of a volume.
public struct StorageVolumeSnapshotPut: WireValue {
    /// Text for people. Example: `My custom volume`.
    @Zero public var description: String
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description
        case expiresAt = "expires_at"
    }
}
