/// What is sent to create a storage volume.
public struct StorageVolumesPost: WireValue {
    /// Configuration: keys and values. Example: `{"zfs.remove_snapshots": "true", "size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My custom volume`.
    @Zero public var description: String
    /// Name of the snapshot to go back to. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Kind. Example: `custom`.
    @Zero public var type: String
    /// Where it comes from.
    @Zero public var source: StorageVolumeSource
    /// `filesystem` or `block`. Example: `filesystem`.
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

/// What is sent to rename or move a storage volume.
public struct StorageVolumePost: WireValue {
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Storage pool. Example: `remote`.
    @OmitEmpty public var pool: String
    /// Whether this is a move to another server rather than a rename. Example: `false`.
    @Zero public var migration: Bool
    /// Target.
    @Zero public var target: StorageVolumePostTarget?
    /// Whether snapshots are left out. Example: `false`.
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

/// Where a volume that is pushed goes.
public struct StorageVolumePostTarget: WireValue {
    /// Certificate in PEM. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Address of an operation. Example: `https://1.2.3.4:8443/1.0/operations/1721ae08-b6a8-416a-9614-3f89302466e1`.
    @OmitEmpty public var operation: String
    /// Secrets of the websockets, by name. Example: `{"migration": "random-string"}`.
    @OmitEmpty public var secrets: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case certificate, operation, secrets
    }
}

/// A storage volume.
public struct StorageVolume: WireValue {
    /// Configuration: keys and values. Example: `{"zfs.remove_snapshots": "true", "size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My custom volume`.
    @Zero public var description: String
    /// Name of the snapshot to go back to. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Kind. Example: `custom`.
    @Zero public var type: String
    /// Addresses of what uses it. Example: `["/1.0/instances/blah"]`.
    @Zero public var usedBy: [String]
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
    @Zero public var location: String
    /// `filesystem` or `block`. Example: `filesystem`.
    @Zero public var contentType: String
    /// Project. Example: `default`.
    @Zero public var project: String
    /// When it was made. Example: `2021-03-23T20:00:00-04:00`.
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

/// What a client may change of a storage volume.
public struct StorageVolumePut: WireValue {
    /// Configuration: keys and values. Example: `{"zfs.remove_snapshots": "true", "size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My custom volume`.
    @Zero public var description: String
    /// Name of the snapshot to go back to. Example: `snap0`.
    @OmitEmpty public var restore: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, restore
    }
}

/// What a new volume is made from.
public struct StorageVolumeSource: WireValue {
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Kind. Example: `copy`.
    @Zero public var type: String
    /// Storage pool. Example: `local`.
    @Zero public var pool: String
    /// Certificate in PEM. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// `pull` or `push`. Example: `pull`.
    @OmitEmpty public var mode: String
    /// Address of an operation. Example: `https://1.2.3.4:8443/1.0/operations/1721ae08-b6a8-416a-9614-3f89302466e1`.
    @OmitEmpty public var operation: String
    /// Secrets of the websockets, by name. Example: `{"rsync": "RANDOM-STRING"}`.
    @OmitEmpty public var secrets: [String: String]
    /// Whether snapshots are left out. Example: `false`.
    @Zero public var volumeOnly: Bool
    /// Whether an existing copy is brought up to date. Example: `false`.
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
