/// StorageVolumeSnapshotsPost.
public struct StorageVolumeSnapshotsPost: WireValue {
    /// Name. Example: `snap0`.
    @Zero public var name: String
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
        case expiresAt = "expires_at"
    }
}

/// StorageVolumeSnapshotPost.
public struct StorageVolumeSnapshotPost: WireValue {
    /// Name. Example: `snap1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// StorageVolumeSnapshot.
public struct StorageVolumeSnapshot: WireValue {
    /// Description. Example: `My custom volume`.
    @Zero public var description: String
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime?
    /// Name. Example: `snap0`.
    @Zero public var name: String
    /// Config. Example: `{"zfs.remove_snapshots": "true", "size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Content type. Example: `filesystem`.
    @Zero public var contentType: String
    /// Created at. Example: `2021-03-23T20:00:00-04:00`.
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

/// StorageVolumeSnapshotPut.
public struct StorageVolumeSnapshotPut: WireValue {
    /// Description. Example: `My custom volume`.
    @Zero public var description: String
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description
        case expiresAt = "expires_at"
    }
}
