import FoundationEssentials
import LXDAPI
import LXDClient

/// What happens when a user runs the client for the first time on a machine that has LXD: a hint, and a configuration
/// file so that it is not given twice.
enum FirstRun {
    /// - Parameter loaded: The configuration of the user, or why it cannot be read.
    static func configuration(
        _ loaded: Result<ClientConfiguration, LXDError>, globals: GlobalFlags, command: String
    ) async throws -> ClientConfiguration {
        var configuration: ClientConfiguration
        if globals.forceLocal {
            configuration = ClientConfiguration(directory: "")
        } else {
            configuration = try loaded.get()
            if !FileManager.default.fileExists(atPath: configuration.path), FileManager.default.fileExists(atPath: state) {
                configuration = try await greet(configuration, command: command)
            }
        }
        configuration.projectOverride = globals.project
        return configuration
    }

    /// The folder of a server on this machine.
    private static var state: String {
        let named = ProcessInfo.processInfo.environment["LXD_DIR"] ?? ""
        return named.isEmpty ? "/var/lib/lxd" : named
    }

    private static func greet(_ configuration: ClientConfiguration, command: String) async throws -> ClientConfiguration {
        var configuration = configuration
        var needsInit = true
        do {
            let server = try ServerConnection(remote: "local", of: configuration)
            needsInit = try await server.server().value.environment.storage.isEmpty
            let projects = try await server.projectNames()
            if projects.count == 1, projects[0] != "default" { configuration.remotes["local"]?.project = projects[0] }
        } catch {
            // No server answers: the hint says what to do.
        }
        if needsInit {
            Standard.error("If this is your first time running LXD on this machine, you should also run: lxd init\n")
        }
        if command != "init", command != "launch" {
            Standard.error(
                """
                To start your first container, try: lxc launch ubuntu:22.04
                Or for a virtual machine: lxc launch ubuntu:22.04 --vm

                """)
        }
        if needsInit || (command != "init" && command != "launch") { Standard.error("\n") }
        try configuration.save()
        return configuration
    }
}
