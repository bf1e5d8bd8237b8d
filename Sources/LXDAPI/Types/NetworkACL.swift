/// A rule of an access list.
public struct NetworkACLRule: WireValue {
    /// What happens to packets that match: `allow`, `reject` or `drop`. Example: `allow`.
    @Zero public var action: String
    /// Source addresses, separated by commas. Example: `@internal`.
    @OmitEmpty public var source: String
    /// Destination addresses, separated by commas. Example: `8.8.8.8/32,8.8.4.4/32`.
    @OmitEmpty public var destination: String
    /// `tcp`, `udp`, `icmp4` or `icmp6`; empty for any. Example: `udp`.
    @OmitEmpty public var `protocol`: String
    /// Source ports, separated by commas. Example: `1234`.
    @OmitEmpty public var sourcePort: String
    /// Destination ports, separated by commas. Example: `53`.
    @OmitEmpty public var destinationPort: String
    /// ICMP type. Example: `8`.
    @OmitEmpty public var icmpType: String
    /// ICMP code. Example: `0`.
    @OmitEmpty public var icmpCode: String
    /// Text for people. Example: `Allow DNS queries to Google DNS`.
    @OmitEmpty public var description: String
    /// `enabled`, `disabled` or `logged`. Example: `enabled`.
    @Zero public var state: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case action, source, destination, `protocol`
        case sourcePort = "source_port"
        case destinationPort = "destination_port"
        case icmpType = "icmp_type"
        case icmpCode = "icmp_code"
        case description, state
    }
}

/// What is sent to rename or move a network access list.
public struct NetworkACLPost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// What a client may change of a network access list.
public struct NetworkACLPut: WireValue {
    /// Text for people. Example: `Web servers`.
    @Zero public var description: String
    /// Rules for packets that leave instances.
    @Zero public var egress: [NetworkACLRule]
    /// Rules for packets that enter instances.
    @Zero public var ingress: [NetworkACLRule]
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, egress, ingress, config
    }
}

/// A network access list.
public struct NetworkACL: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String
    /// Text for people. Example: `Web servers`.
    @Zero public var description: String
    /// Rules for packets that leave instances.
    @Zero public var egress: [NetworkACLRule]
    /// Rules for packets that enter instances.
    @Zero public var ingress: [NetworkACLRule]
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Addresses of what uses it. Example: `["/1.0/instances/c1", "/1.0/instances/v1", "/1.0/networks/lxdbr0"]`.
    @Zero public var usedBy: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, description, egress, ingress, config
        case usedBy = "used_by"
    }

    /// The fields shared with ``NetworkACLPost``.
    public var networkACLPost: NetworkACLPost {
        get {
            .with {
                $0.name = name
            }
        }
        set {
            name = newValue.name
        }
    }

    /// The part that a client may change.
    public var writable: NetworkACLPut {
        get {
            .with {
                $0.description = description
                $0.egress = egress
                $0.ingress = ingress
                $0.config = config
            }
        }
        set {
            description = newValue.description
            egress = newValue.egress
            ingress = newValue.ingress
            config = newValue.config
        }
    }
}

/// What is sent to create a network access list.
public struct NetworkACLsPost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String
    /// Text for people. Example: `Web servers`.
    @Zero public var description: String
    /// Rules for packets that leave instances.
    @Zero public var egress: [NetworkACLRule]
    /// Rules for packets that enter instances.
    @Zero public var ingress: [NetworkACLRule]
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, description, egress, ingress, config
    }

    /// The fields shared with ``NetworkACLPost``.
    public var networkACLPost: NetworkACLPost {
        get {
            .with {
                $0.name = name
            }
        }
        set {
            name = newValue.name
        }
    }

    /// The part that a client may change.
    public var writable: NetworkACLPut {
        get {
            .with {
                $0.description = description
                $0.egress = egress
                $0.ingress = ingress
                $0.config = config
            }
        }
        set {
            description = newValue.description
            egress = newValue.egress
            ingress = newValue.ingress
            config = newValue.config
        }
    }
}
