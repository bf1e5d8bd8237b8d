/// Where the root file system of a container comes from.
///
/// Layers hold files with their own, unshifted ids. Whoever mounts them applies the container's id map (idmapped
/// mounts of each layer) and mounts the result at the plan's mount point. All paths are absolute and lie in a pool.
package enum RootFilesystem: Sendable, Hashable {
    /// An overlay of read-only layers, topmost first, and one writable layer.
    ///
    /// `lower` may be empty (a volume that came from no image): then `upper` is used as a plain directory.
    /// `work` is an empty directory on the file system of `upper`. Overlay attributes are `trusted.*`, so the mount
    /// is made in the initial user namespace.
    case overlay(lower: [String], upper: String, work: String)
    /// A plain directory, writable.
    case directory(String)
}
