/// InstancePut.
public struct InstancePut: WireValue {
    /// Architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Config. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Ephemeral. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Profiles. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Restore. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Stateful. Example: `false`.
    @Zero public var stateful: Bool
    /// Description. Example: `My test instance`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case architecture, config, devices, ephemeral, profiles, restore, stateful, description
    }
}

/// Instance.
public struct Instance: WireValue {
    /// Architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Config. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Ephemeral. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Profiles. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Restore. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Stateful. Example: `false`.
    @Zero public var stateful: Bool
    /// Description. Example: `My test instance`.
    @Zero public var description: String
    /// Created at. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime
    /// Expanded config. Example: `{"security.nesting": "true"}`.
    @OmitEmpty public var expandedConfig: [String: String]
    /// Expanded devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @OmitEmpty public var expandedDevices: [String: [String: String]]
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Status. Example: `Running`.
    @Zero public var status: String
    /// Status code. Example: `101`.
    @Zero public var statusCode: StatusCode
    /// Last used at. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var lastUsedAt: LXDTime
    /// Location. Example: `lxd01`.
    @Zero public var location: String
    /// Type. Example: `container`.
    @Zero public var type: String
    /// Project. Example: `foo`.
    @Zero public var project: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case architecture, config, devices, ephemeral, profiles, restore, stateful, description
        case createdAt = "created_at"
        case expandedConfig = "expanded_config"
        case expandedDevices = "expanded_devices"
        case name, status
        case statusCode = "status_code"
        case lastUsedAt = "last_used_at"
        case location, type, project
    }

    /// The part that a client may change.
    public var writable: InstancePut {
        get {
            .with {
                $0.architecture = architecture
                $0.config = config
                $0.devices = devices
                $0.ephemeral = ephemeral
                $0.profiles = profiles
                $0.restore = restore
                $0.stateful = stateful
                $0.description = description
            }
        }
        set {
            architecture = newValue.architecture
            config = newValue.config
            devices = newValue.devices
            ephemeral = newValue.ephemeral
            profiles = newValue.profiles
            restore = newValue.restore
            stateful = newValue.stateful
            description = newValue.description
        }
    }
}

/// InstanceFull.
public struct InstanceFull: WireValue {
    /// Architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Config. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Ephemeral. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Profiles. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Restore. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Stateful. Example: `false`.
    @Zero public var stateful: Bool
    /// Description. Example: `My test instance`.
    @Zero public var description: String
    /// Created at. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime
    /// Expanded config. Example: `{"security.nesting": "true"}`.
    @OmitEmpty public var expandedConfig: [String: String]
    /// Expanded devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @OmitEmpty public var expandedDevices: [String: [String: String]]
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Status. Example: `Running`.
    @Zero public var status: String
    /// Status code. Example: `101`.
    @Zero public var statusCode: StatusCode
    /// Last used at. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var lastUsedAt: LXDTime
    /// Location. Example: `lxd01`.
    @Zero public var location: String
    /// Type. Example: `container`.
    @Zero public var type: String
    /// Project. Example: `foo`.
    @Zero public var project: String
    /// Backups.
    @NullIfEmpty public var backups: [InstanceBackup]
    /// State.
    @Zero public var state: InstanceState?
    /// Snapshots.
    @NullIfEmpty public var snapshots: [InstanceSnapshot]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case architecture, config, devices, ephemeral, profiles, restore, stateful, description
        case createdAt = "created_at"
        case expandedConfig = "expanded_config"
        case expandedDevices = "expanded_devices"
        case name, status
        case statusCode = "status_code"
        case lastUsedAt = "last_used_at"
        case location, type, project, backups, state, snapshots
    }

    /// The fields shared with ``Instance``.
    public var instance: Instance {
        get {
            .with {
                $0.architecture = architecture
                $0.config = config
                $0.devices = devices
                $0.ephemeral = ephemeral
                $0.profiles = profiles
                $0.restore = restore
                $0.stateful = stateful
                $0.description = description
                $0.createdAt = createdAt
                $0.expandedConfig = expandedConfig
                $0.expandedDevices = expandedDevices
                $0.name = name
                $0.status = status
                $0.statusCode = statusCode
                $0.lastUsedAt = lastUsedAt
                $0.location = location
                $0.type = type
                $0.project = project
            }
        }
        set {
            architecture = newValue.architecture
            config = newValue.config
            devices = newValue.devices
            ephemeral = newValue.ephemeral
            profiles = newValue.profiles
            restore = newValue.restore
            stateful = newValue.stateful
            description = newValue.description
            createdAt = newValue.createdAt
            expandedConfig = newValue.expandedConfig
            expandedDevices = newValue.expandedDevices
            name = newValue.name
            status = newValue.status
            statusCode = newValue.statusCode
            lastUsedAt = newValue.lastUsedAt
            location = newValue.location
            type = newValue.type
            project = newValue.project
        }
    }
}

/// The kind of an instance; `any` in a request leaves the choice to the server.
public enum InstanceType: String, WireValue, CaseIterable {
    case any = ""
    case container
    case virtualMachine = "virtual-machine"

    public init() { self = .any }
    public var isWireEmpty: Bool { self == .any }
}
