import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Makes this process see an instance's files as the instance's root does, and nothing else.
enum InstanceFiles {
    /// Enters the user and mount namespaces of a running container.
    static func enter(initPID: Int32) throws(HelperFailure) {
        let process = try attempt("open the process", "\(initPID)", clxd_pidfd_open(initPID, 0))
        defer { close(process) }
        let root = try attempt(
            "open the root of", "\(initPID)",
            clxd_openat2(CLXD_AT_FDCWD, "/proc/\(initPID)/root", UInt64(CLXD_O_PATH | O_DIRECTORY | O_CLOEXEC), 0, 0))
        defer { close(root) }
        let sameUser = inode("/proc/\(initPID)/ns/user") == inode("/proc/self/ns/user")
        let user = sameUser ? 0 : CLXD_CLONE_NEWUSER
        try attempt("enter the namespaces of", "\(initPID)", clxd_setns(process, Int32(user | CLXD_CLONE_NEWNS)))
        guard fchdir(root) == 0, chroot(".") == 0, chdir("/") == 0 else {
            throw HelperFailure(step: "enter the root of", number: errno, subject: "\(initPID)")
        }
        try becomeRoot()
    }

    /// Mounts the files of a stopped instance where only this process sees them and enters them.
    static func enter(_ rootfs: RootFilesystem, mountPoint: String, idmap: IDMap) throws(HelperFailure) {
        try attempt("make a mount namespace", "", clxd_unshare(CLXD_CLONE_NEWNS))
        try attempt("make mounts private", "/", clxd_mount(nil, "/", nil, UInt64(CLXD_MS_REC | CLXD_MS_PRIVATE), nil))
        try RootMount.mount(rootfs, at: mountPoint, idmap: idmap)
        // Made while /proc is still to be seen.
        let user = idmap.isEmpty ? -1 : try idmap.namespaceDescriptor()
        defer { if user >= 0 { close(user) } }
        guard chdir(mountPoint) == 0, chroot(".") == 0 else {
            throw HelperFailure(step: "enter", number: errno, subject: mountPoint)
        }
        if user >= 0 {
            try attempt("enter the user namespace of", mountPoint, clxd_setns(user, Int32(CLXD_CLONE_NEWUSER)))
        }
        try becomeRoot()
    }

    private static func becomeRoot() throws(HelperFailure) {
        _ = clxd_setgroups(0, nil)
        try attempt("become root", "", clxd_setresgid(0, 0, 0))
        try attempt("become root", "", clxd_setresuid(0, 0, 0))
        umask(0)
    }

    private static func inode(_ path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }
}
