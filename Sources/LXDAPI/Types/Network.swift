/// NetworksPost.
public struct NetworksPost: WireValue {
    /// Config. Example: `{"ipv4.address": "10.0.0.1/24", "ipv4.nat": "true", "ipv6.address": "none"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My new LXD bridge`.
    @Zero public var description: String
    /// Name. Example: `lxdbr1`.
    @Zero public var name: String
    /// Type. Example: `bridge`.
    @Zero public var type: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name, type
    }

    /// The part that a client may change.
    public var writable: NetworkPut {
        get {
            .with {
                $0.config = config
                $0.description = description
            }
        }
        set {
            config = newValue.config
            description = newValue.description
        }
    }
}

/// NetworkPost.
public struct NetworkPost: WireValue {
    /// Name. Example: `lxdbr1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// NetworkPut.
public struct NetworkPut: WireValue {
    /// Config. Example: `{"ipv4.address": "10.0.0.1/24", "ipv4.nat": "true", "ipv6.address": "none"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My new LXD bridge`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description
    }
}

/// Network.
public struct Network: WireValue {
    /// Config. Example: `{"ipv4.address": "10.0.0.1/24", "ipv4.nat": "true", "ipv6.address": "none"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My new LXD bridge`.
    @Zero public var description: String
    /// Name. Example: `lxdbr0`.
    @Zero public var name: String
    /// Type. Example: `bridge`.
    @Zero public var type: String
    /// Used by. Example: `["/1.0/profiles/default", "/1.0/instances/c1"]`.
    @Zero public var usedBy: [String]
    /// Managed. Example: `true`.
    @Zero public var managed: Bool
    /// Status. Example: `Created`.
    @Zero public var status: String
    /// Locations. Example: `["lxd01", "lxd02", "lxd03"]`.
    @NullIfEmpty public var locations: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name, type
        case usedBy = "used_by"
        case managed, status, locations
    }

    /// The part that a client may change.
    public var writable: NetworkPut {
        get {
            .with {
                $0.config = config
                $0.description = description
            }
        }
        set {
            config = newValue.config
            description = newValue.description
        }
    }
}

/// NetworkLease.
public struct NetworkLease: WireValue {
    /// Hostname. Example: `c1`.
    @Zero public var hostname: String
    /// Hwaddr. Example: `00:16:3e:2c:89:d9`.
    @Zero public var hwaddr: String
    /// Address. Example: `10.0.0.98`.
    @Zero public var address: String
    /// Type. Example: `dynamic`.
    @Zero public var type: String
    /// Location. Example: `lxd01`.
    @Zero public var location: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case hostname, hwaddr, address, type, location
    }
}
