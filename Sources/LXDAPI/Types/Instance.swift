/// What a client may change of an instance.
public struct InstancePut: WireValue {
    /// Processor architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Configuration: keys and values. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Devices: names and their properties. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Whether the instance is deleted when it stops. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Profiles, in the order they are applied. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Name of the snapshot to go back to. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Whether the running state is kept. Example: `false`.
    @Zero public var stateful: Bool
    /// Text for people. Example: `My test instance`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case architecture, config, devices, ephemeral, profiles, restore, stateful, description
    }
}

/// An instance.
public struct Instance: WireValue {
    /// Processor architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Configuration: keys and values. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Devices: names and their properties. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Whether the instance is deleted when it stops. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Profiles, in the order they are applied. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Name of the snapshot to go back to. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Whether the running state is kept. Example: `false`.
    @Zero public var stateful: Bool
    /// Text for people. Example: `My test instance`.
    @Zero public var description: String
    /// When it was made. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime
    /// Configuration with what profiles add. Example: `{"security.nesting": "true"}`.
    @OmitEmpty public var expandedConfig: [String: String]
    /// Devices with what profiles add. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @OmitEmpty public var expandedDevices: [String: [String: String]]
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Name of the state; see ``StatusCode``. Example: `Running`.
    @Zero public var status: String
    /// State as a number. Example: `101`.
    @Zero public var statusCode: StatusCode
    /// When it was last used. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var lastUsedAt: LXDTime
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
    @Zero public var location: String
    /// `container` or `virtual-machine`. Example: `container`.
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

/// An instance with its state, snapshots and backups.
public struct InstanceFull: WireValue {
    /// Processor architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Configuration: keys and values. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Devices: names and their properties. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Whether the instance is deleted when it stops. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Profiles, in the order they are applied. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Name of the snapshot to go back to. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Whether the running state is kept. Example: `false`.
    @Zero public var stateful: Bool
    /// Text for people. Example: `My test instance`.
    @Zero public var description: String
    /// When it was made. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime
    /// Configuration with what profiles add. Example: `{"security.nesting": "true"}`.
    @OmitEmpty public var expandedConfig: [String: String]
    /// Devices with what profiles add. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @OmitEmpty public var expandedDevices: [String: [String: String]]
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Name of the state; see ``StatusCode``. Example: `Running`.
    @Zero public var status: String
    /// State as a number. Example: `101`.
    @Zero public var statusCode: StatusCode
    /// When it was last used. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var lastUsedAt: LXDTime
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
    @Zero public var location: String
    /// `container` or `virtual-machine`. Example: `container`.
    @Zero public var type: String
    /// Project. Example: `foo`.
    @Zero public var project: String
    /// Backups of the instance; `null` if there are none.
    @NullIfEmpty public var backups: [InstanceBackup]
    /// State at the moment.
    @Zero public var state: InstanceState?
    /// Snapshots, oldest first; `null` if there are none.
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
