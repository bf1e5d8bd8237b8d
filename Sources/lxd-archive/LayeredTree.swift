import CLXDLinux
import Glibc

/// A tree made of layers: one directory as it is, several as an overlay in this process's own mount namespace.
enum LayeredTree {
    /// Opens the merged tree for reading.
    /// - Parameter layers: Topmost first; at least one.
    static func open(_ layers: [Int32]) throws(Failure) -> Descriptor {
        if layers.count == 1 {
            return Descriptor(
                try check(clxd_openat2(layers[0], ".", UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0), "open the tree"))
        }
        return try mount(options: "lowerdir=" + layers.map { "/proc/self/fd/\($0)" }.joined(separator: ":"))
    }

    /// Mounts over a directory that exists everywhere; only this process sees it.
    private static func mount(options: String) throws(Failure) -> Descriptor {
        guard options.utf8.count < 4096 else { throw Failure(.limit, "the volume has too many layers") }
        let flags = UInt64(CLXD_MS_NODEV | CLXD_MS_NOSUID | CLXD_MS_NOEXEC | CLXD_MS_RDONLY)
        try check(clxd_mount("overlay", "/run", "overlay", flags, options), "mount the volume's layers")
        return Descriptor(try check(clxd_openat2(CLXD_AT_FDCWD, "/run", UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0), "open the tree"))
    }
}
