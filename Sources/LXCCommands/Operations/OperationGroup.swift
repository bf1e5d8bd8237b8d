import LXDAPI
import LXDClient

struct OperationGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "operation", abstract: "List, show and delete background operations",
        subcommands: [OperationDelete.self, OperationList.self, OperationShow.self])
}

struct OperationDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a background operation (will attempt to cancel)",
        usage: "[<remote>:]<operation>", aliases: ["cancel", "rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc operation delete 344a79e4-d88a-45bf-9c39-c72c26f6ab8a
            Ask the server to give up what it is doing.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        try await resource.server.cancelOperation(resource.name)
        session.say("Operation \(resource.name) deleted")
    }
}

struct OperationList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List background operations", usage: "[<remote>:]", aliases: ["ls"])
    static let argumentCount = 0...1
    static let examples = """
        lxc operation list
            Show what the server is doing.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments.first ?? "")
        guard resource.name.isEmpty else { throw CommandFailure("Filtering isn't supported yet") }
        let operations = try await resource.server.operations().sorted { $0.key < $1.key }.flatMap(\.value)
        let isClustered = try await resource.server.isClustered()
        var table = Table(
            ["ID", "TYPE", "DESCRIPTION", "STATUS", "CANCELABLE", "CREATED"] + (isClustered ? ["LOCATION"] : []))
        table.rows = operations.map { operation in
            [
                operation.id, operation.class.uppercased(), operation.description, operation.status.uppercased(),
                operation.mayCancel ? "YES" : "NO", TimeText.universal(operation.createdAt),
            ] + (isClustered ? [operation.location] : [])
        }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: operations))
    }
}

struct OperationShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show details on a background operation", usage: "[<remote>:]<operation>")
    static let argumentCount = 1...1
    static let examples = """
        lxc operation show 344a79e4-d88a-45bf-9c39-c72c26f6ab8a
            Show details on that operation UUID
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        Standard.output(try LXDYAML.encode(try await resource.server.operation(resource.name)))
    }
}
