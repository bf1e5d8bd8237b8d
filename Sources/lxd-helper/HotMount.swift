import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Mounts into and out of a running container.
enum HotMount {
    static func attach(_ entry: MountEntry, initPID: Int32, idmap: IDMap) throws(HelperFailure) {
        // The tree is taken on the host's side and carried in as a descriptor; no host path is ever seen inside.
        let tree: Int32
        if entry.fsType == "none" || entry.fsType.isEmpty {
            let userns = entry.idmapped && !idmap.isEmpty ? try idmap.namespaceDescriptor() : -1
            defer { if userns >= 0 { close(userns) } }
            tree = try RootMount.clone(entry.source, userns: userns, recursive: entry.options.contains("rbind"))
        } else {
            tree = try fileSystem(entry)
        }
        defer { close(tree) }
        let attributes = attributes(of: entry.options)
        if attributes != 0 {
            try attempt(
                "set the options of", entry.source,
                clxd_mount_setattr(
                    tree, "", UInt32(CLXD_AT_EMPTY_PATH | CLXD_AT_RECURSIVE), attributes, 0, 0, 0))
        }
        var status = clxd_status()
        try attempt("look at", entry.source, clxd_statx(tree, "", CLXD_AT_EMPTY_PATH, &status))
        let directory = status.mode & 0o170000 == 0o040000

        let root = try enterMounts(of: initPID)
        defer { close(root) }
        if entry.create != .none { try makeTarget(entry.target, directory: directory, root: root, idmap: idmap) }
        let target = try open(entry.target, root)
        defer { close(target) }
        try attempt(
            "mount at", entry.target,
            clxd_move_mount(
                tree, "", target, "", UInt32(CLXD_MOVE_MOUNT_F_EMPTY_PATH | CLXD_MOVE_MOUNT_T_EMPTY_PATH)))
    }

    /// Unmounts a path inside; one that is no mount is no error.
    static func detach(_ path: String, initPID: Int32) throws(HelperFailure) {
        let root = try enterMounts(of: initPID)
        defer { close(root) }
        // With the container's root as ours, symlinks on the way cannot lead out.
        guard fchdir(root) == 0, chroot(".") == 0 else {
            throw HelperFailure(step: "enter the root of", number: errno, subject: "\(initPID)")
        }
        let result = clxd_umount2("/" + relative(path), CLXD_MNT_DETACH | CLXD_UMOUNT_NOFOLLOW)
        guard result >= 0 || result == -EINVAL || result == -ENOENT else {
            throw HelperFailure(step: "unmount", number: -result, subject: path)
        }
        if result >= 0 { removeEmpty("/" + relative(path)) }
    }

    /// What was made to mount at goes with the mount. A folder with something in it, or a file with bytes, was there
    /// before and stays.
    private static func removeEmpty(_ path: String) {
        if rmdir(path) == 0 { return }
        var status = clxd_status()
        let isFile = clxd_statx(CLXD_AT_FDCWD, path, CLXD_AT_SYMLINK_NOFOLLOW, &status) >= 0 && status.mode & 0o170000 == 0o100000
        if isFile, status.size == 0 { _ = unlink(path) }
    }

    /// Enters the mount namespace of a container, staying the host's root; gives its root folder.
    private static func enterMounts(of pid: Int32) throws(HelperFailure) -> Int32 {
        let process = try attempt("open the process", "\(pid)", clxd_pidfd_open(pid, 0))
        defer { close(process) }
        let root = try attempt(
            "open the root of", "\(pid)",
            clxd_openat2(CLXD_AT_FDCWD, "/proc/\(pid)/root", UInt64(CLXD_O_PATH | O_DIRECTORY | O_CLOEXEC), 0, 0))
        try attempt("enter the mounts of", "\(pid)", clxd_setns(process, Int32(CLXD_CLONE_NEWNS)))
        return root
    }

    private static func open(_ path: String, _ root: Int32) throws(HelperFailure) -> Int32 {
        try attempt(
            "open", path,
            clxd_openat2(
                root, relative(path), UInt64(CLXD_O_PATH | O_CLOEXEC), 0,
                UInt64(CLXD_RESOLVE_IN_ROOT | CLXD_RESOLVE_NO_MAGICLINKS)))
    }

    private static func relative(_ path: String) -> String {
        let trimmed = path.drop { $0 == "/" }
        return trimmed.isEmpty ? "." : String(trimmed)
    }

    private static func makeTarget(_ path: String, directory: Bool, root: Int32, idmap: IDMap) throws(HelperFailure) {
        try idmap.asContainerRoot { () throws(HelperFailure) in
            var parts = path.split(separator: "/").map(String.init)
            guard let last = parts.popLast(), !parts.contains(".."), last != ".." else {
                throw HelperFailure(step: "make", number: EINVAL, subject: path)
            }
            var done = ""
            for part in parts + (directory ? [last] : []) {
                let parent = try open(done, root)
                defer { close(parent) }
                let result = clxd_mkdirat(parent, part, 0o755)
                guard result >= 0 || result == -EEXIST else {
                    throw HelperFailure(step: "make", number: -result, subject: path)
                }
                done += "/" + part
            }
            guard !directory else { return }
            let parent = try open(done, root)
            defer { close(parent) }
            let file = clxd_openat2(
                parent, last, UInt64(O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), 0o644,
                UInt64(CLXD_RESOLVE_BENEATH))
            // An existing device or socket cannot be opened that way and does as a target.
            if file >= 0 {
                close(file)
            } else if file != -EEXIST && file != -ENXIO && file != -ELOOP {
                throw HelperFailure(step: "make", number: -file, subject: path)
            }
        }
    }

    private static func attributes(of options: [String]) -> UInt64 {
        var attributes: Int32 = 0
        for option in options {
            switch option {
            case "ro": attributes |= CLXD_MOUNT_ATTR_RDONLY
            case "nosuid": attributes |= CLXD_MOUNT_ATTR_NOSUID
            case "nodev": attributes |= CLXD_MOUNT_ATTR_NODEV
            case "noexec": attributes |= CLXD_MOUNT_ATTR_NOEXEC
            default: break
            }
        }
        return UInt64(attributes)
    }

    private static func fileSystem(_ entry: MountEntry) throws(HelperFailure) -> Int32 {
        let context = try attempt("open the file system", entry.fsType, clxd_fsopen(entry.fsType, 1))
        defer { close(context) }
        try attempt(
            "set the source of", entry.source,
            clxd_fsconfig(context, UInt32(CLXD_FSCONFIG_SET_STRING), "source", entry.source, 0))
        try attempt("mount", entry.source, clxd_fsconfig(context, UInt32(CLXD_FSCONFIG_CMD_CREATE), nil, nil, 0))
        return try attempt("mount", entry.source, clxd_fsmount(context, 1, 0))
    }
}
