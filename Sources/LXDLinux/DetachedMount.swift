package import SystemPackage

internal import CLXDLinux
internal import Glibc

/// Mounts that are attached nowhere: reached by their descriptor only, and gone with it, also when the process dies.
package enum DetachedMount {
    /// How layers are named to the kernel.
    package enum LayerStyle: CaseIterable, Sendable {
        /// One option a layer. Linux 6.7.
        case separate
        /// All in one option; a page of text at most, about 200 layers.
        case joined
    }

    /// Layers merged with their own, unshifted ids. Nobody else may have the upper layer mounted meanwhile.
    ///
    /// - Parameters:
    ///   - lower: Topmost first; empty gives the upper folder by itself.
    ///   - styles: Tried in this order.
    /// - Returns: The root of the mount. Source: fsopen(2), overlayfs documentation; Linux 5.2.
    package static func overlay(
        lower: [String], upper: String, work: String, styles: [LayerStyle] = LayerStyle.allCases
    ) throws(Errno) -> OwnedDescriptor {
        if lower.isEmpty { return try folder(upper) }
        var opened: [Int32] = []
        defer { for descriptor in opened { _ = close(descriptor) } }
        // By descriptor: whatever is in a path, nothing in an option needs escaping.
        func name(_ path: String) throws(Errno) -> String {
            let descriptor = try check(
                clxd_openat2(CLXD_AT_FDCWD, path, UInt64(CLXD_O_PATH | O_DIRECTORY | O_CLOEXEC), 0, 0))
            opened.append(descriptor)
            return "/proc/self/fd/\(descriptor)"
        }
        var lowerNames: [String] = []
        for path in lower { lowerNames.append(try name(path)) }
        let upperName = try name(upper)
        let workName = try name(work)
        var failure = Errno.invalidArgument
        for style in styles {
            let lowerOptions =
                switch style {
                case .separate: lowerNames.map { ("lowerdir+", $0) }
                case .joined: [("lowerdir", lowerNames.joined(separator: ":"))]
                }
            do {
                return try mount(lowerOptions + [("upperdir", upperName), ("workdir", workName), ("redirect_dir", "on")])
            } catch {
                // Older kernels say no to an option when it is set, or not before the mount is made.
                guard error == .invalidArgument || error == .notSupported else { throw error }
                failure = error
            }
        }
        throw failure
    }

    private static func mount(_ options: [(key: String, value: String)]) throws(Errno) -> OwnedDescriptor {
        let context = try OwnedDescriptor(result: clxd_fsopen("overlay", 1))
        for (key, value) in [("source", "overlay")] + options {
            try check(clxd_fsconfig(context.rawValue, UInt32(CLXD_FSCONFIG_SET_STRING), key, value, 0))
        }
        try check(clxd_fsconfig(context.rawValue, UInt32(CLXD_FSCONFIG_CMD_CREATE), nil, nil, 0))
        return try OwnedDescriptor(result: clxd_fsmount(context.rawValue, 1, 0))
    }

    /// A folder as a mount of its own.
    package static func folder(_ path: String) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(
            result: clxd_open_tree(CLXD_AT_FDCWD, path, UInt32(CLXD_OPEN_TREE_CLONE | CLXD_OPEN_TREE_CLOEXEC)))
    }
}
