import CLXDLinux
import Glibc

/// What a process that reads hostile input keeps of the machine: the descriptors it was given, nothing else.
enum Confinement {
    /// Capabilities by number, capabilities(7).
    enum Capability: UInt64 {
        case chown = 0, dacOverride = 1, fowner = 3, fsetid = 4, linuxImmutable = 9, sysAdmin = 21, mknod = 27, setfcap = 31
    }

    struct Limits {
        var fileBytes: UInt64 = .max
        var cpuSeconds: UInt64 = 3600
        var addressBytes: UInt64 = 2 << 30
    }

    /// Own mount, network, IPC and host-name namespaces, with every mount private. Nothing of ours shows outside.
    ///
    /// Without the privilege for it (an owner packing own files) the process goes on with what it may do.
    static func leaveNamespaces() throws(Failure) {
        let flags = CLXD_CLONE_NEWNS | CLXD_CLONE_NEWNET | CLXD_CLONE_NEWIPC | CLXD_CLONE_NEWUTS
        let result = clxd_unshare(flags)
        if result == -EPERM && geteuid() != 0 { return }
        try check(result, "leave the host's namespaces")
        try check(clxd_mount(nil, "/", nil, UInt64(CLXD_MS_REC | CLXD_MS_PRIVATE), nil), "make mounts private")
    }

    /// The last step before the first outside byte: limits, an empty root directory, few capabilities, no new ones.
    static func seal(keeping capabilities: [Capability], limits: Limits) throws(Failure) {
        try limit(Int32(RLIMIT_FSIZE.rawValue), limits.fileBytes)
        try limit(Int32(RLIMIT_CPU.rawValue), limits.cpuSeconds)
        try limit(Int32(RLIMIT_AS.rawValue), limits.addressBytes)
        try limit(Int32(RLIMIT_CORE.rawValue), 0)
        signal(SIGXFSZ, SIG_IGN)
        umask(0)
        if geteuid() == 0 { try enterEmptyRoot() }
        try dropCapabilities(keeping: capabilities)
    }

    static func limit(_ resource: Int32, _ value: UInt64) throws(Failure) {
        var old = clxd_rlimit()
        try check(clxd_prlimit(0, resource, nil, &old), "read a resource limit")
        var new = clxd_rlimit(soft: min(value, old.hard), hard: min(value, old.hard))
        try check(clxd_prlimit(0, resource, &new, nil), "set a resource limit")
    }

    private static func enterEmptyRoot() throws(Failure) {
        let context = Descriptor(try check(clxd_fsopen("tmpfs", 1), "make an empty root"))
        try check(clxd_fsconfig(context.number, UInt32(CLXD_FSCONFIG_CMD_CREATE), nil, nil, 0), "make an empty root")
        let attributes = UInt32(CLXD_MOUNT_ATTR_RDONLY | CLXD_MOUNT_ATTR_NOSUID | CLXD_MOUNT_ATTR_NODEV | CLXD_MOUNT_ATTR_NOEXEC)
        let root = Descriptor(try check(clxd_fsmount(context.number, 1, attributes), "make an empty root"))
        try check(clxd_fchdir(root.number), "enter the empty root")
        try check(clxd_chroot("."), "enter the empty root")
    }

    static func dropCapabilities(keeping capabilities: [Capability]) throws(Failure) {
        try check(clxd_prctl(38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0), "give up privileges")
        guard geteuid() == 0 else { return }
        let kept = capabilities.reduce(UInt64(0)) { $0 | 1 << $1.rawValue }
        for number in UInt(0)...63 where kept & 1 << UInt64(number) == 0 {
            // EINVAL beyond the kernel's last capability.
            if clxd_prctl(24 /* PR_CAPBSET_DROP */, number, 0, 0, 0) == -EINVAL { break }
        }
        try check(clxd_capset(kept, kept, 0), "give up capabilities")
    }
}
