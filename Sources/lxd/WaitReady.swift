import ArgumentParser
import LXDAPI

/// `lxd waitready`
struct WaitReady: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waitready",
        abstract: "Wait for LXD to be ready to process requests",
        discussion: """
            This command will block until LXD is reachable over its REST API and \
            is done with early start tasks like re-starting previously started \
            containers.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(name: [.short, .long], help: "Number of seconds to wait before giving up")
    var timeout = 0

    func run() async throws {
        let clock = ContinuousClock()
        let deadline = timeout > 0 ? clock.now.advanced(by: .seconds(timeout)) : nil
        var pause = Duration.milliseconds(20)
        while true {
            do {
                _ = try await LocalServer.query("GET", "/internal/ready")
                return
            } catch {
                if let deadline, clock.now >= deadline {
                    throw LXDError.timeout(
                        "LXD still not running after \(timeout)s timeout (\(LXDError.from(error).message))")
                }
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(500))
        }
    }
}
