/// NetworkACLRule.
public struct NetworkACLRule: WireValue {
    /// Action. Example: `allow`.
    @Zero public var action: String
    /// Source. Example: `@internal`.
    @OmitEmpty public var source: String
    /// Destination. Example: `8.8.8.8/32,8.8.4.4/32`.
    @OmitEmpty public var destination: String
    /// Protocol. Example: `udp`.
    @OmitEmpty public var `protocol`: String
    /// Source port. Example: `1234`.
    @OmitEmpty public var sourcePort: String
    /// Destination port. Example: `53`.
    @OmitEmpty public var destinationPort: String
    /// Icmp type. Example: `8`.
    @OmitEmpty public var icmpType: String
    /// Icmp code. Example: `0`.
    @OmitEmpty public var icmpCode: String
    /// Description. Example: `Allow DNS queries to Google DNS`.
    @OmitEmpty public var description: String
    /// State. Example: `enabled`.
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

/// NetworkACLPost.
public struct NetworkACLPost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// NetworkACLPut.
public struct NetworkACLPut: WireValue {
    /// Description. Example: `Web servers`.
    @Zero public var description: String
    /// Egress.
    @Zero public var egress: [NetworkACLRule]
    /// Ingress.
    @Zero public var ingress: [NetworkACLRule]
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, egress, ingress, config
    }
}

/// NetworkACL.
public struct NetworkACL: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String
    /// Description. Example: `Web servers`.
    @Zero public var description: String
    /// Egress.
    @Zero public var egress: [NetworkACLRule]
    /// Ingress.
    @Zero public var ingress: [NetworkACLRule]
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Used by. Example: `["/1.0/instances/c1", "/1.0/instances/v1", "/1.0/networks/lxdbr0"]`.
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

/// NetworkACLsPost.
public struct NetworkACLsPost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String
    /// Description. Example: `Web servers`.
    @Zero public var description: String
    /// Egress.
    @Zero public var egress: [NetworkACLRule]
    /// Ingress.
    @Zero public var ingress: [NetworkACLRule]
    /// Config. Example: `{"user.mykey": "foo"}`.
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
