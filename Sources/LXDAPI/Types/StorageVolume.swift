/// StorageVolumesPost.
public struct StorageVolumesPost: WireValue {
    /// Config. Example: `{"zfs.remove_snapshots": "true", "size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My custom volume`.
    @Zero public var description: String
    /// Restore. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Type. Example: `custom`.
    @Zero public var type: String
    /// Source.
    @Zero public var source: StorageVolumeSource
    /// Content type. Example: `filesystem`.
    @Zero public var contentType: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, restore, name, type, source
        case contentType = "content_type"
    }

    /// The part that a client may change.
    public var writable: StorageVolumePut {
        get {
            .with {
                $0.config = config
                $0.description = description
                $0.restore = restore
            }
        }
        set {
            config = newValue.config
            description = newValue.description
            restore = newValue.restore
        }
    }
}

/// StorageVolumePost.
public struct StorageVolumePost: WireValue {
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Pool. Example: `remote`.
    @OmitEmpty public var pool: String
    /// Migration. Example: `false`.
    @Zero public var migration: Bool
    /// Target.
    @Zero public var target: StorageVolumePostTarget?
    /// Volume only. Example: `false`.
    @Zero public var volumeOnly: Bool
    /// Project. Example: `foo`.
    @OmitEmpty public var project: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, pool, migration, target
        case volumeOnly = "volume_only"
        case project
    }
}

/// StorageVolumePostTarget.
public struct StorageVolumePostTarget: WireValue {
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Operation. Example: `https://1.2.3.4:8443/1.0/operations/1721ae08-b6a8-416a-9614-3f89302466e1`.
    @OmitEmpty public var operation: String
    /// Secrets. Example: `{"migration": "random-string"}`.
    @OmitEmpty public var secrets: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case certificate, operation, secrets
    }
}

/// StorageVolume.
public struct StorageVolume: WireValue {
    /// Config. Example: `{"zfs.remove_snapshots": "true", "size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My custom volume`.
    @Zero public var description: String
    /// Restore. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Type. Example: `custom`.
    @Zero public var type: String
    /// Used by. Example: `["/1.0/instances/blah"]`.
    @Zero public var usedBy: [String]
    /// Location. Example: `lxd01`.
    @Zero public var location: String
    /// Content type. Example: `filesystem`.
    @Zero public var contentType: String
    /// Project. Example: `default`.
    @Zero public var project: String
    /// Created at. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, restore, name, type
        case usedBy = "used_by"
        case location
        case contentType = "content_type"
        case project
        case createdAt = "created_at"
    }

    /// The part that a client may change.
    public var writable: StorageVolumePut {
        get {
            .with {
                $0.config = config
                $0.description = description
                $0.restore = restore
            }
        }
        set {
            config = newValue.config
            description = newValue.description
            restore = newValue.restore
        }
    }
}

/// StorageVolumePut.
public struct StorageVolumePut: WireValue {
    /// Config. Example: `{"zfs.remove_snapshots": "true", "size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My custom volume`.
    @Zero public var description: String
    /// Restore. Example: `snap0`.
    @OmitEmpty public var restore: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, restore
    }
}

/// StorageVolumeSource.
public struct StorageVolumeSource: WireValue {
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Type. Example: `copy`.
    @Zero public var type: String
    /// Pool. Example: `local`.
    @Zero public var pool: String
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Mode. Example: `pull`.
    @OmitEmpty public var mode: String
    /// Operation. Example: `https://1.2.3.4:8443/1.0/operations/1721ae08-b6a8-416a-9614-3f89302466e1`.
    @OmitEmpty public var operation: String
    /// Secrets. Example: `{"rsync": "RANDOM-STRING"}`.
    @OmitEmpty public var secrets: [String: String]
    /// Volume only. Example: `false`.
    @Zero public var volumeOnly: Bool
    /// Refresh. Example: `false`.
    @Zero public var refresh: Bool
    /// Project. Example: `foo`.
    @OmitEmpty public var project: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, type, pool, certificate, mode, operation, secrets
        case volumeOnly = "volume_only"
        case refresh, project
    }
}
