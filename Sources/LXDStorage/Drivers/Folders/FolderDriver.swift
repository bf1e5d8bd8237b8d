internal import CLXDLinux
internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// The folders with one symlink for each instance: `LXD_DIR/containers`, `LXD_DIR/snapshots`.
package struct LinkFolders: Sendable {
    package var containers: String
    package var snapshots: String

    package init(containers: String, snapshots: String) {
        self.containers = containers
        self.snapshots = snapshots
    }
}

/// What drivers share whose volumes are folders of the pool, each a name that appears and goes in one step.
package protocol FolderDriver: PoolDriver {
    var layout: DirLayout { get }
    var links: LinkFolders { get }
    /// Waits until what was deleted is gone from the disk.
    func settle() async
}

extension FolderDriver {
    package func hasImage(_ fingerprint: String) async -> Bool {
        guard let volume = try? Volume.image(fingerprint) else { return false }
        return await exists(volume)
    }

    package func deleteImage(_ fingerprint: String) async throws { try await delete(try Volume.image(fingerprint)) }

    // MARK: Renaming

    package func rename(_ volume: Volume, to newName: String) async throws {
        let target = try Volume(volume.kind, newName)
        try await blocking { [self] in
            guard isThere(layout.path(volume)) else { throw LXDError.notFound("Storage volume not found") }
            guard !isThere(layout.path(target)) else { throw LXDError.conflict("Volume by that name already exists") }
            try DirRenames.add(.init(kind: volume.kind.rawValue, from: volume.name, to: newName), layout)
            try moveVolume(volume, to: target)
        }
    }

    /// Moves a volume, its snapshots and its symlinks; each step is passed over when it is done already.
    func moveVolume(_ volume: Volume, to target: Volume) throws {
        try unlink(volume)
        if let from = layout.snapshotFolder(of: volume), let to = layout.snapshotFolder(of: target), isThere(from) {
            try check(clxd_renameat_noreplace(CLXD_AT_FDCWD, from, CLXD_AT_FDCWD, to))
        }
        if isThere(layout.path(volume)) {
            try check(clxd_renameat_noreplace(CLXD_AT_FDCWD, layout.path(volume), CLXD_AT_FDCWD, layout.path(target)))
        }
        try link(target)
    }

    // MARK: Symlinks

    /// Makes `LXD_DIR/containers/NAME` and, if there are snapshots, `LXD_DIR/snapshots/NAME`.
    func link(_ volume: Volume) throws {
        guard volume.kind == .container else { return }
        try replaceLink(links.containers + "/" + volume.name, with: layout.path(volume.parent))
        if let folder = layout.snapshotFolder(of: volume), isThere(folder) {
            try replaceLink(links.snapshots + "/" + volume.name, with: folder)
        }
    }

    private func replaceLink(_ path: String, with target: String) throws {
        var result = clxd_symlinkat(target, CLXD_AT_FDCWD, path)
        if result == -EEXIST {
            _ = clxd_unlinkat(CLXD_AT_FDCWD, path, 0)
            result = clxd_symlinkat(target, CLXD_AT_FDCWD, path)
        }
        try check(result)
    }

    /// Removes the symlinks of a volume that is gone, or of the last snapshot.
    func unlink(_ volume: Volume) throws {
        guard volume.kind == .container else { return }
        if let folder = layout.snapshotFolder(of: volume), try names(in: folder).isEmpty || !volume.isSnapshot {
            _ = clxd_unlinkat(CLXD_AT_FDCWD, folder, CLXD_AT_REMOVEDIR)
            _ = clxd_unlinkat(CLXD_AT_FDCWD, links.snapshots + "/" + volume.name, 0)
        }
        if !volume.isSnapshot { _ = clxd_unlinkat(CLXD_AT_FDCWD, links.containers + "/" + volume.name, 0) }
    }

    // MARK: Asking

    package func exists(_ volume: Volume) async -> Bool {
        await BlockingPool.shared.run { [layout] in
            (try? FileStatus.of(path: layout.path(volume), followLinks: false)) != nil
        }
    }

    package func volumes(_ kind: Volume.Kind) async throws -> [Volume] {
        try await blocking { [self] in try names(in: path + "/" + kind.folder).compactMap { try? Volume(kind, $0) } }
    }

    package func snapshots(of volume: Volume) async throws -> [Volume] {
        try await blocking { [self] in
            guard let folder = layout.snapshotFolder(of: volume) else { return [] }
            return try names(in: folder).compactMap { try? volume.withSnapshot($0) }
        }
    }

    package func renameSnapshot(_ snapshot: Volume, to newName: String) async throws {
        let target = try snapshot.parent.withSnapshot(newName)
        try await blocking { [layout] in
            let result = clxd_renameat_noreplace(
                CLXD_AT_FDCWD, layout.path(snapshot), CLXD_AT_FDCWD, layout.path(target))
            guard result != -EEXIST else { throw LXDError.conflict("Snapshot by that name already exists") }
            guard result != -ENOENT else { throw LXDError.notFound("Snapshot not found") }
            try check(result)
        }
    }

    package func flush() async throws { try await blocking { [self] in try syncToDisk() } }

    package func mountPath(_ volume: Volume) -> String { layout.path(volume) }

    // MARK: The pool

    /// Waits until everything written to the pool's file system is on the disk.
    func syncToDisk() throws {
        let folder = try ConfinedDirectory(path: layout.staging)
        try withExtendedLifetime(folder) { _ = try check(clxd_syncfs(folder.descriptor.rawValue)) }
    }

    package func space() async throws -> PoolSpace {
        try await blocking { [path] in
            let folder = try ConfinedDirectory(path: path)
            var space = clxd_volume_space()
            try check(clxd_fstatvfs(folder.descriptor.rawValue, &space))
            return PoolSpace(
                totalBytes: space.total, usedBytes: space.total - space.free, totalInodes: space.inodes,
                usedInodes: space.inodes - min(space.inodes, space.inodes_free))
        }
    }

    /// Runs blocking work beside the cooperative pool and gives its errors LXD's form.
    func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        do {
            return try await BlockingPool.shared.run(body)
        } catch {
            throw Self.translated(error)
        }
    }

    static func translated(_ error: any Error) -> any Error {
        switch error {
        case is LXDError, is CancellationError: return error
        case Errno.noSpace, Errno.diskQuotaExceeded:
            return LXDError.internalError("No space left in the storage pool", cause: error)
        case let error as ArchiveError where error.kind == .noSpace:
            return LXDError.internalError("No space left in the storage pool", cause: error)
        default: return LXDError.internalError("\(error)", cause: error)
        }
    }

    func names(in folder: String) throws -> [String] {
        do {
            return try ConfinedDirectory(path: folder).list()
        } catch Errno.noSuchFileOrDirectory {
            return []
        }
    }

    func isThere(_ path: String) -> Bool { (try? FileStatus.of(path: path, followLinks: false)) != nil }
}
