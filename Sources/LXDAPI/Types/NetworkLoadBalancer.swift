/// Where a load balancer sends connections.
public struct NetworkLoadBalancerBackend: WireValue {
    /// Name. Example: `c1-http`.
    @Zero public var name: String
    /// Text for people. Example: `C1 webserver`.
    @Zero public var description: String
    /// Ports to forward to, separated by commas. Example: `80,81,8080-8090`.
    @Zero public var targetPort: String
    /// Address to forward to. Example: `198.51.100.2`.
    @Zero public var targetAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, description
        case targetPort = "target_port"
        case targetAddress = "target_address"
    }
}

/// Ports that a load balancer listens on.
public struct NetworkLoadBalancerPort: WireValue {
    /// Text for people. Example: `My web server load balancer`.
    @Zero public var description: String
    /// Protocol. Example: `tcp`.
    @Zero public var `protocol`: String
    /// Ports to listen on, separated by commas. Example: `80,81,8080-8090`.
    @Zero public var listenPort: String
    /// Names of backends to forward to. Example: `["c1-http","c2-http"]`.
    @Zero public var targetBackend: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, `protocol`
        case listenPort = "listen_port"
        case targetBackend = "target_backend"
    }
}

/// What is sent to create a load balancer.
public struct NetworkLoadBalancersPost: WireValue {
    /// Text for people. Example: `My public IP load balancer`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Where connections go.
    @Zero public var backends: [NetworkLoadBalancerBackend]
    /// Ports.
    @Zero public var ports: [NetworkLoadBalancerPort]
    /// Address to listen on. Example: `192.0.2.1`.
    @Zero public var listenAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, backends, ports
        case listenAddress = "listen_address"
    }

    /// The part that a client may change.
    public var writable: NetworkLoadBalancerPut {
        get {
            .with {
                $0.description = description
                $0.config = config
                $0.backends = backends
                $0.ports = ports
            }
        }
        set {
            description = newValue.description
            config = newValue.config
            backends = newValue.backends
            ports = newValue.ports
        }
    }
}

/// What a client may change of a load balancer.
public struct NetworkLoadBalancerPut: WireValue {
    /// Text for people. Example: `My public IP load balancer`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Where connections go.
    @Zero public var backends: [NetworkLoadBalancerBackend]
    /// Ports.
    @Zero public var ports: [NetworkLoadBalancerPort]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, backends, ports
    }
}

/// A load balancer.
public struct NetworkLoadBalancer: WireValue {
    /// Text for people. Example: `My public IP load balancer`.
    @Zero public var description: String
    /// Configuration: keys and values. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Where connections go.
    @Zero public var backends: [NetworkLoadBalancerBackend]
    /// Ports.
    @Zero public var ports: [NetworkLoadBalancerPort]
    /// Address to listen on. Example: `192.0.2.1`.
    @Zero public var listenAddress: String
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
    @Zero public var location: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, backends, ports
        case listenAddress = "listen_address"
        case location
    }

    /// The part that a client may change.
    public var writable: NetworkLoadBalancerPut {
        get {
            .with {
                $0.description = description
                $0.config = config
                $0.backends = backends
                $0.ports = ports
            }
        }
        set {
            description = newValue.description
            config = newValue.config
            backends = newValue.backends
            ports = newValue.ports
        }
    }
}
