import Glibc
import LXDAPI
import LXDClient
import LXDHTTP

struct Console: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Attach to instance consoles",
        usage: "[<remote>:]<instance>",
        discussion: """
            Attach to instance consoles

            Shows and serves the console that the instance boots on. What was written to it before can be read, too.
            """)
    static let argumentCount = 1...1
    static let examples = """
        lxc console u1
            Attach to the console of "u1"; <ctrl>+a q detaches.

        lxc console u1 --show-log
            Show what was written to the console.
        """

    @Flag(help: "Retrieve the instance's console log") var showLog = false
    @Option(short: "t", help: "Type of connection to establish: 'console' for serial console, 'vga' for SPICE graphical output")
    var type = "console"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        guard ["console", "vga"].contains(type) else { throw CommandFailure("Unknown output type \(type.goQuoted)") }
        let resource = try session.resource(arguments[0])
        if showLog {
            guard type == "console" else {
                throw CommandFailure("The --show-log flag is only supported for by 'console' output type")
            }
            let log = String(decoding: try await resource.server.consoleLog(of: resource.name), as: UTF8.self)
            Standard.output("\nConsole log:\n\n\(log)\n")
            return
        }
        try await ConsoleAttachment.attach(to: resource.name, type: type, resource.server)
    }
}

/// This terminal, connected with an instance's console.
enum ConsoleAttachment {
    static func attach(to instance: String, type: String, _ server: ServerConnection) async throws {
        guard type == "console" else {
            throw type == "vga"
                ? CommandFailure("VGA consoles are only there for virtual machines, which this server does not run")
                : CommandFailure("Unknown console type \(type.goQuoted)")
        }
        let terminal = try RawTerminal(Standard.input)
        defer { terminal.restore() }
        let size = Standard.terminalSize(of: Standard.input)
        Standard.output("To detach from the console, press: <ctrl>+a q\n\r")
        let operation = try await server.attachConsole(
            .with {
                $0.width = size?.columns ?? 0
                $0.height = size?.rows ?? 0
                $0.type = type
            }, of: instance)
        guard let controlSecret = operation.secrets["control"], let secret = operation.secrets["0"] else {
            throw CommandFailure("Did not receive a file descriptor for the control channel")
        }
        let control = try await operation.webSocket(secret: controlSecret)
        let socket = try await operation.webSocket(secret: secret)
        let signals = SignalStream([SIGWINCH])
        let resizing = Task { await ControlChannel.forward(signals, to: control, resizes: true) }
        let typing = Task { await sendKeys(to: socket, control) }
        let showing = Task {
            await StreamPump.receive(from: socket, to: Standard.outputDescriptor)
            await socket.close()
        }
        defer {
            for task in [resizing, typing, showing] { task.cancel() }
            signals.stop()
        }
        try await operation.wait()
    }

    /// Sends what is typed; ctrl+a and then q ends the connection instead.
    private static func sendKeys(to socket: WebSocketConnection, _ control: WebSocketConnection) async {
        var escape = ConsoleEscape()
        do {
            while let chunk = await StreamPump.read(Standard.input) {
                let (keys, detaches) = escape.filter(chunk)
                if !keys.isEmpty { try await socket.send(binary: keys) }
                if detaches {
                    await control.close(WebSocketClose(code: 1000, reason: "Detaching from console"))
                    return
                }
            }
            try await socket.send(text: "")
        } catch {
            // The console has gone away; waiting for the operation tells why.
        }
    }
}

/// Looks for ctrl+a q among keys.
struct ConsoleEscape {
    private var sawPrefix = false

    /// - Returns: The keys to be sent, and whether the sequence was found; what follows it is dropped.
    mutating func filter(_ bytes: [UInt8]) -> (keys: [UInt8], detaches: Bool) {
        var keys: [UInt8] = []
        for byte in bytes {
            if byte == 1, !sawPrefix {
                sawPrefix = true
            } else if byte == UInt8(ascii: "q"), sawPrefix {
                return (keys, true)
            } else {
                sawPrefix = false
                keys.append(byte)
            }
        }
        return (keys, false)
    }
}
