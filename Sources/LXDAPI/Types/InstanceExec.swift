/// A message on the control socket of a running command.
public struct InstanceExecControl: WireValue {
    /// What is to be done.
    @Zero public var command: String
    /// Arguments of the command.
    @Zero public var args: [String: String]
    /// Number of the signal to send.
    @Zero public var signal: Int

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case command, args, signal
    }
}

/// A command to run in an instance.
public struct InstanceExecPost: WireValue {
    /// Program and its arguments. Example: `["bash"]`.
    @Zero public var command: [String]
    /// Whether to wait until the client has opened the websockets. Example: `true`.
    @Zero public var waitForWebsocket: Bool
    /// Whether it gets a terminal. Example: `true`.
    @Zero public var interactive: Bool
    /// Environment variables. Example: `{"FOO": "BAR"}`.
    @NullIfEmpty public var environment: [String: String]
    /// Columns of the terminal. Example: `80`.
    @Zero public var width: Int
    /// Rows of the terminal. Example: `24`.
    @Zero public var height: Int
    /// Whether output is kept in files of the server.
    @Zero public var recordOutput: Bool
    /// Numeric user to run as. Example: `1000`.
    @Zero public var user: UInt32
    /// Numeric group to run as. Example: `1000`.
    @Zero public var group: UInt32
    /// Folder to start in. Example: `/home/foo/`.
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
