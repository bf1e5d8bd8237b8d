/// InstanceConsoleControl.
public struct InstanceConsoleControl: WireValue {
    /// Command.
    @Zero public var command: String
    /// Args.
    @Zero public var args: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case command, args
    }
}

/// InstanceConsolePost.
public struct InstanceConsolePost: WireValue {
    /// Width. Example: `80`.
    @Zero public var width: Int
    /// Height. Example: `24`.
    @Zero public var height: Int
    /// Type. Example: `console`.
    @Zero public var type: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case width, height, type
    }
}
