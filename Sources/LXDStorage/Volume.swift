internal import LXDAPI

/// Which volume of a pool, or which snapshot of one.
///
/// Names are those on disk: an instance's runtime name (`NAME`, `PROJECT_NAME`), a custom volume's `PROJECT_NAME`, an
/// image's fingerprint. They become path components, so they are checked here once.
package struct Volume: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case container, custom, image

        /// The folder of the volumes in a pool, as LXD names it.
        package var folder: String {
            switch self {
            case .container: "containers"
            case .custom: "custom"
            case .image: "images"
            }
        }
        /// The folder of their snapshots; images have none.
        package var snapshotFolder: String? {
            switch self {
            case .container: "containers-snapshots"
            case .custom: "custom-snapshots"
            case .image: nil
            }
        }
    }

    package let kind: Kind
    package let name: String
    /// The snapshot's own name, without the volume's; nil for the volume itself.
    package let snapshot: String?

    /// - Throws: `badRequest` for a name that could leave its folder.
    package init(_ kind: Kind, _ name: String, snapshot: String? = nil) throws {
        try Self.check(name)
        if let snapshot {
            guard kind.snapshotFolder != nil else { throw LXDError.badRequest("Images have no snapshots") }
            try Self.check(snapshot)
        }
        self.kind = kind
        self.name = name
        self.snapshot = snapshot
    }

    private init(kind: Kind, checkedName: String, snapshot: String?) {
        self.kind = kind
        self.name = checkedName
        self.snapshot = snapshot
    }

    package static func container(_ name: String, snapshot: String? = nil) throws -> Volume {
        try Volume(.container, name, snapshot: snapshot)
    }
    package static func custom(_ name: String, snapshot: String? = nil) throws -> Volume {
        try Volume(.custom, name, snapshot: snapshot)
    }
    package static func image(_ fingerprint: String) throws -> Volume { try Volume(.image, fingerprint) }

    package var isSnapshot: Bool { snapshot != nil }
    /// The volume a snapshot is of; itself for a volume.
    package var parent: Volume { Volume(kind: kind, checkedName: name, snapshot: nil) }
    package func withSnapshot(_ name: String) throws -> Volume { try Volume(kind, self.name, snapshot: name) }

    /// `NAME` or `NAME/SNAPSHOT`.
    package var description: String { snapshot.map { name + "/" + $0 } ?? name }

    /// The path of the volume below its pool.
    package var relativePath: String {
        if let snapshot, let folder = kind.snapshotFolder { return folder + "/" + name + "/" + snapshot }
        return kind.folder + "/" + name
    }

    private static func check(_ name: String) throws {
        let isSafe =
            !name.isEmpty && name.utf8.count <= 255 && !name.hasPrefix(".")
            && name.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 >= 0x20 && $0 != 0x7f }
        guard isSafe else { throw LXDError.badRequest("Invalid volume name \(String(reflecting: name))") }
    }
}

/// What a new volume starts with.
package enum VolumeSource: Sendable {
    /// Nothing: an empty root.
    case empty
    /// The image with this fingerprint, made known to the pool by `ensureImage` before.
    case image(String)
    /// The contents of another volume or snapshot of the same pool. `isRunning`: it is being written to now.
    case volume(Volume, isRunning: Bool)
    /// Whatever the closure puts there: a backup, a foreign tree.
    case fill(@Sendable (FillTarget) async throws -> Void)
}

/// Where the contents of a new volume or image go. The descriptors are valid until the closure returns.
package struct FillTarget: Sendable {
    /// The directory that becomes the root file system (an instance), or the volume itself (custom).
    package let root: Int32
    /// The instance's own directory (`metadata.yaml`, `templates/`, `backup.yaml`); the same as `root` for custom volumes.
    package let metadata: Int32
}

/// Space and inodes of a pool, in bytes and numbers; inodes are 0 where the file system has no fixed number.
package struct PoolSpace: Sendable, Hashable {
    package var totalBytes: UInt64
    package var usedBytes: UInt64
    package var totalInodes: UInt64
    package var usedInodes: UInt64
}

/// What `recover` did and found.
package struct RecoveryReport: Sendable, Hashable {
    /// Volumes on disk that the caller does not know. They are left alone.
    package var unknown: [Volume] = []
    /// Volumes the caller knows that are not on disk.
    package var missing: [Volume] = []
    /// Renames that had not been finished and were taken back.
    package var renamedBack: [Volume] = []
    /// Records that could not be read, with the reason. Nothing of theirs was removed.
    package var unreadable: [String: String] = [:]
    /// Layers no volume refers to, now being removed.
    package var collectedLayers = 0
}
