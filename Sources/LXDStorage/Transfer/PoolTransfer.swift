package import LXDRuntimePlan

/// A way for volumes to travel between pools.
package enum TransferMethod: Sendable, Hashable {
    /// LXD's common ground: `rsync --server` at both ends, a run for each snapshot and one for the volume.
    ///
    /// - Parameter features: `xattrs`, `delete`, `compress`, `bidirectional`.
    case rsync(features: [String])
    /// Between two pools of ours: only what the target does not have.
    case layers
    /// `btrfs send` and `btrfs receive`, as LXD does it.
    case btrfs(features: [String])

    package var isBtrfs: Bool { if case .btrfs = self { true } else { false } }
}

/// What a pool sends.
package struct OutgoingTransfer: Sendable {
    /// A volume; or a snapshot, which becomes the target's volume.
    package var volume: Volume
    /// Those that the target wants, oldest first. They are sent before the volume.
    package var snapshots: [String]
    package var method: TransferMethod
    /// An instance has the volume mounted and may be writing.
    package var isRunning: Bool
    /// The target has the volume and wants what changed.
    package var isRefresh: Bool
    /// The pool's `rsync.bwlimit`.
    package var bandwidthLimit: String?
    /// Files that vanish while they are read are no error.
    package var isAllowInconsistent: Bool
    /// The instance moves while it runs: called when the target has everything that does not change any more. It brings the
    /// instance to a stand; then what has changed meanwhile is sent.
    package var standStill: (@Sendable () async throws -> Void)?

    package init(
        volume: Volume, snapshots: [String], method: TransferMethod, isRunning: Bool = false, isRefresh: Bool = false,
        bandwidthLimit: String? = nil, isAllowInconsistent: Bool = false,
        standStill: (@Sendable () async throws -> Void)? = nil
    ) {
        self.volume = volume
        self.snapshots = snapshots
        self.method = method
        self.isRunning = isRunning
        self.isRefresh = isRefresh
        self.bandwidthLimit = bandwidthLimit
        self.isAllowInconsistent = isAllowInconsistent
        self.standStill = standStill
    }
}

/// What a pool takes.
package struct IncomingTransfer: Sendable {
    package var volume: Volume
    /// Oldest first, in the order in which the source sends them.
    package var snapshots: [String]
    package var method: TransferMethod
    /// The volume is there; its contents are replaced in one step at the end.
    package var isRefresh: Bool
    /// Whether the layers of an image of this pool may be used.
    package var images: @Sendable (_ fingerprint: String) async -> Bool
    /// Of `rsync` from a server that keeps shifted ids on its disk; empty: they are as the container sees them.
    package var diskIDMap: [IDMapEntry]
    /// How often the volume is sent: LXD sends that of a running container a second time.
    package var passes: Int
    /// The instance moves while it runs: the last pass comes while it stands still, so nothing in it waits for the disk.
    /// ``PoolDriver/flush()`` does so afterwards.
    package var isLive: Bool

    package init(
        volume: Volume, snapshots: [String], method: TransferMethod, isRefresh: Bool = false,
        images: @escaping @Sendable (_ fingerprint: String) async -> Bool = { _ in false },
        diskIDMap: [IDMapEntry] = [],
        passes: Int = 1, isLive: Bool = false
    ) {
        self.volume = volume
        self.snapshots = snapshots
        self.method = method
        self.isRefresh = isRefresh
        self.images = images
        self.diskIDMap = diskIDMap
        self.passes = passes
        self.isLive = isLive
    }
}

/// How far a transfer is.
package struct TransferProgress: Sendable, Hashable {
    /// `NAME` or `NAME/SNAPSHOT`.
    package var name: String
    /// Bytes of this volume or snapshot so far.
    package var bytes: Int64
    /// All of them; nil where nobody knows before the end.
    package var totalBytes: Int64?

    package init(name: String, bytes: Int64, totalBytes: Int64? = nil) {
        self.name = name
        self.bytes = bytes
        self.totalBytes = totalBytes
    }
}
