/// InstanceExecControl.
public struct InstanceExecControl: WireValue {
    /// Command.
    @Zero public var command: String
    /// Args.
    @Zero public var args: [String: String]
    /// Signal.
    @Zero public var signal: Int

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case command, args, signal
    }
}

/// InstanceExecPost.
public struct InstanceExecPost: WireValue {
    /// Command. Example: `["bash"]`.
    @Zero public var command: [String]
    /// Wait for websocket. Example: `true`.
    @Zero public var waitForWebsocket: Bool
    /// Interactive. Example: `true`.
    @Zero public var interactive: Bool
    /// Environment. Example: `{"FOO": "BAR"}`.
    @NullIfEmpty public var environment: [String: String]
    /// Width. Example: `80`.
    @Zero public var width: Int
    /// Height. Example: `24`.
    @Zero public var height: Int
    /// Record output.
    @Zero public var recordOutput: Bool
    /// User. Example: `1000`.
    @Zero public var user: UInt32
    /// Group. Example: `1000`.
    @Zero public var group: UInt32
    /// Cwd. Example: `/home/foo/`.
    @Zero public var cwd: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case command
        case waitForWebsocket = "wait-for-websocket"
        case interactive, environment, width, height
        case recordOutput = "record-output"
        case user, group, cwd
    }
}
