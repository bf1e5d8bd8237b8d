/// What is sent to create a profile.
public struct ProfilesPost: WireValue {
    /// Configuration: keys and values. Example: `{"limits.cpu": "4", "limits.memory": "4GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `Medium size instances`.
    @Zero public var description: String
    /// Devices: names and their properties. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"},
    /// "eth0": {"type": "nic", "network": "lxdbr0", "name": "eth0"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Name. Example: `foo`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, devices, name
    }

    /// The part that a client may change.
    public var writable: ProfilePut {
        get {
            .with {
                $0.config = config
                $0.description = description
                $0.devices = devices
            }
        }
        set {
            config = newValue.config
            description = newValue.description
            devices = newValue.devices
        }
    }
}

/// What is sent to rename or move a profile.
public struct ProfilePost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// What a client may change of a profile.
public struct ProfilePut: WireValue {
    /// Configuration: keys and values. Example: `{"limits.cpu": "4", "limits.memory": "4GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `Medium size instances`.
    @Zero public var description: String
    /// Devices: names and their properties. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"},
    /// "eth0": {"type": "nic", "network": "lxdbr0", "name": "eth0"}}`.
    @Zero public var devices: [String: [String: String]]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, devices
    }
}

/// A profile.
public struct Profile: WireValue {
    /// Configuration: keys and values. Example: `{"limits.cpu": "4", "limits.memory": "4GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `Medium size instances`.
    @Zero public var description: String
    /// Devices: names and their properties. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"},
    /// "eth0": {"type": "nic", "network": "lxdbr0", "name": "eth0"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Addresses of what uses it. Example: `["/1.0/instances/c1", "/1.0/instances/v1"]`.
    @Zero public var usedBy: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, devices, name
        case usedBy = "used_by"
    }

    /// The part that a client may change.
    public var writable: ProfilePut {
        get {
            .with {
                $0.config = config
                $0.description = description
                $0.devices = devices
            }
        }
        set {
            config = newValue.config
            description = newValue.description
            devices = newValue.devices
        }
    }
}
