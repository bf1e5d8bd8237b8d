import ArgumentParser
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
        """

    @Option(help: "Transfer mode. One of pull (default), push or relay.") var mode = "pull"
    @Option(help: "Cluster member name") var target = ""
    @Option(help: "Destination cluster member name") var destinationTarget = ""
    @Flag(help: "Copy the volume without its snapshots") var volumeOnly = false
    @Option(help: "Copy to a project different from the source") var targetProject = ""
    @Flag(help: "Refresh and update the existing storage volume copies") var refresh = false
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let ends = try await VolumeTransfer(arguments, target, destinationTarget, session)
        let operation = try await ends.copy(volumeOnly: volumeOnly, refresh: refresh, project: targetProject)
        try await session.wait(operation, showing: session.renderer("Copying the storage volume: %s"))
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
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let ends = try await VolumeTransfer(arguments, target, destinationTarget, session)
        let operation = try await ends.move(project: targetProject)
        try await session.wait(operation, showing: session.renderer("Moving the storage volume: %s"))
        session.say("Storage volume moved successfully!")
    }
}

/// Where a volume comes from and where it goes.
private struct VolumeTransfer {
    private let volume: StorageVolume
    private let source: (pool: String, server: ServerConnection)
    private let destination: (pool: String, name: String, server: ServerConnection)

    init(_ words: [String], _ target: String, _ destinationTarget: String, _ session: Session) async throws {
        let from = try session.named(words[0], orFail: "Missing source volume name")
        let to = try session.resource(words[1])
        guard let (sourcePool, sourceName) = from.name.split(once: "/") else {
            throw CommandFailure("No storage pool for source volume specified")
        }
        guard let (destinationPool, destinationName) = to.name.split(once: "/") else {
            throw CommandFailure("No storage pool for target volume specified")
        }
        guard from.server.isSameServer(as: to.server) else {
            throw CommandFailure("Copying storage volumes between servers is not supported by this client")
        }
        let server = from.server.using(target: target)
        let parts = sourceName.split(once: "/")
        var volume = try await server.storageVolume(sourcePool, "custom", parts?.head ?? sourceName).value
        if let snapshotName = parts?.tail {
            let snapshot = try await server.volumeSnapshot(sourcePool, "custom", volume.name, snapshotName).value
            volume.name = sourceName
            volume.config = snapshot.config
            volume.description = snapshot.description
        }
        self.volume = volume
        let location = try await server.isClustered() ? volume.location : ""
        source = (sourcePool, server.using(target: target.isEmpty ? location : target))
        destination = (
            destinationPool, destinationName,
            to.server.using(target: destinationTarget.isEmpty ? location : destinationTarget)
        )
    }

    func copy(volumeOnly: Bool, refresh: Bool, project: String) async throws -> ServerOperation {
        let server = project.isEmpty ? destination.server : destination.server.using(project: project)
        return try await server.copyStorageVolume(
            destination.pool,
            .with {
                $0.writable = .with {
                    $0.config = volume.config
                    $0.description = volume.description
                }
                $0.name = destination.name
                $0.type = volume.type
                $0.contentType = volume.contentType
                $0.source.name = volume.name
                $0.source.type = "copy"
                $0.source.pool = source.pool
                $0.source.volumeOnly = volumeOnly
                $0.source.refresh = refresh
                if !project.isEmpty, project != source.server.project { $0.source.project = source.server.project }
            })
    }

    func move(project: String) async throws -> ServerOperation {
        try await source.server.moveStorageVolume(
            source.pool, volume.type, volume.name,
            .with {
                $0.name = destination.name
                $0.pool = destination.pool
                $0.project = project
            })
    }
}
