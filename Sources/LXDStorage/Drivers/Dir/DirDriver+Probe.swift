internal import CLXDLinux
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

extension DirDriver {
    /// Refuses a file system that cannot hold the writable layer of an overlay, as the root of a container cannot when it is
    /// an overlay itself. Without the right to mount nothing is known, so nothing is refused.
    func requireLayers(source: String) throws {
        let staging = try DirStaging(layout)
        defer { try? trash.take(staging.path) }  // What stays is taken by the next start.
        let folders = ["lower", "upper", "work"].map { staging.path + "/" + $0 }
        for folder in folders { try check(clxd_mkdirat(CLXD_AT_FDCWD, folder, 0o700)) }
        do {
            _ = try DetachedMount.overlay(lower: [folders[0]], upper: folders[1], work: folders[2])
        } catch {
            guard error == .invalidArgument || error == .notSupported else { return }
            throw LXDError.badRequest(
                "The file system of \"\(source)\" cannot hold the layers of a \"dir\" pool; use a source on ext4, xfs, btrfs or tmpfs, such as a disk device attached there"
            )
        }
    }
}
