import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient

struct Export: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export instance backups",
        usage: "[<remote>:]<instance> [target] [--instance-only] [--optimized-storage]",
        discussion: "Export instances as backup tarballs.")
    static let argumentCount = 1...2
    static let examples = """
        lxc export u1 backup0.tar.gz
            Download a backup tarball of the u1 instance.
        """

    @Flag(help: "Whether or not to only backup the instance (without snapshots)") var instanceOnly = false
    @Flag(help: "Use storage driver optimized format (can only be restored on a similar pool)") var optimizedStorage = false
    @Option(help: "Compression algorithm to use (none for uncompressed)") var compression = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        let server = resource.server
        let target = arguments.count > 1 ? arguments[1] : "backup.tar.gz"
        let isQuiet = session.isQuiet || target == "-"
        let request = InstanceBackupsPost.with {
            $0.expiresAt = LXDTime.now() + .seconds(24 * 3600)
            $0.instanceOnly = instanceOnly
            $0.containerOnly = instanceOnly
            $0.optimizedStorage = optimizedStorage
            $0.compressionAlgorithm = compression
        }
        let operation = try await addingContext("Create instance backup") {
            try await server.createBackup(request, of: resource.name)
        }
        let ended = try await session.wait(
            operation, showing: ProgressRenderer(format: "Backing up instance: %s", quiet: isQuiet))
        let name = try BackupFile.name(madeBy: ended)
        let result: Result<Void, any Error>
        do {
            try await addingContext("Fetch instance backup file") {
                let progress = ProgressRenderer(format: "Exporting the backup: %s", quiet: isQuiet)
                try await BackupFile.save(try await server.exportBackup(name, of: resource.name), to: target, progress)
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        _ = try? await server.deleteBackup(name, of: resource.name).wait()  // It expires by itself.
        try result.get()
        if !isQuiet { Standard.output("Backup exported successfully!\n") }
    }
}

struct Import: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import instance backups",
        usage: "[<remote>:] <backup file> [<instance name>]",
        discussion: "Import backups of instances including their snapshots.")
    static let argumentCount = 1...3
    static let examples = """
        lxc import backup0.tar.gz
            Create a new instance using backup0.tar.gz as the source.
        """

    @Option(short: "s", help: "Storage pool name") var storage = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var words = arguments
        var remote = ""
        if words.count > 1, words[0].hasSuffix(":") { remote = words.removeFirst() }
        let resource = try session.resource(remote)
        let progress = ProgressRenderer(format: "Importing instance: %s", quiet: session.isQuiet || words[0] == "-")
        defer { progress.done() }
        let body = try BackupFile.body(words[0], progress)
        let operation = try await resource.server.importInstance(
            body, name: words.count > 1 ? words[1] : "", pool: storage)
        try await session.wait(operation, showing: progress)
    }
}
