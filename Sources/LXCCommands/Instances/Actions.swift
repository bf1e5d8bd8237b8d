import LXDAPI
import LXDClient

struct Start: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start instances", usage: "[<remote>:]<instance> [[<remote>:]<instance>...]")
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc start u1 u2
            Start two instances.
        """

    @Flag(help: "Run against all instances") var all = false
    @Option(bare: "console", help: "Immediately attach to the console") var console = ""
    @Flag(help: "Ignore the instance state") var stateless = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var action = StateChange("start", session)
        action.all = all
        action.console = console
        action.stateless = stateless
        try await action.run(arguments)
    }
}

struct Pause: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Pause instances", usage: "[<remote>:]<instance> [[<remote>:]<instance>...]",
        shouldDisplay: false)
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc pause u1
            Freeze the processes of "u1"; "lxc start u1" lets them go on.
        """

    @Flag(help: "Run against all instances") var all = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var action = StateChange("pause", session)
        action.all = all
        try await action.run(arguments)
    }
}

struct Restart: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Restart instances", usage: "[<remote>:]<instance> [[<remote>:]<instance>...]",
        discussion: """
            Restart instances

            The opposite of "lxc pause" is "lxc start".
            """)
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc restart u1 --timeout 30
            Restart "u1", killing it when it has not shut down within 30 seconds.
        """

    @Flag(help: "Run against all instances") var all = false
    @Option(bare: "console", help: "Immediately attach to the console") var console = ""
    @Flag(short: "f", help: "Force the instance to shutdown") var force = false
    @Option(help: "Time to wait for the instance before killing it")
    var timeout = -1
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var action = StateChange("restart", session)
        action.all = all
        action.console = console
        action.force = force
        action.timeout = timeout
        try await action.run(arguments)
    }
}

struct Stop: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop instances", usage: "[<remote>:]<instance> [[<remote>:]<instance>...]")
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc stop u1 --force
            Stop "u1" at once, without letting it shut down.
        """

    @Flag(help: "Run against all instances") var all = false
    @Option(bare: "console", help: "Immediately attach to the console") var console = ""
    @Flag(short: "f", help: "Force the instance to shutdown") var force = false
    @Flag(help: "Store the instance state") var stateful = false
    @Option(help: "Time to wait for the instance before killing it")
    var timeout = -1
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var action = StateChange("stop", session)
        action.all = all
        action.console = console
        action.force = force
        action.stateful = stateful
        action.timeout = timeout
        try await action.run(arguments)
    }
}

/// What start, stop, restart and pause have in common.
struct StateChange: Sendable {
    let verb: String
    let session: Session
    var all = false
    var console = ""
    var force = false
    var stateful = false
    var stateless = false
    var timeout = 0

    init(_ verb: String, _ session: Session) {
        self.verb = verb
        self.session = session
    }

    private var action: String { verb == "pause" ? "freeze" : verb }

    func run(_ arguments: [String]) async throws {
        if all { return try await runOnAll(arguments) }
        if arguments.isEmpty { throw UsageRequest() }
        if !console.isEmpty, arguments.count != 1 {
            throw CommandFailure("--console only works with a single instance")
        }
        if arguments.count == 1 { return try await change(arguments[0]) }
        try await runBatch(arguments)
    }

    private func runBatch(_ names: [String]) async throws {
        let failures = await withTaskGroup(of: (Int, String?).self) { group in
            for (index, name) in names.enumerated() {
                group.addTask {
                    do {
                        try await change(name)
                        return (index, nil)
                    } catch {
                        return (index, FailureText.of(error))
                    }
                }
            }
            var failures: [(Int, String)] = []
            for await (index, text) in group { if let text { failures.append((index, text)) } }
            return failures.sorted { $0.0 < $1.0 }
        }
        guard !failures.isEmpty else { return }
        for (index, text) in failures {
            for line in "error: \(text)".split(separator: "\n", omittingEmptySubsequences: false) {
                Standard.error("\(names[index]): \(line)\n")
            }
        }
        Standard.error("\n")
        throw CommandFailure("Some instances failed to \(verb)")
    }

    private func runOnAll(_ arguments: [String]) async throws {
        if !console.isEmpty { throw CommandFailure("--console can't be used with --all") }
        for argument in arguments.isEmpty ? ["\(session.configuration.defaultRemote):"] : arguments {
            let resource = try session.resource(argument)
            guard resource.name.isEmpty else { throw CommandFailure("Both --all and instance name given") }
            try await addingContext(resource.remote) {
                try await session.wait(try await resource.server.changeAllInstanceStates(request(action, stateful: stateful)))
            }
        }
    }

    private func request(_ action: String, stateful: Bool) -> InstanceStatePut {
        .with {
            $0.action = action
            $0.timeout = timeout
            $0.force = force
            $0.stateful = stateful
        }
    }

    private func change(_ argument: String) async throws {
        if verb == "stop", force, !console.isEmpty {
            throw CommandFailure("--console can't be used while forcing instance shutdown")
        }
        let resource = try session.resource(argument)
        let (server, name) = (resource.server, resource.name)
        guard !name.isEmpty else { throw CommandFailure("Must supply instance name for: \"\(argument)\"") }
        var action = action
        var stateful = verb == "stop" && stateful
        if verb == "start" {
            let current = try await server.instance(name).value
            if current.statusCode == .frozen { action = "unfreeze" }
            stateful = action == "start" && current.stateful && !stateless
        }
        let operation = try await server.changeInstanceState(name, request(action, stateful: stateful))
        if verb == "stop", !console.isEmpty {
            return try await ConsoleAttachment.attach(to: name, type: console, server)
        }
        do {
            try await session.wait(operation)
        } catch {
            throw CommandFailure("\(FailureText.of(error))\nTry `lxc info --show-log \(argument)` for more info")
        }
        if !console.isEmpty { try await ConsoleAttachment.attach(to: name, type: console, server) }
    }
}
