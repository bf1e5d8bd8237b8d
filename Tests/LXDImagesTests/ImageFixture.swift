import Foundation
import LXDAPI
import LXDImages
import LXDLinux
import SystemPackage

/// A folder with an archive in it and directories to unpack it to, removed afterwards.
struct ImageFixture: Sendable {
    let folder: String
    let tool: ArchiveTool

    static func with(_ body: @Sendable (ImageFixture) async throws -> Void) async throws {
        let folder = "/tmp/lxd-image-test-" + UUID().uuidString.lowercased()
        for name in ["root", "beside"] { try makeHostDirectories(folder + "/" + name, mode: 0o755) }
        // What no archive may ever touch.
        try AtomicFile.write("canary", to: folder + "/canary", sync: false)
        let fixture = ImageFixture(folder: folder, tool: try ArchiveTool.located())
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(fixture)) } catch { outcome = .failure(error) }
        try removeHostTree(folder)
        try outcome.get()
    }

    var canary: String { (try? AtomicFile.readText(folder + "/canary")) ?? "gone" }

    func store(_ bytes: [UInt8], as name: String = "image") throws -> FilePath {
        try AtomicFile.write(bytes, to: folder + "/" + name, sync: false)
        return FilePath(folder + "/" + name)
    }

    /// Compresses a file with a program of the system, beside it.
    func compressed(_ path: FilePath, with program: String) async throws -> FilePath {
        let result = try await ProcessRunner.runChecked(program, ["-c", path.string], outputLimit: 64 << 20)
        return try store(result.output, as: "image." + program)
    }

    func unpack(_ metadata: FilePath, rootfs: FilePath? = nil, bytesMax: Int64 = 1 << 30) async throws {
        let (root, beside) = (try ConfinedDirectory(path: folder + "/root"), try ConfinedDirectory(path: folder + "/beside"))
        var reader = ImageReader(tool: tool)
        reader.unpackedBytesMax = bytesMax
        try await reader.unpack(
            ImageFiles(metadata: metadata, rootfs: rootfs), root: root.descriptor.rawValue, metadata: beside.descriptor.rawValue)
        withExtendedLifetime((root, beside)) {}
    }

    func inspect(_ metadata: FilePath) async throws -> ImageInspection {
        try await ImageReader(tool: tool).inspect(ImageFiles(metadata: metadata))
    }

    var root: ConfinedDirectory { get throws { try ConfinedDirectory(path: folder + "/root") } }
    var beside: ConfinedDirectory { get throws { try ConfinedDirectory(path: folder + "/beside") } }
}

let goodMetadata = "architecture: x86_64\ncreation_date: 1700000000\nproperties:\n  os: Test\n"
let isRoot = geteuid() == 0
