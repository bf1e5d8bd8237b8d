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
        // An overlay takes layers of this mount namespace only, and the descriptors came from another: they are opened again.
        let own = try layers.map { (layer) throws(Failure) in try reopen(layer) }
        let tree = try mount(options: "lowerdir=" + own.map { "/proc/self/fd/\($0.number)" }.joined(separator: ":"))
        withExtendedLifetime(own) {}
        return tree
    }

    /// Opens the merged tree for writing: what changes goes to `upper`.
    /// - Parameter lower: Topmost first; at least one.
    static func openWritable(lower: [Int32], upper: Int32, work: Int32) throws(Failure) -> Descriptor {
        let own = try lower.map { (layer) throws(Failure) in try reopen(layer) }
        let (top, scratch) = (try reopen(upper), try reopen(work))
        let options = "lowerdir=" + own.map { "/proc/self/fd/\($0.number)" }.joined(separator: ":")
            + ",upperdir=/proc/self/fd/\(top.number),workdir=/proc/self/fd/\(scratch.number)"
        let tree = try mount(options: options, flags: UInt64(CLXD_MS_NODEV | CLXD_MS_NOSUID | CLXD_MS_NOEXEC))
        withExtendedLifetime((own, top, scratch)) {}
        return tree
    }

    /// The same directory through this namespace's mounts.
    private static func reopen(_ layer: Int32) throws(Failure) -> Descriptor {
        var buffer = [CChar](repeating: 0, count: 4097)
        let count = try check(clxd_readlinkat(CLXD_AT_FDCWD, "/proc/self/fd/\(layer)", &buffer, 4096), "find a layer")
        let path = buffer[..<Int(count)].map { UInt8(bitPattern: $0) }
        let flags = UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let opened = Descriptor(try check(path.withCString { clxd_openat2(CLXD_AT_FDCWD, $0, flags, 0, 0) }, "open the layer", path))
        var (wanted, found) = (clxd_status(), clxd_status())
        try check(clxd_statx(layer, "", CLXD_AT_EMPTY_PATH, &wanted), "look at the layer", path)
        try check(clxd_statx(opened.number, "", CLXD_AT_EMPTY_PATH, &found), "look at the layer", path)
        guard (wanted.ino, wanted.dev_major, wanted.dev_minor) == (found.ino, found.dev_major, found.dev_minor) else {
            throw Failure(.io, "the layer \(quoted(path)) was exchanged meanwhile")
        }
        return opened
    }

    /// Mounts over a directory that exists everywhere; only this process sees it.
    private static func mount(
        options: String, flags: UInt64 = UInt64(CLXD_MS_NODEV | CLXD_MS_NOSUID | CLXD_MS_NOEXEC | CLXD_MS_RDONLY)
    ) throws(Failure) -> Descriptor {
        guard options.utf8.count < 4096 else { throw Failure(.limit, "the volume has too many layers") }
        try check(clxd_mount("overlay", "/run", "overlay", flags, options), "mount the volume's layers")
        return Descriptor(try check(clxd_openat2(CLXD_AT_FDCWD, "/run", UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0), "open the tree"))
    }
}
