import LXDAPI
import LXDClient

struct Version: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show local and remote versions", usage: "[<remote>:]")
    static let argumentCount = 0...1
    static let examples = """
        lxc version
            Show the version of this client and of the server.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        Standard.output("Client version: \(Program.version)\n")
        var remote = arguments.first ?? ""
        if !remote.isEmpty, !remote.hasSuffix(":") { remote += ":" }
        var version = "unreachable"
        if let server = try? session.resource(remote).server, let info = try? await server.server().value {
            version = info.environment.serverVersion
        }
        Standard.output("Server version: \(version)\n")
    }
}
