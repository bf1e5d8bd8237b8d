/// NetworkLoadBalancerBackend.
public struct NetworkLoadBalancerBackend: WireValue {
    /// Name. Example: `c1-http`.
    @Zero public var name: String
    /// Description. Example: `C1 webserver`.
    @Zero public var description: String
    /// Target port. Example: `80,81,8080-8090`.
    @Zero public var targetPort: String
    /// Target address. Example: `198.51.100.2`.
    @Zero public var targetAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, description
        case targetPort = "target_port"
        case targetAddress = "target_address"
    }
}

/// NetworkLoadBalancerPort.
public struct NetworkLoadBalancerPort: WireValue {
    /// Description. Example: `My web server load balancer`.
    @Zero public var description: String
    /// Protocol. Example: `tcp`.
    @Zero public var `protocol`: String
    /// Listen port. Example: `80,81,8080-8090`.
    @Zero public var listenPort: String
    /// Target backend. Example: `["c1-http","c2-http"]`.
    @Zero public var targetBackend: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, `protocol`
        case listenPort = "listen_port"
        case targetBackend = "target_backend"
    }
}

/// NetworkLoadBalancersPost.
public struct NetworkLoadBalancersPost: WireValue {
    /// Description. Example: `My public IP load balancer`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Backends.
    @Zero public var backends: [NetworkLoadBalancerBackend]
    /// Ports.
    @Zero public var ports: [NetworkLoadBalancerPort]
    /// Listen address. Example: `192.0.2.1`.
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

/// NetworkLoadBalancerPut.
public struct NetworkLoadBalancerPut: WireValue {
    /// Description. Example: `My public IP load balancer`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Backends.
    @Zero public var backends: [NetworkLoadBalancerBackend]
    /// Ports.
    @Zero public var ports: [NetworkLoadBalancerPort]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, config, backends, ports
    }
}

/// NetworkLoadBalancer.
public struct NetworkLoadBalancer: WireValue {
    /// Description. Example: `My public IP load balancer`.
    @Zero public var description: String
    /// Config. Example: `{"user.mykey": "foo"}`.
    @Zero public var config: [String: String]
    /// Backends.
    @Zero public var backends: [NetworkLoadBalancerBackend]
    /// Ports.
    @Zero public var ports: [NetworkLoadBalancerPort]
    /// Listen address. Example: `192.0.2.1`.
    @Zero public var listenAddress: String
    /// Location. Example: `lxd01`.
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
