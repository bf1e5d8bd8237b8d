import LXDAPI
import LXDClient

struct Init: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Create instances from images",
        usage: "[<remote>:]<image> [<remote>:][<name>]",
        shouldDisplay: false)
    static let argumentCount = 0...2
    static let examples = """
        lxc init ubuntu:22.04 u1

        lxc init ubuntu:22.04 u1 < config.yaml
            Create the instance with configuration from config.yaml
        """

    let options = CreateOptions()
    var arguments: [String] = []

    package var declarations: [Declaration] { Declaration.all(in: self) + Declaration.all(in: options) }

    func run(_ session: Session) async throws {
        if arguments.isEmpty, !options.empty { throw UsageRequest() }
        _ = try await InstanceCreation(session: session, options: options, arguments: arguments).create()
    }
}

struct Launch: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch",
        abstract: "Create and start instances from images",
        usage: "[<remote>:]<image> [<remote>:][<name>]")
    static let argumentCount = 1...2
    static let examples = """
        lxc launch ubuntu:22.04 u1

        lxc launch ubuntu:22.04 u1 < config.yaml
            Create and start a container with configuration from config.yaml

        lxc launch ubuntu:22.04 v1 --vm
            Create and start a virtual machine
        """

    let options = CreateOptions()
    @Option(bare: "console", help: "Immediately attach to the console") var console = ""
    var arguments: [String] = []

    package var declarations: [Declaration] { Declaration.all(in: self) + Declaration.all(in: options) }

    func run(_ session: Session) async throws {
        let (server, name) = try await InstanceCreation(session: session, options: options, arguments: arguments).create()
        session.say("Starting \(name)")
        let remote = try session.parse(arguments.count > 1 ? arguments[1] : "").remote
        let operation = try await server.changeInstanceState(
            name,
            .with {
                $0.action = "start"
                $0.timeout = -1
            })
        do {
            try await session.wait(operation)
        } catch {
            throw CommandFailure("\(FailureText.of(error))\nTry `lxc info --show-log \(remote):\(name)` for more info")
        }
        if !console.isEmpty { try await ConsoleAttachment.attach(to: name, type: console, server) }
    }
}
