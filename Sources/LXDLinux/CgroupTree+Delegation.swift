internal import CLXDLinux
internal import Glibc
internal import SystemPackage

extension CgroupGroup {
    /// Gives everything below the group, and the group itself in the unified tree, to a container's root, as it was when the
    /// container made it: criu makes groups again as the host's root.
    package func giveSubgroups(uid: UInt32, gid: UInt32) {
        for path in Set(v1Paths.values).union(unifiedPath.map { [$0] } ?? []) {
            for child in Self.childGroups(path) { Self.give(child, uid, gid) }
        }
        guard let unifiedPath else { return }
        for file in ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"] {
            // A file that this kernel does not have needs no owner.
            let path = unifiedPath + "/" + file
            if chown(path, UInt32.max, gid) == 0 { chmod(path, 0o664) }
        }
    }

    private static func give(_ path: String, _ uid: UInt32, _ gid: UInt32) {
        guard let directory = try? ConfinedDirectory(path: path), let names = try? directory.list() else { return }
        // Groups come and go: one that is gone has no owner.
        for name in names {
            let file = path + "/" + name
            var status = stat()
            guard lstat(file, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { give(file, uid, gid) } else { lchown(file, uid, gid) }
        }
        lchown(path, uid, gid)
    }

    private static func childGroups(_ path: String) -> [String] {
        guard let names = try? ConfinedDirectory(path: path).list() else { return [] }
        return names.map { path + "/" + $0 }.filter { name in
            var status = stat()
            return lstat(name, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }
}
