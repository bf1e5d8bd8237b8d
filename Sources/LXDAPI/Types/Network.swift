/// What is sent to create a network.
public struct NetworksPost: WireValue {
    /// Configuration: keys and values. Example: `{"ipv4.address": "10.0.0.1/24", "ipv4.nat": "true", "ipv6.address":
    /// "none"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My new LXD bridge`.
    @Zero public var description: String
    /// Name. Example: `lxdbr1`.
    @Zero public var name: String
    /// Kind. Example: `bridge`.
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

/// What is sent to rename or move a network.
public struct NetworkPost: WireValue {
    /// Name. Example: `lxdbr1`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// What a client may change of a network.
public struct NetworkPut: WireValue {
    /// Configuration: keys and values. Example: `{"ipv4.address": "10.0.0.1/24", "ipv4.nat": "true", "ipv6.address":
    /// "none"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My new LXD bridge`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description
    }
}

/// A network.
public struct Network: WireValue {
    /// Configuration: keys and values. Example: `{"ipv4.address": "10.0.0.1/24", "ipv4.nat": "true", "ipv6.address":
    /// "none"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My new LXD bridge`.
    @Zero public var description: String
    /// Name. Example: `lxdbr0`.
    @Zero public var name: String
    /// `bridge`, `macvlan`, `physical` and so on. Example: `bridge`.
    @Zero public var type: String
    /// Addresses of what uses it. Example: `["/1.0/profiles/default", "/1.0/instances/c1"]`.
    @Zero public var usedBy: [String]
    /// Whether the server made the network. Example: `true`.
    @Zero public var managed: Bool
    /// State for people. Example: `Created`.
    @Zero public var status: String
    /// Cluster members that have it; `null` without a cluster. Example: `["lxd01", "lxd02", "lxd03"]`.
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

/// An address that somebody has.
public struct NetworkLease: WireValue {
    /// Name that the client gave. Example: `c1`.
    @Zero public var hostname: String
    /// Hardware address. Example: `00:16:3e:2c:89:d9`.
    @Zero public var hwaddr: String
    /// Address. Example: `10.0.0.98`.
    @Zero public var address: String
    /// Kind. Example: `dynamic`.
    @Zero public var type: String
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
    @Zero public var location: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case hostname, hwaddr, address, type, location
    }
}
