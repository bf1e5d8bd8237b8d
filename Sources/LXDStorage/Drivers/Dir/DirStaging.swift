internal import CLXDLinux
internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// The directory of a volume while it is being made; nobody else sees it until `publish`.
struct DirStaging: Sendable {
    let path: String
    private let layout: DirLayout

    init(_ layout: DirLayout) throws {
        self.layout = layout
        path = layout.staging + "/" + DirLayers.newIdentifier()
        try check(clxd_mkdirat(CLXD_AT_FDCWD, path, 0o700))
    }

    /// Copies what lies beside the root of an instance or image: `metadata.yaml`, `templates/` and, for one's own
    /// snapshots, `backup.yaml`. Regular files only; anything else there was refused when it came in.
    func copyMetadata(from folder: String, withBackup: Bool) throws {
        let source = try ConfinedDirectory(path: folder, resolution: .beneath)
        let target = try ConfinedDirectory(path: path, resolution: .beneath)
        for name in ["metadata.yaml"] + (withBackup ? ["backup.yaml"] : []) {
            try copyFile(name, from: source, to: target)
        }
        guard (try? source.status("templates"))?.kind == .directory else { return }
        try target.makeDirectory("templates")
        for name in try source.list("templates") { try copyFile("templates/" + name, from: source, to: target) }
    }

    private func copyFile(_ name: String, from source: ConfinedDirectory, to target: ConfinedDirectory) throws {
        guard let status = try? source.status(name), status.kind == .regular else { return }
        try target.write(try source.read(name, limit: 16 << 20), to: name, mode: status.permissions & 0o777)
    }

    /// Makes the mount point, writes the record and closes the directory to everybody but root.
    func finishInstance(_ record: DirRecord) throws {
        try check(clxd_mkdirat(CLXD_AT_FDCWD, path + "/rootfs", 0o755))
        try record.write(to: layout.record(in: path))
        try check(chmod(path, 0o100) == 0 ? 0 : -clxd_errno())
    }

    /// Lets the volume appear at its place in one step.
    func publish(as volume: Volume) throws {
        if let folder = volume.isSnapshot ? layout.snapshotFolder(of: volume) : nil {
            try makeHostDirectories(folder, mode: 0o700)
        }
        let result = clxd_renameat_noreplace(CLXD_AT_FDCWD, path, CLXD_AT_FDCWD, layout.path(volume))
        guard result != -EEXIST else { throw LXDError.conflict("Volume by that name already exists") }
        try check(result)
    }

    /// Exchanges the volume at its place for this one; the old one is at `path` afterwards.
    func exchange(with volume: Volume) throws {
        try check(clxd_rename_exchange(CLXD_AT_FDCWD, path, CLXD_AT_FDCWD, layout.path(volume)))
    }
}
