/// Ports that are forwarded.
public struct NetworkForwardPort: WireValue {
    /// Text for people. Example: `My web server forward`.
    @Zero public var description: String
    /// Protocol. Example: `tcp`.
    @Zero public var `protocol`: String
    /// Ports to listen on, separated by commas. Example: `80,81,8080-8090`.
    @Zero public var listenPort: String
    /// Ports to forward to, separated by commas. Example: `80,81,8080-8090`.
    @Zero public var targetPort: String
    /// Address to forward to. Example: `198.51.100.2`.
    @Zero public var targetAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, `protocol`
        case listenPort = "listen_port"
        case targetPort = "target_port"
        case targetAddress = "target_address"
    }
}

/// What is sent to create a network forward.
public struct NetworkForwardsPost: WireValue {
    /// Text for people. Example: `My public IP forward`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Ports.
    @Zero public var ports: [NetworkForwardPort]
    /// Address to listen on. Example: `192.0.2.1`.
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

/// What a client may change of a network forward.
public struct NetworkForwardPut: WireValue {
    /// Text for people. Example: `My public IP forward`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Ports.
    @Zero public var ports: [NetworkForwardPort]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, ports
    }
}

/// A network forward.
public struct NetworkForward: WireValue {
    /// Text for people. Example: `My public IP forward`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Ports.
    @Zero public var ports: [NetworkForwardPort]
    /// Address to listen on. Example: `192.0.2.1`.
    @Zero public var listenAddress: String
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
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
