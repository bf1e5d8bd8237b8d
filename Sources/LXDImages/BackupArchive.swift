package import LXDAPI
package import LXDLinux
package import SystemPackage

/// The head of a backup: `backup/index.yaml`, the only thing in it that is believed.
///
/// `config`, which describes the instance, is decoded by the caller from `text`. Source: LXD's lxd/backup.
package struct BackupIndex: Sendable {
    package var name: InstanceName
    package var pool: String
    /// Oldest first, as they were written.
    package var snapshots: [SnapshotName]
    /// The whole document.
    package var text: String
}

/// The head of a backup of a custom volume.
package struct VolumeBackupIndex: Sendable {
    package var name: VolumeName
    package var pool: String
    /// Oldest first.
    package var snapshots: [SnapshotName]
    /// The whole document.
    package var text: String
}

/// `index.yaml` as it is written and read.
package struct BackupIndexDocument<Config: WireValue>: WireValue {
    @Zero package var name: String
    @Zero package var backend: String
    @Zero package var pool: String
    @OmitEmpty package var snapshots: [String]
    @OmitEmpty package var optimized: Bool?
    @OmitEmpty package var optimizedHeader: Bool?
    @OmitEmpty package var type: String
    @OmitEmpty package var config: Config?

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case name, backend, pool, snapshots, optimized
        case optimizedHeader = "optimized_header"
        case type, config
    }
}

/// Nothing but the head: for reading an index without its configuration.
struct NoConfig: WireValue {
    init() {}
}

