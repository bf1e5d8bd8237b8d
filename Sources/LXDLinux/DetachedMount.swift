package import SystemPackage

internal import CLXDLinux
internal import Glibc

/// Mounts that are attached nowhere: reached by their descriptor only, and gone with it, also when the process dies.
package enum DetachedMount {
    /// Layers merged with their own, unshifted ids. Nobody else may have the upper layer mounted meanwhile.
    ///
    /// - Parameter lower: Topmost first; empty gives the upper folder by itself.
    /// - Returns: The root of the mount. Source: fsopen(2), overlayfs documentation; Linux 6.7.
    package static func overlay(lower: [String], upper: String, work: String) throws(Errno) -> OwnedDescriptor {
        if lower.isEmpty { return try folder(upper) }
        let context = try OwnedDescriptor(result: clxd_fsopen("overlay", 1))
        func option(_ key: String, _ value: String) throws(Errno) {
            try check(clxd_fsconfig(context.rawValue, UInt32(CLXD_FSCONFIG_SET_STRING), key, value, 0))
        }
        try option("source", "overlay")
        for path in lower { try option("lowerdir+", path) }
        try option("upperdir", upper)
        try option("workdir", work)
        try option("redirect_dir", "on")
        try check(clxd_fsconfig(context.rawValue, UInt32(CLXD_FSCONFIG_CMD_CREATE), nil, nil, 0))
        return try OwnedDescriptor(result: clxd_fsmount(context.rawValue, 1, 0))
    }

    /// A folder as a mount of its own.
    package static func folder(_ path: String) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(
            result: clxd_open_tree(CLXD_AT_FDCWD, path, UInt32(CLXD_OPEN_TREE_CLONE | CLXD_OPEN_TREE_CLOEXEC)))
    }
}
