/// DevLXDPut.
public struct DevLXDPut: WireValue {
    /// State. Example: `Started`.
    @Zero public var state: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case state
    }
}

/// DevLXDGet.
public struct DevLXDGet: WireValue {
    /// State. Example: `Started`.
    @Zero public var state: String
    /// Api version. Example: `1.0`.
    @Zero public var apiVersion: String
    /// Instance type. Example: `container`.
    @Zero public var instanceType: String
    /// Location. Example: `lxd01`.
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
