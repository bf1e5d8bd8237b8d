internal import CLXDLinux
internal import Glibc
package import LXDAPI
package import LXDLinux
package import LXDRuntimePlan
package import Logging
internal import SystemPackage

/// A pool on btrfs: each volume, snapshot and image is a subvolume, and every copy of one shares what did not change.
///
/// New volumes are made in `staging/` and appear by a rename, what goes is renamed to `trash/` first; both are emptied
/// by `recover`. Subvolumes that containers make inside theirs go along with snapshots, copies and restores.
package final class BtrfsDriver: FolderDriver {
    package static let name = "btrfs"

    package let poolName: String
    package let path: String
    package let layout: DirLayout
    package let links: LinkFolders
    let archive: ArchiveTool
    let log: Logger
    /// The pool's own file when it is on none of the administrator's devices.
    let imageFile: String
    let config: PoolConfig

    /// - Parameters:
    ///   - path: `LXD_DIR/storage-pools/POOL`, absolute.
    ///   - disks: `LXD_DIR/disks`, where the files of pools lie that are given no device.
    package init(
        name: PoolName, path: String, disks: String, links: LinkFolders, config: [String: String], archive: ArchiveTool,
        log: Logger
    ) {
        poolName = name.rawValue
        self.path = path
        self.links = links
        self.archive = archive
        self.log = log
        layout = DirLayout(pool: path)
        imageFile = disks + "/" + name.rawValue + ".img"
        self.config = PoolConfig(config)
    }

    /// Subvolumes are gone at once; the kernel frees their space by itself.
    package func settle() async {}

    // MARK: Images

    package func ensureImage(
        _ fingerprint: String, fill: @escaping @Sendable (FillTarget) async throws -> Void
    ) async throws {
        let volume = try Volume.image(fingerprint)
        if await exists(volume) { return }
        try await make(volume) { [self] place in try await self.fill(place, volume, fill) }
        try await blocking { [layout] in try BtrfsSubvolume.setReadOnly(layout.path(volume), true) }
    }

    // MARK: Volumes

    package func create(_ volume: Volume, from source: VolumeSource) async throws {
        guard volume.kind != .image else { throw LXDError.badRequest("Only volumes can be created") }
        if await exists(volume) { throw LXDError.conflict("Volume by that name already exists") }
        try await make(volume) { [self] place in
            switch source {
            case .empty:
                try await blocking { [self] in
                    try BtrfsSubvolume.create(place)
                    try finish(place, volume, isNew: true)
                }
            case .fill(let fill): try await self.fill(place, volume, fill)
            case .image(let fingerprint):
                guard volume.kind == .container else {
                    throw LXDError.badRequest("Custom volumes are not made from images")
                }
                let image = try Volume.image(fingerprint)
                try await blocking { [self] in try snapshot(of: image, to: place, for: volume) }
            case .volume(let other, _):
                guard other.kind == volume.kind else {
                    throw LXDError.badRequest("Volumes of different types cannot be copied")
                }
                try await blocking { [self] in try snapshot(of: other, to: place, for: volume) }
            }
        }
        if volume.isSnapshot {
            try await blocking { [layout] in try BtrfsSubvolume.setReadOnly(layout.path(volume), true) }
        }
    }

    package func delete(_ volume: Volume) async throws {
        try await blocking { [self] in
            if !volume.isSnapshot, try !names(in: layout.snapshotFolder(of: volume) ?? path + "/none").isEmpty {
                throw LXDError.badRequest("Cannot remove a volume that has snapshots")
            }
            if isThere(layout.path(volume)) {
                if volume.kind == .container { try Mounts.unmountTree(layout.path(volume)) }
                try discard(layout.path(volume))
            }
            try unlink(volume)
        }
    }

    package func snapshot(_ volume: Volume, as name: String, isRunning: Bool) async throws {
        let snapshot = try volume.withSnapshot(name)
        if await exists(snapshot) { throw LXDError.conflict("Snapshot by that name already exists") }
        try await make(snapshot) { [self] place in
            try await blocking { [self] in try self.snapshot(of: volume, to: place, for: snapshot) }
        }
        try await blocking { [layout] in try BtrfsSubvolume.setReadOnly(layout.path(snapshot), true) }
    }

    package func restore(_ volume: Volume, from snapshotName: String) async throws {
        let snapshot = try volume.withSnapshot(snapshotName)
        guard await exists(snapshot) else { throw LXDError.notFound("Snapshot not found") }
        try await blocking { [self] in
            let place = newPlace()
            try self.snapshot(of: snapshot, to: place, for: volume)
            try replace(volume, by: place)
        }
    }

    package func usage(of volume: Volume) async throws -> UInt64? {
        try await blocking { [layout] in try BtrfsSubvolume.usage(layout.path(volume)) }
    }

    package func setSize(_ bytes: UInt64?, of volume: Volume) async throws {
        try await blocking { [layout] in try BtrfsSubvolume.limit(layout.path(volume), to: bytes) }
    }

    // MARK: Contents

    package func rootFilesystem(of volume: Volume) async throws -> RootFilesystem {
        guard await exists(volume) else { throw LXDError.notFound("Storage volume not found") }
        return .directory(layout.path(volume) + "/rootfs")
    }

    /// Snapshots are trees like any other here.
    package func showSnapshots(of volume: Volume) async throws {}
    package func hideSnapshots(of volume: Volume) async throws {}

    package func withTree<Result: Sendable>(
        _ volume: Volume, isRunning: Bool, _ body: @Sendable (VolumeTree) async throws -> Result
    ) async throws -> Result {
        // A snapshot for as long as it takes, so that nothing changes or goes meanwhile.
        let place = try await blocking { [self] in
            guard isThere(layout.path(volume)) else { throw LXDError.notFound("Storage volume not found") }
            let place = newPlace()
            try BtrfsSubvolume.snapshot(layout.path(volume), to: place, readOnly: true)
            return place
        }
        let outcome: Swift.Result<Result, any Error>
        do {
            let (root, beside) = try await blocking {
                (
                    try ConfinedDirectory(path: volume.kind == .custom ? place : place + "/rootfs"),
                    try ConfinedDirectory(path: place)
                )
            }
            outcome = .success(
                try await body(VolumeTree(layers: [root.descriptor.rawValue], metadata: beside.descriptor.rawValue)))
            withExtendedLifetime((root, beside)) {}
        } catch {
            outcome = .failure(error)
        }
        try await blocking { try BtrfsSubvolume.delete(place) }
        return try outcome.get()
    }

    // MARK: Parts

    func newPlace() -> String { layout.staging + "/" + DirLayers.newIdentifier() }

    /// Has a subvolume made at a place nobody sees and lets it appear.
    private func make(_ volume: Volume, _ body: @Sendable (_ place: String) async throws -> Void) async throws {
        let place = newPlace()
        do {
            try await body(place)
            try await blocking { [self] in try publish(place, as: volume) }
        } catch {
            try await blocking { try BtrfsSubvolume.delete(place) }
            throw Self.translated(error)
        }
    }

    func publish(_ place: String, as volume: Volume) throws {
        if let folder = volume.isSnapshot ? layout.snapshotFolder(of: volume) : nil {
            try makeHostDirectories(folder, mode: 0o700)
        }
        let result = clxd_renameat_noreplace(CLXD_AT_FDCWD, place, CLXD_AT_FDCWD, layout.path(volume))
        guard result != -EEXIST else { throw LXDError.conflict("Volume by that name already exists") }
        try check(result)
        try link(volume)
    }

    /// Exchanges a volume for what is at a place and removes the old one.
    func replace(_ volume: Volume, by place: String) throws {
        do {
            if volume.kind == .container { try Mounts.unmountTree(layout.path(volume)) }
            try check(clxd_rename_exchange(CLXD_AT_FDCWD, place, CLXD_AT_FDCWD, layout.path(volume)))
        } catch {
            try BtrfsSubvolume.delete(place)
            throw error
        }
        try discard(place)
    }

    /// A writable snapshot at a place.
    private func snapshot(of source: Volume, to place: String, for volume: Volume) throws {
        guard isThere(layout.path(source)) else { throw LXDError.notFound("Storage volume not found") }
        try BtrfsSubvolume.snapshot(layout.path(source), to: place, readOnly: false)
        try finish(place, volume, isNew: false)
        // Who made the copy is told by the copy's own file.
        if volume.parent != source.parent { _ = clxd_unlinkat(CLXD_AT_FDCWD, place + "/backup.yaml", 0) }
    }

    private func fill(_ place: String, _ volume: Volume, _ fill: @Sendable (FillTarget) async throws -> Void)
        async throws
    {
        let (root, beside) = try await blocking { [self] in
            try BtrfsSubvolume.create(place)
            try finish(place, volume, isNew: true)
            return (
                try ConfinedDirectory(path: volume.kind == .custom ? place : place + "/rootfs"),
                try ConfinedDirectory(path: place)
            )
        }
        try await fill(FillTarget(root: root.descriptor.rawValue, metadata: beside.descriptor.rawValue))
        withExtendedLifetime((root, beside)) {}
    }

    /// Closes an instance's directory to everybody but root; a new one gets its root directory.
    private func finish(_ place: String, _ volume: Volume, isNew: Bool) throws {
        if volume.kind == .custom {
            if isNew { try check(chmod(place, 0o711) == 0 ? 0 : -clxd_errno()) }
            return
        }
        if isNew {
            try check(clxd_mkdirat(CLXD_AT_FDCWD, place + "/rootfs", 0o755))
            try check(chmod(place + "/rootfs", 0o755) == 0 ? 0 : -clxd_errno())
        }
        try check(chmod(place, 0o100) == 0 ? 0 : -clxd_errno())
    }

    /// Moves a subvolume aside and removes it.
    private func discard(_ place: String) throws {
        // A read-only subvolume cannot be moved to another folder.
        try BtrfsSubvolume.setReadOnly(place, false)
        let aside = layout.trash + "/" + DirLayers.newIdentifier()
        try check(clxd_renameat2(CLXD_AT_FDCWD, place, CLXD_AT_FDCWD, aside, 0))
        try BtrfsSubvolume.delete(aside)
    }
}
