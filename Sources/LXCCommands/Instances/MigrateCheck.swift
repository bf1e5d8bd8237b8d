import LXDAPI
import LXDClient

struct MigrateCheck: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate-check",
        abstract: "Check whether running instances can be moved",
        usage: "[<remote>:]<instance> [<remote>:]",
        discussion: """
            Check whether running instances can be moved

            Prints what keeps an instance from moving to another server while it runs. Nothing is stopped or changed.
            With a second remote, whether that server can take it is looked at too.
            """)
    static let argumentCount = 1...2
    static let examples = """
        lxc migrate-check u1
            Say what keeps "u1" from being moved while it runs.

        lxc migrate-check u1 far:
            Ask the server "far" too.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let source = try session.resource(arguments[0])
        guard !source.name.isEmpty else { throw CommandFailure("Missing instance name") }
        guard try await source.server.hasExtension("instance_migrate_check") else {
            throw CommandFailure("The server is missing the required \"instance_migrate_check\" API extension")
        }
        var obstacles = try await source.server.checkMigration(of: source.name).obstacles
        if arguments.count > 1 {
            let target = try session.resource(arguments[1])
            guard target.name.isEmpty else { throw CommandFailure("The target is a remote: \(target.remote):") }
            obstacles += try await Self.obstacles(between: source.server, and: target)
        }
        guard !obstacles.isEmpty else { return Standard.output("\(source.name) can be moved while it runs\n") }
        throw CommandFailure(
            "\(source.name) can't be moved while it runs:\n" + obstacles.map { " - \($0)" }.joined(separator: "\n"))
    }

    private static func obstacles(between source: ServerConnection, and target: Resource) async throws -> [String] {
        let here = try await source.knownServer().environment
        let other = try await target.server.knownServer()
        let there = other.environment
        guard there.liveMigration["available"] == "true" else {
            let isTrying = there.liveMigration.isEmpty && other.apiExtensions.contains("instance_migrate_check")
            let reason = isTrying ? "it is still finding out whether it can; ask again" : "it has no live migration"
            return ["\(target.remote) can't take it: \(there.liveMigration["reason"] ?? reason)"]
        }
        guard here.kernelArchitecture == there.kernelArchitecture else {
            return ["The instance runs on \(here.kernelArchitecture) and can't go on on \(there.kernelArchitecture)"]
        }
        return []
    }
}
