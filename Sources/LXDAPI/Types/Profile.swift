/// ProfilesPost.
public struct ProfilesPost: WireValue {
    /// Config. Example: `{"limits.cpu": "4", "limits.memory": "4GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `Medium size instances`.
    @Zero public var description: String
    /// Devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}, "eth0": {"type": "nic", "network":
    /// "lxdbr0", "name": "eth0"}}`.
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

/// ProfilePost.
public struct ProfilePost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// ProfilePut.
public struct ProfilePut: WireValue {
    /// Config. Example: `{"limits.cpu": "4", "limits.memory": "4GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `Medium size instances`.
    @Zero public var description: String
    /// Devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}, "eth0": {"type": "nic", "network":
    /// "lxdbr0", "name": "eth0"}}`.
    @Zero public var devices: [String: [String: String]]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, devices
    }
}

/// Profile.
public struct Profile: WireValue {
    /// Config. Example: `{"limits.cpu": "4", "limits.memory": "4GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `Medium size instances`.
    @Zero public var description: String
    /// Devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}, "eth0": {"type": "nic", "network":
    /// "lxdbr0", "name": "eth0"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Used by. Example: `["/1.0/instances/c1", "/1.0/instances/v1"]`.
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
