internal import Glibc
package import LXDAPI
package import LXDLinux
package import SystemPackage

/// A tree to be packed: directory descriptors of its layers, topmost first. Borrowed.
package struct PackedTree: Sendable {
    package var layers: [Int32]
    /// The directory with `metadata.yaml`, `templates/` and `backup.yaml` of an instance. Borrowed.
    package var metadata: Int32

    package init(layers: [Int32], metadata: Int32) {
        self.layers = layers
        self.metadata = metadata
    }
}

/// Writes images from instances.
package struct ImagePacker: Sendable {
    package let tool: ArchiveTool

    package init(tool: ArchiveTool) { self.tool = tool }

    /// Writes a unified image and returns its fingerprint and size.
    ///
    /// - Parameters:
    ///   - metadata: Becomes `metadata.yaml`.
    ///   - output: A file open for reading and writing, empty.
    ///   - progress: Bytes of the tree packed so far.
    package func pack(
        _ tree: PackedTree, metadata: ImageMetadata, to output: FileDescriptor, compression: ImageCompression,
        progress: (@Sendable (ArchiveTotals) -> Void)? = nil
    ) async throws -> (fingerprint: String, size: Int64) {
        let document = try ScratchFile(Array(try LXDYAML.encode(metadata).utf8))
        let beside = try ConfinedDirectory(borrowing: tree.metadata, resolution: .beneath)
        let templates = (try? beside.status("templates"))?.kind == .directory ? try beside.directory("templates") : nil
        if compression == .squashfs {
            try await packSquashfs(tree, document, templates, to: output, progress)
        } else {
            var command = ArchiveCommand("pack")
            command.add("--output", descriptor: output.rawValue)
            command.add("--compression", compression.rawValue)
            command.file(document.descriptor.rawValue, as: "metadata.yaml")
            if let templates { command.tree([templates.descriptor.rawValue], as: "templates") }
            command.tree(tree.layers, as: "rootfs")
            try await run(command, progress)
        }
        withExtendedLifetime((document, templates)) {}
        return try await BlockingPool.shared.run { try Self.hash(output) }
    }

    /// A tar stream through `sqfstar`, which writes its result by name: into a folder that only we can reach.
    private func packSquashfs(
        _ tree: PackedTree, _ document: ScratchFile, _ templates: ConfinedDirectory?, to output: FileDescriptor,
        _ progress: (@Sendable (ArchiveTotals) -> Void)?
    ) async throws {
        guard let program = ProcessRunner.locate("sqfstar") else { throw LXDError.badRequest("The program \"sqfstar\" is not installed") }
        var stream = try PipeEnds()
        var command = ArchiveCommand("pack")
        command.add("--output", descriptor: stream.writingNumber)
        command.add("--compression", "none")
        command.file(document.descriptor.rawValue, as: "metadata.yaml")
        if let templates { command.tree([templates.descriptor.rawValue], as: "templates") }
        command.tree(tree.layers, as: "rootfs")
        var request = SpawnRequest(
            executable: program, arguments: ["sqfstar", "-quiet", "-no-progress", "-comp", "gzip", "-force", "/proc/self/fd/3"],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        request.descriptors = [0: stream.readingNumber, 3: output.rawValue]
        let child = try ProcessSpawner.spawn(request)
        stream.reading = nil
        let packing: Result<Void, any Error>
        do {
            packing = .success(try await run(command, progress))
        } catch {
            packing = .failure(error)
        }
        stream.writing = nil
        let exit = await child.wait()
        try packing.get()
        guard exit.isSuccess else { throw LXDError.internalError("sqfstar failed with status \(exit.shellStatus)") }
    }

    private func run(_ command: ArchiveCommand, _ progress: (@Sendable (ArchiveTotals) -> Void)?) async throws {
        do {
            try await tool.run(command, progress: progress)
        } catch let error as ArchiveError {
            throw error.asLXDError
        }
    }

    private static func hash(_ file: FileDescriptor) throws -> (String, Int64) {
        var hasher = FingerprintHasher()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let offset = hasher.byteCount
            let count = try buffer.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: offset, into: $0) }
            if count == 0 { return (hasher.fingerprint, hasher.byteCount) }
            buffer.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
