/// What a client may change of the instance, from within.
public struct DevLXDPut: WireValue {
    /// State. Example: `Started`.
    @Zero public var state: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case state
    }
}

/// What an instance learns about itself.
public struct DevLXDGet: WireValue {
    /// State. Example: `Started`.
    @Zero public var state: String
    /// Version of the API. Example: `1.0`.
    @Zero public var apiVersion: String
    /// Kind of instance. Example: `container`.
    @Zero public var instanceType: String
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
    @Zero public var location: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case state
        case apiVersion = "api_version"
        case instanceType = "instance_type"
        case location
    }

    /// The part that a client may change.
    public var writable: DevLXDPut {
        get {
            .with {
                $0.state = state
            }
        }
        set {
            state = newValue.state
        }
    }
}
