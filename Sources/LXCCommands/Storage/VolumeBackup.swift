import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient

struct VolumeExport: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export custom storage volume", usage: "[<remote>:]<pool> <volume> [<path>]")
    static let argumentCount = 2...3
    static let examples = """
        lxc storage volume export default data data.tar.gz
            Write a volume and its snapshots to a file.
        """

    @Flag(help: "Export the volume without its snapshots") var volumeOnly = false
    @Flag(help: "Use storage driver optimized format (can only be restored on a similar pool)") var optimizedStorage =
        false
    @Option(help: "Define a compression algorithm: for backup or none") var compression = ""
    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        guard volume.type == "custom" else { throw CommandFailure("Only \"custom\" volumes can be exported") }
        let request = StoragePoolVolumeBackupsPost.with {
            $0.expiresAt = LXDTime.now() + .seconds(24 * 3600)
            $0.volumeOnly = volumeOnly
            $0.optimizedStorage = optimizedStorage
            $0.compressionAlgorithm = compression
        }
        let operation = try await addingContext("Failed to create storage volume backup") {
            try await volume.server.createVolumeBackup(volume.pool, volume.fullName, request)
        }
        let ended = try await session.wait(operation, showing: session.renderer("Backing up storage volume: %s"))
        let name = try BackupFile.name(madeBy: ended)
        let target = arguments.count > 2 ? arguments[2] : "backup.tar.gz"
        let result: Result<Void, any Error>
        do {
            try await addingContext("Failed to fetch storage volume backup file") {
                let content = try await volume.server.exportVolumeBackup(volume.pool, volume.fullName, name)
                try await BackupFile.save(content, to: target, session.renderer("Exporting the backup: %s"))
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        _ = try? await volume.server.deleteVolumeBackup(volume.pool, volume.fullName, name).wait()  // It expires by itself.
        try result.get()
        session.say("Backup exported successfully!")
    }
}

struct VolumeImport: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import custom storage volumes",
        usage: "[<remote>:]<pool> <backup file> [<volume name>]",
        discussion: "Import backups of custom volumes including their snapshots.")
    static let argumentCount = 2...3
    static let examples = """
        lxc storage volume import default backup0.tar.gz
            Create a new custom volume using backup0.tar.gz as the source.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        let progress = session.renderer("Importing custom volume: %s")
        defer { progress.done() }
        let body = try BackupFile.body(arguments[1], progress)
        let operation = try await resource.server.using(target: target).importVolume(
            resource.name, body, name: arguments.count > 2 ? arguments[2] : "")
        try await session.wait(operation, showing: progress)
    }
}
