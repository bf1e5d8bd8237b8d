internal import CLXDLinux
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// Snapshots of running instances as the host's root sees them.
///
/// With LXD's `dir` pools a snapshot is a tree like any other, and scripts read and compare it. Here it is a read-only mount
/// of its layers, for as long as the instance runs and is mounted itself: a stopped one costs no mounts.
extension DirDriver {
    /// An instance with more snapshots shows so many of them.
    private static let shownMax = 64

    package func showSnapshots(of volume: Volume) async throws {
        try await blocking { [self] in
            guard let folder = layout.snapshotFolder(of: volume), volume.kind == .container else { return }
            for name in try names(in: folder).prefix(Self.shownMax) { try show(try volume.withSnapshot(name)) }
        }
    }

    package func hideSnapshots(of volume: Volume) async throws {
        try await blocking { [self] in
            guard let folder = layout.snapshotFolder(of: volume), try !names(in: folder).isEmpty else { return }
            try Mounts.unmountTree(folder)
        }
    }

    /// Mounts a snapshot's layers at its `rootfs`, unless that is done.
    func show(_ snapshot: Volume) throws {
        let place = layout.path(snapshot)
        let target = place + "/rootfs"
        guard try FileStatus.of(path: target).mountID == FileStatus.of(path: place).mountID else { return }
        let layers = try readRecord(of: snapshot).lower.map {
            try ConfinedDirectory(path: layout.contents(ofLayer: $0))
        }
        let paths = layers.map { "/proc/self/fd/\($0.descriptor.rawValue)" }
        let flags = UInt64(CLXD_MS_RDONLY | CLXD_MS_NOSUID | CLXD_MS_NODEV | CLXD_MS_NOEXEC)
        if let only = paths.first, paths.count == 1 {
            try check(clxd_mount(only, target, nil, UInt64(CLXD_MS_BIND), nil))
            try check(clxd_mount(nil, target, nil, UInt64(CLXD_MS_BIND | CLXD_MS_REMOUNT) | flags, nil))
        } else {
            try check(clxd_mount("overlay", target, "overlay", flags, "lowerdir=" + paths.joined(separator: ":")))
        }
        withExtendedLifetime(layers) {}
    }

    /// What a daemon that died did not hide: the instance has ended since, so it is not mounted any more.
    func hideSnapshotsOfStopped() throws {
        let mounted = try MountTable.current().below(path + "/containers-snapshots")
        guard !mounted.isEmpty else { return }
        for name in try names(in: path + "/containers-snapshots") {
            let own = path + "/containers/" + name + "/rootfs"
            if try MountTable.current().isMountPoint(own) { continue }
            try Mounts.unmountTree(path + "/containers-snapshots/" + name)
        }
    }
}
