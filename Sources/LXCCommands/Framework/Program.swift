import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient

/// The client as a whole: from the words of a command line to an exit status.
package enum Program {
    /// The version that `lxc --version` prints: that of the LXD whose commands these are.
    static let version = "5.0.2"

    package static func run(_ words: [String]) async -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        do {
            try await runCommand(words)
            return 0
        } catch let status as ExitStatus {
            return status.code
        } catch {
            Standard.error("Error: \(FailureText.of(error))\n")
            return (error as? CommandFailure)?.exitStatus ?? 1
        }
    }

    private static func runCommand(_ given: [String]) async throws {
        let environment = ProcessInfo.processInfo.environment
        let directory = ClientConfiguration.standardDirectory(environment)
        let loaded = Result { () throws(LXDError) in
            try ClientConfiguration.load(from: directory, environment: environment)
        }
        let words = try expandAliases(given, loaded, environment)
        var reader = CommandLineReader(root: LXC.self)
        let request = try reader.read(words)
        switch request {
        case .version:
            Standard.output(version + "\n")
        case .help(let path):
            Standard.output(HelpText(path: path, globals: reader.globals).help())
        case .usage(let path):
            Standard.error(HelpText(path: path, globals: reader.globals).usage())
        case .run(let command, let path):
            let name = path.last?.name ?? ""
            let configuration = try await FirstRun.configuration(loaded, globals: reader.globals, command: name)
            do {
                try await command.run(Session(globals: reader.globals, configuration: configuration))
            } catch is UsageRequest {
                Standard.error(HelpText(path: path, globals: reader.globals).usage())
            } catch is ArgumentCountError {
                Standard.output(HelpText(path: path, globals: reader.globals).help())
                if !command.arguments.isEmpty { throw CommandFailure("Invalid number of arguments") }
            }
        }
    }

    /// Replaces an alias; one that names a program by its path is run in our place.
    private static func expandAliases(
        _ words: [String], _ loaded: Result<ClientConfiguration, LXDError>, _ environment: [String: String]
    ) throws -> [String] {
        guard environment["LXC_ALIASES"] != "1", !words.isEmpty else { return words }
        // A broken file is reported by the command itself.
        let aliases = (try? loaded.get().aliases) ?? [:]
        guard let expanded = try CommandAliases.expand(words, aliases) else { return words }
        guard let program = expanded.first, program.hasPrefix("/") else { return expanded }
        setenv("LXC_ALIASES", "1", 1)
        let vector = expanded.map { $0.withCString { strdup($0) } } + [nil]
        execv(program, vector)
        throw CommandFailure("Processing aliases failed: \(Standard.errorText(errno))")
    }
}
