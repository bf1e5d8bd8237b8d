import LXDAPI
import LXDClient

struct Copy: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy instances within or in between LXD servers",
        usage: "[<remote>:]<source>[/<snapshot>] [[<remote>:]<destination>]",
        discussion: """
            Copy instances within or in between LXD servers

            Transfer modes (--mode):
             - pull: Target server pulls the data from the source server (source must listen on network)
             - push: Source server pushes the data to the target server (target must listen on network)
             - relay: The CLI connects to both source and server and proxies the data (both must be reachable from here)

            The pull transfer mode is the default as it is compatible with all LXD versions.
            """,
        aliases: ["cp"])
    static let argumentCount = 1...2
    static let examples = """
        lxc copy u1 u2
            Make "u2", a copy of "u1" and its snapshots.

        lxc copy u1/snap0 other:u3
            Make "u3" on the remote "other" from a snapshot.
        """

    @Option(short: "c", help: "Config key/value to apply to the new instance")
    var config: [String] = []
    @Option(short: "d", help: "New key/value to apply to a specific device")
    var device: [String] = []
    @Option(short: "p", help: "Profile to apply to the new instance")
    var profile: [String] = []
    @Flag(short: "e", help: "Ephemeral instance") var ephemeral = false
    @Option(help: "Transfer mode. One of pull, push or relay") var mode = "pull"
    @Flag(help: "Copy the instance without its snapshots") var instanceOnly = false
    @Flag(help: "Copy a stateful instance stateless") var stateless = false
    @Option(short: "s", help: "Storage pool name") var storage = ""
    @Option(help: "Cluster member name") var target = ""
    @Option(help: "Copy to a project different from the source") var targetProject = ""
    @Flag(help: "Create the instance with no profiles applied") var noProfiles = false
    @Flag(help: "Perform an incremental copy") var refresh = false
    @Flag(help: "Ignore copy errors for volatile files") var allowInconsistent = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var copy = InstanceCopy(session: session)
        copy.config = config
        copy.devices = device
        copy.profiles = noProfiles && profile.isEmpty ? [] : (profile.isEmpty ? nil : profile)
        copy.ephemeral = ephemeral
        copy.mode = mode.isEmpty ? "pull" : mode
        copy.instanceOnly = instanceOnly
        copy.stateful = !stateless && !refresh
        copy.keepsVolatile = refresh
        copy.pool = storage
        copy.target = target
        copy.targetProject = targetProject
        copy.refreshes = refresh
        copy.allowsInconsistent = allowInconsistent
        if refresh, noProfiles { throw CommandFailure("--no-profiles cannot be used with --refresh") }
        try await copy.run(from: arguments[0], to: arguments.count > 1 ? arguments[1] : "")
    }
}
