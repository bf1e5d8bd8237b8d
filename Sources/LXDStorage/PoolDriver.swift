package import LXDRuntimePlan

/// A storage pool: where volumes live and how their contents are shared.
///
/// The model. A *volume* has contents that one instance (or several, for custom volumes) writes to. A *snapshot* belongs
/// to a volume and never changes. An *image* is a read-only volume that others start from. `snapshot`, `restore` and a
/// copy inside the pool cost nothing that grows with the contents where the driver can share them; at most they grow
/// with what a running instance itself wrote.
///
/// Each call either has its full effect or none, also when the process is killed in it: `recover` takes back what was
/// half done. Callers hold a lock on each volume they name, so no two calls change the same volume at once; calls for
/// different volumes may overlap. An instance's volume may be changed only while it is stopped unless a parameter says
/// that it runs. In the daemon's namespace nothing is mounted but an external pool source and what `showSnapshots` shows.
///
/// All calls may block on the disk and never do so on the cooperative pool. They throw `LXDError` with LXD's messages.
package protocol PoolDriver: Sendable {
    /// The driver's name in the API: `dir`.
    static var name: String { get }
    /// The pool's name.
    var poolName: String { get }
    /// `LXD_DIR/storage-pools/POOL`.
    var path: String { get }

    // MARK: The pool

    /// Makes the pool. `config["source"]` may name an existing empty directory; keys that were filled in are returned.
    func createPool(config: [String: String]) async throws -> [String: String]
    /// Removes the pool and everything in it that is ours.
    func deletePool() async throws
    /// Makes the pool usable after a boot; may be called again.
    func mount(config: [String: String]) async throws
    func unmount() async throws
    func space() async throws -> PoolSpace
    /// Brings the disk back to a state in which no call is half done; run once before the pool is used.
    ///
    /// - Parameter known: Every volume, snapshot and image the database has in this pool.
    func recover(known: Set<Volume>) async throws -> RecoveryReport

    // MARK: Images

    func hasImage(_ fingerprint: String) async -> Bool
    /// Makes an image known to the pool. `fill` is called at most once, and not at all when it is known already.
    func ensureImage(_ fingerprint: String, fill: @escaping @Sendable (FillTarget) async throws -> Void) async throws
    /// Forgets an image; volumes made from it keep what they share. An unknown one is no error.
    func deleteImage(_ fingerprint: String) async throws

    // MARK: Volumes

    /// Makes a volume, or a snapshot of one from elsewhere (a copied snapshot, one of a backup).
    /// Makes a volume, or a snapshot of an existing one with contents from elsewhere (a backup, a copied volume's).
    /// - Throws: `conflict` if there is one of that name.
    func create(_ volume: Volume, from source: VolumeSource) async throws
    /// Removes a volume or a snapshot. What is not there is no error.
    /// - Throws: `badRequest` for a volume that still has snapshots.
    func delete(_ volume: Volume) async throws
    /// Renames a volume together with its snapshots.
    func rename(_ volume: Volume, to newName: String) async throws
    /// Takes the snapshot `name`. `isRunning`: an instance has the volume mounted and may be writing.
    func snapshot(_ volume: Volume, as name: String, isRunning: Bool) async throws
    func renameSnapshot(_ snapshot: Volume, to newName: String) async throws
    /// Gives a volume (of a stopped instance) the contents of its snapshot.
    func restore(_ volume: Volume, from snapshotName: String) async throws

    func exists(_ volume: Volume) async -> Bool
    /// The volumes of a kind in the pool, sorted, without snapshots.
    func volumes(_ kind: Volume.Kind) async throws -> [Volume]
    /// The snapshots of a volume, sorted.
    func snapshots(of volume: Volume) async throws -> [Volume]
    /// Bytes the volume uses; nil where the driver cannot tell without walking it (as LXD's `dir` without quotas).
    func usage(of volume: Volume) async throws -> UInt64?
    /// Limits what a volume may hold; nil lifts the limit. Drivers without quotas do nothing, as LXD's `dir`.
    func setSize(_ bytes: UInt64?, of volume: Volume) async throws

    // MARK: Contents

    /// The volume's own directory on the host: an instance's `rootfs/`, `metadata.yaml`, `templates/`; a custom volume's files.
    func mountPath(_ volume: Volume) -> String
    /// What a container's root is mounted from. Of an instance's volume only.
    func rootFilesystem(of volume: Volume) async throws -> RootFilesystem
    /// Lets root on the host look into an instance's snapshots, read-only, at `rootfs` in their directories, as it can look
    /// into the running instance itself; ends with `hideSnapshots`. Both may be called again.
    func showSnapshots(of volume: Volume) async throws
    func hideSnapshots(of volume: Volume) async throws
    /// Calls `body` with the contents of a volume or snapshot, which do not change meanwhile.
    func withTree<Result: Sendable>(
        _ volume: Volume, isRunning: Bool, _ body: @Sendable (VolumeTree) async throws -> Result
    ) async throws -> Result

    /// Waits until everything written to the pool is on its disk.
    func flush() async throws

    // MARK: Transfer

    /// How the pool can send and receive volumes, best first; `rsync` is always among them.
    var transferMethods: [TransferMethod] { get }
    /// Sends a volume and snapshots of it.
    func send(
        _ transfer: OutgoingTransfer, over channel: any TransferChannel,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws
    /// Makes a volume and snapshots of what is sent: all of them or none.
    func receive(
        _ transfer: IncomingTransfer, over channel: any TransferChannel,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws
}

/// The contents of a volume for reading: layers to be merged (by `lxd-archive`, in its own mount namespace) and the
/// directory with what belongs to the instance beside its root.
package struct VolumeTree: Sendable {
    /// Directory descriptors of the layers, topmost first; at least one. Borrowed.
    package let layers: [Int32]
    /// The instance's own directory. Borrowed; the same as the layer for custom volumes.
    package let metadata: Int32
}
