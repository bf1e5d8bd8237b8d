import Glibc
import LXDAPI
import LXDDatabase
import LXDImages
import LXDLinux
package import LXDRuntimePlan
import SystemPackage

/// Writes the files that an image's templates describe into an instance that does not run.
///
/// Both the templates and the root file system are the image's and the guest's: each is reached only through its own
/// directory descriptor. The root is a mount that is attached nowhere, with the layers' own ids.
package struct InstanceTemplates: TemplateApplier {
    package init() {}

    package func apply(
        _ triggers: [String], to instance: LoadedInstance, rootfs: RootFilesystem, directory: String
    ) async throws {
        try await BlockingPool.shared.run {
            let folder = try ConfinedDirectory(path: directory, resolution: .beneath)
            let context = TemplateContext(
                trigger: "", path: "", instance: try Self.description(of: instance), config: instance.expandedConfig,
                devices: instance.expandedDevices, properties: [:])
            let files = try triggers.flatMap { try TemplateFiles.render($0, in: folder, context) }
            guard !files.isEmpty else { return }
            let root = try Self.root(rootfs)
            for file in files {
                do { try Self.write(file, root) } catch let error as Errno {
                    throw LXDError.internalError("Failed to create template file \(goQuoted(file.path)): \(error)", cause: error)
                }
            }
        }
    }

    private static func root(_ rootfs: RootFilesystem) throws -> ConfinedDirectory {
        switch rootfs {
        case .overlay(let lower, let upper, let work):
            ConfinedDirectory(adopting: try DetachedMount.overlay(lower: lower, upper: upper, work: work))
        case .directory(let path): ConfinedDirectory(adopting: try DetachedMount.folder(path))
        }
    }

    private static func write(_ file: RenderedFile, _ root: ConfinedDirectory) throws {
        guard try isThere(file.path, root) else {
            try root.makeDirectories(file.path.split(separator: "/").dropLast().joined(separator: "/"))
            return try root.write(file.contents, to: file.path, mode: 0o644, uid: 0, gid: 0)
        }
        if file.onlyIfMissing { return }
        // In place: the file keeps its owner and mode, and a symlink inside leads where the guest wants it.
        let open = try root.open(file.path, flags: O_WRONLY | O_NONBLOCK)
        guard try FileStatus.of(open.descriptor).kind == .regular else { throw Errno.invalidArgument }
        guard ftruncate(open.rawValue, 0) == 0 else { throw Errno(rawValue: errno) }
        try writeAll(file.contents, to: open.descriptor)
    }

    private static func isThere(_ path: String, _ root: ConfinedDirectory) throws -> Bool {
        do {
            _ = try root.status(path, followLast: true)
            return true
        } catch Errno.noSuchFileOrDirectory {
            return false
        }
    }

    private static func description(of instance: LoadedInstance) throws -> [String: String] {
        [
            "name": instance.name, "type": "container",
            "architecture": try Architectures.numbered(instance.row.architecture).name,
            "ephemeral": instance.row.ephemeral ? "true" : "false", "privileged": instance.isPrivileged ? "true" : "false",
        ]
    }
}
