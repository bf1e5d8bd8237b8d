import LXDLinux
import LXDTestSupport
import Testing

/// The daemon's own command line, without a daemon.
@Suite(.enabled(if: Programs.mayRunContainers, "needs the programs"))
struct DaemonCommandTests {
    @Test(arguments: ["", "init", "sql", "waitready", "shutdown", "activateifneeded", "version"])
    func helpIsPrintedAndIsNoError(command: String) async throws {
        let arguments = command.isEmpty ? ["--help"] : [command, "--help"]
        let result = try await ProcessRunner.run(Programs.ours.daemon, arguments)
        #expect(result.exit.isSuccess)
        #expect(result.outputText.contains("USAGE:"))
        #expect(result.errorText.isEmpty)
    }

    @Test func anUnknownCommandIsNamed() async throws {
        let result = try await ProcessRunner.run(Programs.ours.daemon, ["frobnicate"])
        #expect(!result.exit.isSuccess)
        #expect(result.errorText.contains("frobnicate"))
    }
}
