import ArgumentParser
import Foundation
import LXDAPI

/// `lxd`: the daemon itself, and what an administrator does to it on its own machine.
@main
struct Lxd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lxd",
        abstract: "The LXD container manager (daemon)",
        discussion: """
            This is the LXD daemon command line. It's typically started directly by your \
            init system and interacted with through a tool like `lxc`.
            """,
        version: serverVersion,
        subcommands: [
            ActivateIfNeeded.self, Initialize.self, Shutdown.self, QueryDatabase.self, ShowVersion.self, WaitReady.self,
        ],
        helpNames: [.short, .long])

    @OptionGroup var global: GlobalOptions

    @Option(help: "The group of users that will be allowed to talk to LXD")
    var group: String?

    func run() async throws { try await Daemon(global: global, group: group).run() }

    static func main() async {
        // Scripts pass an option that may be empty; of all commands only `sql` has a use for an empty word.
        let words = CommandLine.arguments.dropFirst()
        let arguments = words.contains("sql") ? Array(words) : words.filter { !$0.isEmpty }
        do {
            var command = try Self.command(arguments)
            do {
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
            } catch let error as ExitCode {
                Foundation.exit(error.rawValue)
            } catch where Self.exitCode(for: error).isSuccess {
                Self.exit(withError: error)  // Help that was asked for, or a version.
            } catch {
                FileHandle.standardError.write(Data("Error: \(LXDError.from(error).message)\n".utf8))
                Foundation.exit(1)
            }
        } catch {
            Self.exit(withError: error)
        }
    }
}

extension Lxd {
    /// The command that the words name: global options may stand before its name and after it.
    private static func command(_ words: [String]) throws -> any ParsableCommand {
        var position = 0
        while position < words.count, words[position].hasPrefix("-") {
            // These take the next word along.
            position += ["--group", "--logfile", "--trace"].contains(words[position]) ? 2 : 1
        }
        guard position < words.count, words[position] != "daemon" else {
            return try parseAsRoot(words.filter { $0 != "daemon" })
        }
        let name = words[position]
        if name == "help" { return try parseAsRoot(["--help"]) }
        guard let chosen = configuration.subcommands.first(where: { $0.configuration.commandName == name }) else {
            throw ValidationError("unknown command \"\(name)\" for \"lxd\"")
        }
        var rest = words
        rest.remove(at: position)
        return try chosen.parseAsRoot(rest)
    }
}

/// What every `lxd` command takes.
struct GlobalOptions: ParsableArguments {
    @Option(help: "Path to the log file")
    var logfile: String?

    @Flag(help: "Log to syslog")
    var syslog = false

    @Option(help: "Log tracing targets")
    var trace: [String] = []

    @Flag(name: [.short, .long], help: "Show all debug messages")
    var debug = false

    @Flag(name: [.short, .long], help: "Show all information messages")
    var verbose = false
}
