/// StoragePoolVolumeBackup.
public struct StoragePoolVolumeBackup: WireValue {
    /// Name. Example: `backup0`.
    @Zero public var name: String
    /// Created at. Example: `2021-03-23T16:38:37.753398689-04:00`.
    @Zero public var createdAt: LXDTime
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Volume only. Example: `false`.
    @Zero public var volumeOnly: Bool
    /// Optimized storage. Example: `true`.
    @Zero public var optimizedStorage: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
        case createdAt = "created_at"
        case expiresAt = "expires_at"
        case volumeOnly = "volume_only"
        case optimizedStorage = "optimized_storage"
    }
}

/// StoragePoolVolumeBackupsPost.
public struct StoragePoolVolumeBackupsPost: WireValue {
    /// Name. Example: `backup0`.
    @Zero public var name: String
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Volume only. Example: `false`.
    @Zero public var volumeOnly: Bool
    /// Optimized storage. Example: `true`.
    @Zero public var optimizedStorage: Bool
    /// Compression algorithm. Example: `gzip`.
    @Zero public var compressionAlgorithm: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
        case expiresAt = "expires_at"
        case volumeOnly = "volume_only"
        case optimizedStorage = "optimized_storage"
        case compressionAlgorithm = "compression_algorithm"
    }
}

/// StoragePoolVolumeBackupPost.
public struct StoragePoolVolumeBackupPost: WireValue {
    /// Name. Example: `backup1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}
