/// A message on the control socket of a console.
public struct InstanceConsoleControl: WireValue {
    /// What is to be done.
    @Zero public var command: String
    /// Arguments of the command.
    @Zero public var args: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case command, args
    }
}

/// A console to attach to.
public struct InstanceConsolePost: WireValue {
    /// Columns of the terminal. Example: `80`.
    @Zero public var width: Int
    /// Rows of the terminal. Example: `24`.
    @Zero public var height: Int
    /// Kind. Example: `console`.
    @Zero public var type: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case width, height, type
    }
}
