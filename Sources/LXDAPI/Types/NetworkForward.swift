/// NetworkForwardPort.
public struct NetworkForwardPort: WireValue {
    /// Description. Example: `My web server forward`.
    @Zero public var description: String
    /// Protocol. Example: `tcp`.
    @Zero public var `protocol`: String
    /// Listen port. Example: `80,81,8080-8090`.
    @Zero public var listenPort: String
    /// Target port. Example: `80,81,8080-8090`.
    @Zero public var targetPort: String
    /// Target address. Example: `198.51.100.2`.
    @Zero public var targetAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, `protocol`
        case listenPort = "listen_port"
        case targetPort = "target_port"
        case targetAddress = "target_address"
    }
}

/// NetworkForwardsPost.
public struct NetworkForwardsPost: WireValue {
    /// Description. Example: `My public IP forward`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Ports.
    @Zero public var ports: [NetworkForwardPort]
    /// Listen address. Example: `192.0.2.1`.
    @Zero public var listenAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, ports
        case listenAddress = "listen_address"
    }

    /// The part that a client may change.
    public var writable: NetworkForwardPut {
        get {
            .with {
                $0.description = description
                $0.config = config
                $0.ports = ports
            }
        }
        set {
            description = newValue.description
            config = newValue.config
            ports = newValue.ports
        }
    }
}

/// NetworkForwardPut.
public struct NetworkForwardPut: WireValue {
    /// Description. Example: `My public IP forward`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Ports.
    @Zero public var ports: [NetworkForwardPort]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, ports
    }
}

/// NetworkForward.
public struct NetworkForward: WireValue {
    /// Description. Example: `My public IP forward`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Ports.
    @Zero public var ports: [NetworkForwardPort]
    /// Listen address. Example: `192.0.2.1`.
    @Zero public var listenAddress: String
    /// Location. Example: `lxd01`.
    @Zero public var location: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, ports
        case listenAddress = "listen_address"
        case location
    }

    /// The part that a client may change.
    public var writable: NetworkForwardPut {
        get {
            .with {
                $0.description = description
                $0.config = config
                $0.ports = ports
            }
        }
        set {
            description = newValue.description
            config = newValue.config
            ports = newValue.ports
        }
    }
}
