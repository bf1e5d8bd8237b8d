internal import Crypto
package import LXDAPI
package import LXDLinux
package import SystemPackage
internal import Glibc

/// The file or two files of an image: unified, or metadata and root file system apart.
package struct ImageFiles: Sendable {
    /// The unified archive, or the metadata archive.
    package var metadata: FilePath
    /// The root file system of a split image: a tar archive or squashfs.
    package var rootfs: FilePath?

    package init(metadata: FilePath, rootfs: FilePath? = nil) {
        self.metadata = metadata
        self.rootfs = rootfs
    }

    /// The files of an image in the store: `LXD_DIR/images/FINGERPRINT` and, if split, `FINGERPRINT.rootfs`.
    package init(store: String, fingerprint: Fingerprint) {
        metadata = FilePath(store + "/" + fingerprint.rawValue)
        let second = store + "/" + fingerprint.rawValue + ".rootfs"
        rootfs = access(second, F_OK) == 0 ? FilePath(second) : nil
    }

    /// Bytes of both files.
    /// - Throws: `Errno` of the one that cannot be looked at.
    package func sizeBytes() throws -> Int64 {
        try [metadata, rootfs].compactMap(\.self).reduce(0) { sum, file in
            var status = stat()
            guard stat(file.string, &status) == 0 else { throw Errno(rawValue: errno) }
            return sum + Int64(status.st_size)
        }
    }
}

/// What is known of an image after a look at its files.
package struct ImageInspection: Sendable {
    package var metadata: ImageMetadata
    package var metadataFormat: ImageFormat
    package var rootfsFormat: ImageFormat?
    /// Bytes of both files.
    package var size: Int64
}

