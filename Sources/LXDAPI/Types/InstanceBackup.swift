/// What is sent to create a backup of an instance.
public struct InstanceBackupsPost: WireValue {
    /// Name. Example: `backup0`.
    @Zero public var name: String
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Whether snapshots are left out. Example: `false`.
    @Zero public var instanceOnly: Bool
    /// Old name of `instance_only`. Example: `false`.
    @Zero public var containerOnly: Bool
    /// Whether it is in the storage driver's own format. Example: `true`.
    @Zero public var optimizedStorage: Bool
    /// Compressor; empty for the server's choice. Example: `gzip`.
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

/// A backup of an instance.
public struct InstanceBackup: WireValue {
    /// Name. Example: `backup0`.
    @Zero public var name: String
    /// When it was made. Example: `2021-03-23T16:38:37.753398689-04:00`.
    @Zero public var createdAt: LXDTime
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Whether snapshots are left out. Example: `false`.
    @Zero public var instanceOnly: Bool
    /// Old name of `instance_only`. Example: `false`.
    @Zero public var containerOnly: Bool
    /// Whether it is in the storage driver's own format. Example: `true`.
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

/// What is sent to rename or move a backup of an instance.
public struct InstanceBackupPost: WireValue {
    /// Name. Example: `backup1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}
