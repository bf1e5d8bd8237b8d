import ArgumentParser
import LXDAPI

/// `lxd shutdown`
struct Shutdown: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown",
        abstract: "Tell LXD to shutdown all containers and exit",
        discussion: """
            This will tell LXD to start a clean shutdown of all containers, \
            followed by having itself shutdown and exit.

            This can take quite a while as containers can take a long time to \
            shutdown, especially if a non-standard timeout was configured for them.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(name: [.short, .long], help: "Number of seconds to wait before giving up")
    var timeout = 0

    @Flag(name: [.short, .long], help: "Force shutdown instead of waiting for running operations to finish")
    var force = false

    func run() async throws {
        let path = "/internal/shutdown?force=\(force)"
        guard timeout > 0 else {
            _ = try await LocalServer.query("PUT", path)
            return
        }
        let seconds = timeout
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await LocalServer.query("PUT", path) }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                throw LXDError.timeout("LXD still running after \(seconds)s timeout")
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
