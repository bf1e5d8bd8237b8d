import ArgumentParser
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
    @Argument var arguments: [String] = []

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
        guard let path = ended.resources["backups"]?.first, let name = path.split(separator: "/").last.map(String.init) else {
            throw CommandFailure("The server did not tell the name of the backup")
        }
        do {
            try await addingContext("Fetch instance backup file") {
                let content = try await server.exportBackup(APIPath.unescape(name), of: resource.name)
                try await save(content, to: target, isQuiet)
            }
        } catch {
            if target != "-" { unlink(target) }
            _ = try? await server.deleteBackup(APIPath.unescape(name), of: resource.name).wait()  // It expires by itself.
            throw error
        }
        _ = try? await server.deleteBackup(APIPath.unescape(name), of: resource.name).wait()  // Likewise.
        if !isQuiet { Standard.output("Backup exported successfully!\n") }
    }

    private func save(_ content: Download, to target: String, _ isQuiet: Bool) async throws {
        if target == "-" {
            while let piece = try await content.next() {
                piece.withUnsafeBytes { Standard.write($0, to: Standard.outputDescriptor) }
            }
            return
        }
        let progress = ProgressRenderer(format: "Exporting the backup: %s", quiet: isQuiet)
        defer { progress.done() }
        let writer = try LocalWriter(target)
        var meter = TransferMeter(total: content.length)
        while let piece = try await content.next() {
            try writer.write(piece)
            if let text = meter.advance(by: piece.count) { progress.update(text) }
        }
        try writer.close()
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

    @Option(name: .shortAndLong, help: "Storage pool name") var storage = ""
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        var words = arguments
        var remote = ""
        if words.count > 1, words[0].hasSuffix(":") { remote = words.removeFirst() }
        let resource = try session.resource(remote)
        let reader = try LocalReader(words[0])
        let status = try reader.status()
        let progress = ProgressRenderer(format: "Importing instance: %s", quiet: session.isQuiet || words[0] == "-")
        defer { progress.done() }
        let length = status.kind == .file ? status.size : nil
        let body = UploadBody.stream(length: length) { sink in
            var meter = TransferMeter(total: length)
            while let piece = try reader.next() {
                try await sink(piece)
                if let text = meter.advance(by: piece.count) { progress.update(text) }
            }
        }
        let operation = try await resource.server.importInstance(
            body, name: words.count > 1 ? words[1] : "", pool: storage)
        try await session.wait(operation, showing: progress)
    }
}
