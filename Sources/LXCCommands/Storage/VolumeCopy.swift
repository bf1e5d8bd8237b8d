import LXDAPI
import LXDClient

struct VolumeCopy: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy", abstract: "Copy storage volumes",
        usage: "[<remote>:]<pool>/<volume>[/<snapshot>] [<remote>:]<pool>/<volume>", aliases: ["cp"])
    static let argumentCount = 2...2
    static let examples = """
        lxc storage volume copy default/data default/data2
            Make "data2", a copy of a volume and its snapshots.

        lxc storage volume copy default/data other:default/data --refresh
            Bring the copy of a volume on another server up to date.
        """

    @Option(help: "Transfer mode. One of pull (default), push or relay.") var mode = "pull"
    @Option(help: "Cluster member name") var target = ""
    @Option(help: "Destination cluster member name") var destinationTarget = ""
    @Flag(help: "Copy the volume without its snapshots") var volumeOnly = false
    @Option(help: "Copy to a project different from the source") var targetProject = ""
    @Flag(help: "Refresh and update the existing storage volume copies") var refresh = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let transfer = try await VolumeTransfer(arguments, target, destinationTarget, targetProject, mode, session)
        try await transfer.copy(volumeOnly: volumeOnly, refresh: refresh, progressText: "Copying the storage volume: %s")
        session.say("Storage volume copied successfully!")
    }
}

struct VolumeMove: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "move", abstract: "Move storage volumes between pools",
        usage: "[<remote>:]<pool>/<volume> [<remote>:]<pool>/<volume>", aliases: ["mv"])
    static let argumentCount = 2...2
    static let examples = """
        lxc storage volume move default/data fast/data
            Bring a volume to another pool.
        """

    @Option(help: "Transfer mode, one of pull (default), push or relay") var mode = "pull"
    @Option(help: "Cluster member name") var target = ""
    @Option(help: "Destination cluster member name") var destinationTarget = ""
    @Option(help: "Move to a project different from the source") var targetProject = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let transfer = try await VolumeTransfer(arguments, target, destinationTarget, targetProject, mode, session)
        try await transfer.move()
        session.say("Storage volume moved successfully!")
    }
}
