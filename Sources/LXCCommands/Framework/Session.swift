import FoundationEssentials
import LXDAPI
import LXDClient
import Synchronization

/// One run of the client: its flags, its configuration and the servers it has talked to.
package final class Session: Sendable {
    let globals: GlobalFlags
    private let state: Mutex<State>

    private struct State {
        var configuration: ClientConfiguration
        var servers: [String: ServerConnection] = [:]
    }

    init(globals: GlobalFlags, configuration: ClientConfiguration) {
        self.globals = globals
        state = Mutex(State(configuration: configuration))
    }

    var configuration: ClientConfiguration { state.withLock { $0.configuration } }

    /// Changes the configuration and writes it to its file.
    func changeConfiguration(_ change: (inout ClientConfiguration) throws -> Void) throws {
        try state.withLock { state in
            try change(&state.configuration)
            try state.configuration.save()
        }
    }

    var isQuiet: Bool { globals.quiet }

    func parse(_ argument: String) throws -> RemoteName { try configuration.parse(argument) }

    /// The server of a remote; nothing is sent to it yet.
    func server(_ remote: String) throws -> ServerConnection {
        if let known = state.withLock({ $0.servers[remote] }) { return known }
        let server = try ServerConnection(remote: remote, of: configuration)
        state.withLock { $0.servers[remote] = server }
        return server
    }

    /// The server and the name that an argument like `remote:name` means.
    func resource(_ argument: String) throws -> Resource {
        let name = try parse(argument)
        return Resource(server: try server(name.remote), reference: name)
    }

    func renderer(_ format: String = "%s") -> ProgressRenderer { ProgressRenderer(format: format, quiet: isQuiet) }

    /// Says something, unless the person asked for quiet.
    func say(_ text: String) {
        if !isQuiet { Standard.output(text + "\n") }
    }
}

/// Something on a server, as a person names it.
struct Resource: Sendable {
    let server: ServerConnection
    let reference: RemoteName

    var remote: String { reference.remote }
    var name: String { reference.name }
}