/// Backups of instances: tar archives that LXD 5.0 reads and writes as well.
///
/// `backup/index.yaml`, `backup/snapshots/NAME/{rootfs,metadata.yaml,templates,backup.yaml}`, `backup/container/...`.
package struct BackupArchive: Sendable {
    package static let indexBytesMax = 4 << 20
    package static let snapshotCountMax = 1024

    package let tool: ArchiveTool
    /// The most one volume of a backup may unpack to, in bytes.
    package var unpackedBytesMax: Int64 = 1 << 40

    package init(tool: ArchiveTool) { self.tool = tool }

    /// One volume to be written.
    package struct Volume: Sendable {
        /// nil for the instance itself.
        package var snapshot: SnapshotName?
        package var tree: PackedTree
        /// Replaces `backup.yaml` beside the root: always made from the rows, never copied.
        package var description: String?

        package init(snapshot: SnapshotName?, tree: PackedTree, description: String?) {
            self.snapshot = snapshot
            self.tree = tree
            self.description = description
        }

        var prefix: String { snapshot.map { "backup/snapshots/" + $0.rawValue } ?? "backup/container" }
    }

    // MARK: Writing

    /// Writes a backup.
    ///
    /// - Parameters:
    ///   - index: The text of `index.yaml`.
    ///   - volumes: Snapshots oldest first, the instance last, as LXD writes them.
    ///   - progress: Bytes of the trees packed so far.
    package func write(
        index: String, volumes: [Volume], to output: FileDescriptor, compression: ImageCompression,
        progress: (@Sendable (ArchiveTotals) -> Void)? = nil
    ) async throws {
        var held: [any Sendable] = []
        var command = ArchiveCommand("pack")
        command.add("--output", descriptor: output.rawValue)
        command.add("--compression", compression.rawValue)
        let head = try ScratchFile(Array(index.utf8))
        command.file(head.descriptor.rawValue, as: "backup/index.yaml")
        for volume in volumes {
            let beside = try ConfinedDirectory(borrowing: volume.tree.metadata, resolution: .beneath)
            if let text = volume.description {
                let file = try ScratchFile(Array(text.utf8))
                command.file(file.descriptor.rawValue, as: volume.prefix + "/backup.yaml")
                held.append(file)
            }
            if let metadata = try? beside.read("metadata.yaml", limit: TemplateFiles.metadataBytesMax) {
                let file = try ScratchFile(metadata)
                command.file(file.descriptor.rawValue, as: volume.prefix + "/metadata.yaml")
                held.append(file)
            }
            if (try? beside.status("templates"))?.kind == .directory {
                let templates = try beside.directory("templates")
                command.tree([templates.descriptor.rawValue], as: volume.prefix + "/templates")
                held.append(templates)
            }
            command.tree(volume.tree.layers, as: volume.prefix + "/rootfs")
        }
        try await run(command, progress)
        withExtendedLifetime((head, held)) {}
    }

    // MARK: Reading

    /// Reads the head of a backup and checks every name in it.
    /// - Throws: `badRequest` for what is no backup of a container in the plain form.
    package func readIndex(of path: FilePath) async throws -> BackupIndex {
        let format = try ImageReader.format(of: path)
        guard format != .squashfs else { throw LXDError.badRequest("Unsupported compression") }
        let reader = ImageReader(tool: tool)
        guard let bytes = try await reader.readFile("backup/index.yaml", of: path, format, limit: Self.indexBytesMax) else {
            throw LXDError.badRequest("Backup is missing index.yaml")
        }
        return try Self.parse(index: String(decoding: bytes, as: UTF8.self))
    }

    /// Reads the head of a backup of a custom volume.
    package func readVolumeIndex(of path: FilePath) async throws -> VolumeBackupIndex {
        let format = try ImageReader.format(of: path)
        guard format != .squashfs else { throw LXDError.badRequest("Unsupported compression") }
        let reader = ImageReader(tool: tool)
        guard let bytes = try await reader.readFile("backup/index.yaml", of: path, format, limit: Self.indexBytesMax) else {
            throw LXDError.badRequest("Backup is missing index.yaml")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let document = try LXDYAML.decode(BackupIndexDocument<NoConfig>.self, from: text, limit: Self.indexBytesMax)
        guard document.type == "custom" else {
            throw LXDError.badRequest("The backup is of type \(String(reflecting: String(document.type.prefix(64)))), not of a custom volume")
        }
        return VolumeBackupIndex(
            name: try VolumeName(document.name), pool: document.pool, snapshots: try Self.snapshotNames(document), text: text)
    }

    /// Writes a backup of a custom volume.
    ///
    /// - Parameter volumes: The contents of its snapshots, oldest first, and its own, which has no snapshot's name.
    package func writeVolume(
        index: String, volumes: [(snapshot: SnapshotName?, tree: Int32)], to output: FileDescriptor, compression: ImageCompression,
        progress: (@Sendable (ArchiveTotals) -> Void)? = nil
    ) async throws {
        var command = ArchiveCommand("pack")
        command.add("--output", descriptor: output.rawValue)
        command.add("--compression", compression.rawValue)
        let head = try ScratchFile(Array(index.utf8))
        command.file(head.descriptor.rawValue, as: "backup/index.yaml")
        for volume in volumes { command.tree([volume.tree], as: Self.volumePrefix(volume.snapshot)) }
        try await run(command, progress)
        withExtendedLifetime(head) {}
    }

    /// Unpacks a custom volume of a backup, or one of its snapshots.
    package func unpackVolume(
        _ path: FilePath, snapshot: SnapshotName?, to target: Int32, progress: (@Sendable (ArchiveTotals) -> Void)? = nil
    ) async throws {
        let archive = try OpenFile(path)
        var command = ArchiveCommand("unpack")
        command.add("--archive", descriptor: archive.descriptor.rawValue)
        command.add("--limit-bytes", String(unpackedBytesMax))
        command.route(Self.volumePrefix(snapshot), to: target)
        try await run(command, progress)
        withExtendedLifetime(archive) {}
    }

    private static func volumePrefix(_ snapshot: SnapshotName?) -> String {
        snapshot.map { "backup/volume-snapshots/" + $0.rawValue } ?? "backup/volume"
    }

    static func parse(index text: String) throws -> BackupIndex {
        let document = try LXDYAML.decode(BackupIndexDocument<NoConfig>.self, from: text, limit: indexBytesMax)
        switch document.type {
        case "", "container": break
        case "virtual-machine": throw LXDError.badRequest("Virtual machine backups are not supported")
        default: throw LXDError.badRequest("The backup is of type \(String(reflecting: String(document.type.prefix(64)))), not of an instance")
        }
        let names = try snapshotNames(document)
        return BackupIndex(name: try InstanceName(document.name), pool: document.pool, snapshots: names, text: text)
    }

    private static func snapshotNames(_ document: BackupIndexDocument<NoConfig>) throws -> [SnapshotName] {
        guard document.optimized != true else {
            throw LXDError.badRequest("Optimized backups of driver \"\(document.backend.prefix(32))\" cannot be imported here")
        }
        guard document.snapshots.count <= snapshotCountMax else {
            throw LXDError.badRequest("The backup has more than \(snapshotCountMax) snapshots")
        }
        var names: [SnapshotName] = []
        for name in document.snapshots { names.append(try SnapshotName(name)) }
        guard Set(names.map(\.rawValue)).count == names.count else { throw LXDError.badRequest("The backup names a snapshot twice") }
        return names
    }

    /// Unpacks one volume of a backup: the instance, or one of its snapshots.
    ///
    /// `backup.yaml` in it is passed over: the index is the only truth.
    package func unpack(
        _ path: FilePath, snapshot: SnapshotName?, root: Int32, metadata: Int32,
        progress: (@Sendable (ArchiveTotals) -> Void)? = nil
    ) async throws {
        let prefix = snapshot.map { "backup/snapshots/" + $0.rawValue } ?? "backup/container"
        let archive = try OpenFile(path)
        var command = ArchiveCommand("unpack")
        command.add("--archive", descriptor: archive.descriptor.rawValue)
        command.add("--limit-bytes", String(unpackedBytesMax))
        command.add("--strip", prefix)
        command.route(prefix + "/metadata.yaml", to: metadata, plain: true)
        command.route(prefix + "/templates", to: metadata, plain: true)
        command.route(prefix + "/rootfs", to: root)
        try await run(command, progress)
        withExtendedLifetime(archive) {}
    }

    private func run(_ command: ArchiveCommand, _ progress: (@Sendable (ArchiveTotals) -> Void)?) async throws {
        do {
            try await tool.run(command, progress: progress)
        } catch let error as ArchiveError {
            throw error.asLXDError
        }
    }
}