/// Counts and hashes bytes as they come, so that nothing has to be read again to know the fingerprint.
package struct FingerprintHasher: Sendable {
    private var hash = SHA256()
    package private(set) var byteCount: Int64 = 0

    package init() {}

    package mutating func update(_ bytes: [UInt8]) {
        hash.update(data: bytes)
        byteCount += Int64(bytes.count)
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
        byteCount += Int64(bytes.count)
    }

    /// 64 hexadecimal digits.
    package var fingerprint: String { hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

/// Reads and unpacks images. All parsing of archives happens in `lxd-archive`.
package struct ImageReader: Sendable {
    package let tool: ArchiveTool
    /// The most an image may unpack to, in bytes.
    package var unpackedBytesMax: Int64 = 1 << 40

    package init(tool: ArchiveTool) { self.tool = tool }

    /// The fingerprint of files on disk: SHA-256 over the metadata file followed by the root file system.
    package static func fingerprint(of files: ImageFiles) async throws -> (fingerprint: String, size: Int64) {
        try await BlockingPool.shared.run {
            var hasher = FingerprintHasher()
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            for path in [files.metadata, files.rootfs].compactMap({ $0 }) {
                let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
                try file.closeAfter {
                    while true {
                        let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                        if count == 0 { break }
                        buffer.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                    }
                }
            }
            return (hasher.fingerprint, hasher.byteCount)
        }
    }

    package static func format(of path: FilePath) throws -> ImageFormat {
        let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        return try file.closeAfter {
            var header = [UInt8](repeating: 0, count: ImageFormat.headerBytes)
            let count = try header.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: 0, into: $0) }
            return try ImageFormat(header: Array(header[..<count]))
        }
    }

    /// Looks at an image's files: their formats and `metadata.yaml`, which is checked as LXD checks it.
    /// - Throws: `badRequest` for what is no image.
    package func inspect(_ files: ImageFiles) async throws -> ImageInspection {
        let format = try Self.format(of: files.metadata)
        let rootfsFormat = try files.rootfs.map { try Self.format(of: $0) }
        let text = try await readFile("metadata.yaml", of: files.metadata, format, limit: TemplateFiles.metadataBytesMax)
        guard let text else { throw LXDError.badRequest("Metadata tarball is missing metadata.yaml") }
        let metadata: ImageMetadata
        do {
            metadata = try LXDYAML.decode(
                ImageMetadata.self, from: String(decoding: text, as: UTF8.self), limit: TemplateFiles.metadataBytesMax)
        } catch {
            throw error.wrapped("Could not parse metadata.yaml")
        }
        _ = try Architectures.named(metadata.architecture)
        guard metadata.creationDate != 0 else { throw LXDError.badRequest("Missing creation date") }
        var size: Int64 = 0
        for path in [files.metadata, files.rootfs].compactMap({ $0 }) {
            size += Int64(clamping: try FileStatus.of(path: path.string).size)
        }
        return ImageInspection(metadata: metadata, metadataFormat: format, rootfsFormat: rootfsFormat, size: size)
    }

    /// One file of an archive; nil if it has none of that name.
    package func readFile(_ name: String, of path: FilePath, _ format: ImageFormat, limit: Int) async throws -> [UInt8]? {
        let archive = try OpenFile(path)
        let output = try ScratchFile([])
        var command = ArchiveCommand(format == .squashfs ? "unsquash" : "read")
        command.add("--archive", descriptor: archive.descriptor.rawValue)
        command.add("--output", descriptor: output.descriptor.rawValue)
        command.add("--name", name, "--limit", String(limit))
        let totals = try await run(command)
        withExtendedLifetime(archive) {}
        let contents = try output.contents(limit: limit)
        if format == .squashfs { return contents.isEmpty ? nil : contents }
        return totals.entries == 0 ? nil : contents
    }

    /// Unpacks an image.
    ///
    /// - Parameters:
    ///   - root: A directory that becomes the root file system.
    ///   - metadata: A directory for `metadata.yaml` and `templates/`.
    ///   - progress: Bytes of the files read so far, and of the whole.
    package func unpack(
        _ files: ImageFiles, root: Int32, metadata: Int32, progress: (@Sendable (ArchiveTotals) -> Void)? = nil
    ) async throws {
        let format = try Self.format(of: files.metadata)
        if format == .squashfs {
            guard files.rootfs == nil else { throw LXDError.badRequest("The metadata of a split image has to be a tar archive") }
            return try await unpackUnifiedSquashfs(files.metadata, root: root, metadata: metadata, progress)
        }
        let archive = try OpenFile(files.metadata)
        var command = ArchiveCommand("unpack")
        command.add("--archive", descriptor: archive.descriptor.rawValue)
        command.add("--limit-bytes", String(unpackedBytesMax))
        command.route("metadata.yaml", to: metadata, plain: true)
        command.route("templates", to: metadata, plain: true)
        if files.rootfs == nil { command.route("rootfs", to: root) }
        try await run(command, progress)
        withExtendedLifetime(archive) {}
        if let rootfs = files.rootfs { try await unpackTree(rootfs, to: root, progress) }
        guard try ConfinedDirectory(borrowing: root).list().isEmpty == false else {
            throw LXDError.badRequest("The image has no root file system")
        }
    }

    /// Unpacks a tar archive or squashfs that is a root file system and nothing else.
    private func unpackTree(_ path: FilePath, to root: Int32, _ progress: (@Sendable (ArchiveTotals) -> Void)?) async throws {
        let archive = try OpenFile(path)
        var command: ArchiveCommand
        if try Self.format(of: path) == .squashfs {
            command = ArchiveCommand("unsquash")
            command.add("--to", descriptor: root)
        } else {
            command = ArchiveCommand("unpack")
            command.route("", to: root)
        }
        command.add("--archive", descriptor: archive.descriptor.rawValue)
        command.add("--limit-bytes", String(unpackedBytesMax))
        try await run(command, progress)
        withExtendedLifetime(archive) {}
    }

    /// `unsquashfs` knows no prefixes: everything goes beside the root, and the parts are moved to their places by descriptor.
    private func unpackUnifiedSquashfs(
        _ path: FilePath, root: Int32, metadata: Int32, _ progress: (@Sendable (ArchiveTotals) -> Void)?
    ) async throws {
        let target = try ConfinedDirectory(borrowing: root)
        try target.makeDirectory(".unpack", mode: 0o700)
        let place = try target.directory(".unpack")
        try await unpackTree(path, to: place.descriptor.rawValue, progress)
        guard (try? place.status("rootfs"))?.kind == .directory else {
            throw LXDError.badRequest("The image has no root file system")
        }
        let beside = try ConfinedDirectory(borrowing: metadata)
        try moveFile("metadata.yaml", from: place, to: beside)
        if (try? place.status("templates"))?.kind == .directory {
            try beside.makeDirectory("templates", mode: 0o755)
            for name in try place.list("templates") { try moveFile("templates/" + name, from: place, to: beside) }
        }
        for name in try place.list("rootfs") { try target.rename(".unpack/rootfs/" + name, to: name) }
        let status = try place.status("rootfs")
        try target.setPermissions("", status.permissions)
        try target.removeTree(".unpack")
    }

    /// Copies a regular file; anything else there is refused.
    private func moveFile(_ name: String, from source: ConfinedDirectory, to target: ConfinedDirectory) throws {
        guard try source.status(name).kind == .regular else { throw LXDError.badRequest("\(name) in the image is no regular file") }
        try target.write(try source.read(name, limit: TemplateFiles.metadataBytesMax), to: name, mode: 0o644)
    }

    @discardableResult
    func run(_ command: ArchiveCommand, _ progress: (@Sendable (ArchiveTotals) -> Void)? = nil) async throws -> ArchiveTotals {
        do {
            return try await tool.run(command, progress: progress)
        } catch let error as ArchiveError {
            throw error.asLXDError
        }
    }
}

extension ArchiveError {
    /// What a client hears: its archive is bad, or we have a problem.
    var asLXDError: LXDError {
        switch kind {
        case .hostile, .limit, .corrupt: .badRequest("Invalid archive: \(message)", cause: self)
        case .noSpace: .internalError("No space left on device: \(message)", cause: self)
        case .io, .usage, .died: .internalError(message, cause: self)
        }
    }
}

/// A file open for reading, closed when the last holder lets go.
final class OpenFile: Sendable {
    private let file: OwnedDescriptor
    var descriptor: FileDescriptor { file.descriptor }

    init(_ path: FilePath) throws {
        file = OwnedDescriptor(adopting: try FileDescriptor.open(path, .readOnly, options: [.closeOnExec]))
    }
}
