import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient
import LXDHTTP

struct Exec: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Execute commands in instances",
        usage: "[<remote>:]<instance> [flags] [--] <command line>",
        discussion: """
            Execute commands in instances

            The command is run as it is, without a shell: variables, patterns and redirections in it mean nothing.
            Run a shell where they are wanted:

              lxc exec <instance> -- sh -c "cd /tmp && pwd"

            The command gets a terminal when both stdin and stdout are terminals here.
            """)
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc exec u1 -- cat /etc/os-release
            Show a file of "u1".

        lxc exec u1 --user 1000 --cwd /home/ubuntu -- bash
            Open a shell as another user.
        """

    @Option(help: "Environment variable to set (e.g. HOME=/home/foo)") var env: [String] = []
    @Option(help: "Override the terminal mode (auto, interactive or non-interactive)") var mode = "auto"
    @Flag(short: "t", help: "Force pseudo-terminal allocation") var forceInteractive = false
    @Flag(long: "force-noninteractive", short: "T", help: "Disable pseudo-terminal allocation")
    var forceNonInteractive = false
    @Flag(short: "n", help: "Disable stdin (reads from /dev/null)") var disableStdin = false
    @Option(help: "User ID to run the command as (default 0)") var user = 0
    @Option(help: "Group ID to run the command as (default 0)")
    var group = 0
    @Option(help: "Directory to run the command in (default /root)") var cwd = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        if forceInteractive, forceNonInteractive { throw CommandFailure("You can't pass -t and -T at the same time") }
        if mode != "auto", forceInteractive || forceNonInteractive {
            throw CommandFailure("You can't pass -t or -T at the same time as --mode")
        }
        guard let user = UInt32(exactly: user), let group = UInt32(exactly: group) else {
            throw CommandFailure("User and group IDs must be between 0 and \(UInt32.max)")
        }
        let resource = try session.resource(arguments[0])
        let size = Standard.terminalSize(of: Standard.outputDescriptor)
        let request = InstanceExecPost.with {
            $0.command = Array(arguments.dropFirst())
            $0.waitForWebsocket = true
            $0.interactive = isInteractive
            $0.environment = environment()
            $0.width = size?.columns ?? 0
            $0.height = size?.rows ?? 0
            $0.user = user
            $0.group = group
            $0.cwd = cwd
        }
        let status = try await ExecSession(resource: resource, request: request, readsInput: !disableStdin).run()
        if status != 0 { throw ExitStatus(code: status) }
    }

    private var isInteractive: Bool {
        if disableStdin { return false }
        if mode == "interactive" || forceInteractive { return true }
        if mode == "non-interactive" || forceNonInteractive { return false }
        return Standard.isTerminal(Standard.input) && Standard.isTerminal(Standard.outputDescriptor)
    }

    private func environment() -> [String: String] {
        var values: [String: String] = [:]
        values["TERM"] = ProcessInfo.processInfo.environment["TERM"]
        for entry in env {
            let (name, value) = entry.split(once: "=") ?? (entry, "")
            values[name] = value
        }
        return values
    }
}

/// One command run in an instance with this process's streams.
struct ExecSession {
    let resource: Resource
    let request: InstanceExecPost
    let readsInput: Bool

    private static let forwarded = [
        SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGSEGV, SIGCONT,
    ]

    /// - Returns: What the command ended with, as a shell shows it.
    func run() async throws -> Int32 {
        let terminal = request.interactive && Standard.isTerminal(Standard.input) ? try RawTerminal(Standard.input) : nil
        defer { terminal?.restore() }
        let operation = try await resource.server.execute(request, in: resource.name)
        let signals = SignalStream(Self.forwarded)
        let control = Task {
            guard let secret = operation.secrets["control"], let socket = try? await operation.webSocket(secret: secret) else {
                return  // Without it the command runs all the same, only deaf to signals.
            }
            await ControlChannel.forward(signals, to: socket, resizes: request.interactive)
        }
        defer {
            control.cancel()
            signals.stop()
        }
        let outcome = Task { try await operation.wait() }
        do {
            try await copyStreams(operation)
        } catch {
            outcome.cancel()
            // The command may have ended before its streams were open, which says more.
            if case .failure(let cause as OperationFailure) = await outcome.result { throw Self.failure(cause) }
            throw error
        }
        do {
            return Self.status(try await outcome.value)
        } catch let cause as OperationFailure {
            throw Self.failure(cause)
        }
    }

    private static func status(_ operation: Operation) -> Int32 {
        Int32(truncatingIfNeeded: operation.metadata["return"]?.intValue ?? 0) & 0xff
    }

    private static func failure(_ cause: OperationFailure) -> CommandFailure {
        let status = status(cause.operation)
        return CommandFailure(cause.description, exitStatus: status == 0 ? 1 : status)
    }

    private func copyStreams(_ operation: ServerOperation) async throws {
        let secrets = operation.secrets
        func open(_ name: String) async throws -> WebSocketConnection? {
            guard let secret = secrets[name] else { return nil }
            return try await operation.webSocket(secret: secret)
        }
        async let first = open("0")
        if request.interactive {
            guard let socket = try await first else { return }
            sendInput(to: socket)
            await StreamPump.receive(from: socket, to: Standard.outputDescriptor)
            socket.abort()
            return
        }
        async let second = open("1")
        async let third = open("2")
        let (input, output, errors) = try await (first, second, third)
        if let input { sendInput(to: input) }
        async let outputDone: Void = Self.receive(output, Standard.outputDescriptor)
        async let errorsDone: Void = Self.receive(errors, Standard.errorDescriptor)
        _ = await (outputDone, errorsDone)
        for socket in [input, output, errors] { await socket?.close() }
    }

    /// Goes on in the background: a read from a terminal or pipe cannot be called off, the end of the process ends it.
    private func sendInput(to socket: WebSocketConnection) {
        Task {
            if readsInput {
                await StreamPump.send(from: Standard.input, to: socket)
            } else {
                await StreamPump.sendNothing(to: socket)
            }
        }
    }

    private static func receive(_ socket: WebSocketConnection?, _ descriptor: Int32) async {
        if let socket { await StreamPump.receive(from: socket, to: descriptor) }
    }
}
