/// InstanceBackupsPost.
public struct InstanceBackupsPost: WireValue {
    /// Name. Example: `backup0`.
    @Zero public var name: String
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Instance only. Example: `false`.
    @Zero public var instanceOnly: Bool
    /// Container only. Example: `false`.
    @Zero public var containerOnly: Bool
    /// Optimized storage. Example: `true`.
    @Zero public var optimizedStorage: Bool
    /// Compression algorithm. Example: `gzip`.
    @Zero public var compressionAlgorithm: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
        case expiresAt = "expires_at"
        case instanceOnly = "instance_only"
        case containerOnly = "container_only"
        case optimizedStorage = "optimized_storage"
        case compressionAlgorithm = "compression_algorithm"
    }
}

/// InstanceBackup.
public struct InstanceBackup: WireValue {
    /// Name. Example: `backup0`.
    @Zero public var name: String
    /// Created at. Example: `2021-03-23T16:38:37.753398689-04:00`.
    @Zero public var createdAt: LXDTime
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Instance only. Example: `false`.
    @Zero public var instanceOnly: Bool
    /// Container only. Example: `false`.
    @Zero public var containerOnly: Bool
    /// Optimized storage. Example: `true`.
    @Zero public var optimizedStorage: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
        case createdAt = "created_at"
        case expiresAt = "expires_at"
        case instanceOnly = "instance_only"
        case containerOnly = "container_only"
        case optimizedStorage = "optimized_storage"
    }
}

/// InstanceBackupPost.
public struct InstanceBackupPost: WireValue {
    /// Name. Example: `backup1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}
