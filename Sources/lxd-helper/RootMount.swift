import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Mounts a container's root file system with the container's ids.
enum RootMount {
    /// Mounts at `mountPoint`; nothing is left mounted when it throws.
    static func mount(_ rootfs: RootFilesystem, at mountPoint: String, idmap: IDMap) throws(HelperFailure) {
        let userns = idmap.isEmpty ? -1 : try idmap.namespaceDescriptor()
        defer { if userns >= 0 { close(userns) } }
        let mount: Int32
        switch rootfs {
        case .directory(let path):
            mount = try clone(path, userns: userns)
        case .overlay(let lower, let upper, _) where lower.isEmpty:
            mount = try clone(upper, userns: userns)
        case .overlay(let lower, let upper, let work):
            mount = try overlay(lower: lower, upper: upper, work: work, userns: userns, idmap: idmap)
        }
        defer { close(mount) }
        try attempt(
            "mount the root file system", mountPoint,
            clxd_move_mount(mount, "", CLXD_AT_FDCWD, mountPoint, UInt32(CLXD_MOVE_MOUNT_F_EMPTY_PATH)))
    }

    /// Takes the topmost mount at a path away; none is no error.
    static func unmount(_ mountPoint: String) {
        _ = clxd_umount2(mountPoint, CLXD_MNT_DETACH | CLXD_UMOUNT_NOFOLLOW)
    }

    /// A detached mount of a folder, idmapped when there is a namespace for it.
    static func clone(_ path: String, userns: Int32, recursive: Bool = false) throws(HelperFailure) -> Int32 {
        var flags = UInt32(CLXD_OPEN_TREE_CLONE | CLXD_OPEN_TREE_CLOEXEC)
        if recursive { flags |= UInt32(CLXD_AT_RECURSIVE) }
        let tree = try attempt("open", path, clxd_open_tree(CLXD_AT_FDCWD, path, flags))
        guard userns >= 0 else { return tree }
        let result = clxd_mount_setattr(
            tree, "", UInt32(CLXD_AT_EMPTY_PATH) | (recursive ? UInt32(CLXD_AT_RECURSIVE) : 0),
            UInt64(CLXD_MOUNT_ATTR_IDMAP), 0, 0, UInt64(userns))
        if result < 0 {
            close(tree)
            throw HelperFailure(step: "map the ids of", number: -result, subject: path)
        }
        return tree
    }

    private static func overlay(
        lower: [String], upper: String, work: String, userns: Int32, idmap: IDMap
    ) throws(HelperFailure) -> Int32 {
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        func keep(_ descriptor: Int32) -> Int32 {
            opened.append(descriptor)
            return descriptor
        }

        var lowerLayers: [Int32] = []
        for path in lower { lowerLayers.append(keep(try clone(path, userns: userns))) }
        // The kernel wants both in one mount: clone the folder that holds them.
        let parent = commonParent(upper, work)
        let tree = keep(try clone(parent, userns: userns))
        var own: [Int32] = []
        for path in [upper, work] {
            let relative = String(path.dropFirst(parent.count).drop { $0 == "/" })
            own.append(
                keep(
                    try attempt(
                        "open", path,
                        clxd_openat2(
                            tree, relative.isEmpty ? "." : relative,
                            UInt64(CLXD_O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), 0,
                            UInt64(CLXD_RESOLVE_BENEATH | CLXD_RESOLVE_NO_SYMLINKS)))))
        }
        var failure = HelperFailure(step: "mount the overlay of", number: EINVAL, subject: upper)
        for style in OverlayStyle.tried {
            do throws(HelperFailure) {
                return try create(style, lower: lowerLayers, own: own, upper: upper, idmap: idmap)
            } catch {
                // Older kernels say no to an option when it is set, or not before the mount is made.
                guard error.number == EINVAL || error.number == EOPNOTSUPP else { throw error }
                failure = error
            }
        }
        throw failure
    }

    private static func create(
        _ style: OverlayStyle, lower: [Int32], own: [Int32], upper: String, idmap: IDMap
    ) throws(HelperFailure) -> Int32 {
        let context = try attempt("open the overlay file system", "", clxd_fsopen("overlay", 1))
        defer { close(context) }
        func option(_ key: String, _ value: String) throws(HelperFailure) {
            try attempt("set \(key)", value, clxd_fsconfig(context, UInt32(CLXD_FSCONFIG_SET_STRING), key, value, 0))
        }
        func layer(_ key: String, _ descriptor: Int32) throws(HelperFailure) {
            guard style == .descriptors else { return try option(key, Self.name(descriptor)) }
            try attempt(
                "add a layer of", upper, clxd_fsconfig(context, UInt32(CLXD_FSCONFIG_SET_FD), key, nil, descriptor))
        }
        try option("source", "overlay")
        switch style {
        case .descriptors, .names: for descriptor in lower { try layer("lowerdir+", descriptor) }
        case .joined: try option("lowerdir", lower.map(Self.name).joined(separator: ":"))
        }
        for (key, descriptor) in zip(["upperdir", "workdir"], own) { try layer(key, descriptor) }
        // A folder of a lower layer can be renamed; else programs get EXDEV.
        try option("redirect_dir", "on")
        try idmap.asContainerRoot { () throws(HelperFailure) in
            try attempt(
                "create the overlay of", upper, clxd_fsconfig(context, UInt32(CLXD_FSCONFIG_CMD_CREATE), nil, nil, 0))
        }
        return try attempt("mount the overlay of", upper, clxd_fsmount(context, 1, 0))
    }

    private static func name(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    private static func commonParent(_ first: String, _ second: String) -> String {
        let a = first.split(separator: "/")
        let b = second.split(separator: "/")
        var shared = zip(a, b).prefix { $0 == $1 }.map { $0.0 }
        if shared.count == min(a.count, b.count), !shared.isEmpty { shared.removeLast() }
        return "/" + shared.joined(separator: "/")
    }
}

/// How the layers of an overlay are named to the kernel, newest way first.
enum OverlayStyle: String, CaseIterable {
    /// Linux 6.13.
    case descriptors
    /// One option a layer. Linux 6.7.
    case names
    /// All in one option: what Debian 12's 6.1 has.
    case joined

    /// All of them, or the one that a test asks for.
    static var tried: [OverlayStyle] {
        guard let wanted = getenv("LXD_OVERLAY_STYLE") else { return allCases }
        return OverlayStyle(rawValue: String(cString: wanted)).map { [$0] } ?? allCases
    }
}
