package import LXDAPI
import LXDConfig
package import LXDDatabase
import LXDStorage

/// Storage volumes: those of instances as a view, custom ones to work with.
package final class VolumeService: Sendable {
    let store: Store
    let storage: StorageService
    let announce: Announcer
    /// Whether an instance runs, by its runtime name.
    let isRunning: @Sendable (InstanceKey) async -> Bool
    let locks = KeyedLocks<VolumeKey>()

    package init(
        store: Store, storage: StorageService, announce: Announcer,
        isRunning: @escaping @Sendable (InstanceKey) async -> Bool
    ) {
        self.store = store
        self.storage = storage
        self.announce = announce
        self.isRunning = isRunning
    }

    /// The volumes of a pool by kind and name, snapshots among them.
    package func list(pool: String, project: String, allProjects: Bool = false, kind: VolumeKind? = nil) async throws
        -> [StorageVolume]
    {
        try await store.read { tx in
            guard try tx.storagePool(pool) != nil else { throw LXDError.notFound("Storage pool not found") }
            let owner = try tx.effectiveProject(project, .storageVolumes)
            let rows = try tx.storageVolumes(pool: pool, kind: kind)
                .filter { allProjects || $0.project == ($0.kind == .custom ? owner : project) }
            var volumes: [StorageVolume] = []
            for row in rows where row.kind != .image {
                volumes.append(try Self.wire(row, tx))
                for snapshot in try Self.snapshots(of: row, tx) {
                    volumes.append(
                        .with {
                            $0.name = row.name + "/" + snapshot.name
                            $0.type = row.kind.name
                            $0.contentType = row.contentType
                            $0.description = snapshot.description
                            $0.config = snapshot.config
                            $0.project = row.project
                            $0.location = "none"
                            $0.createdAt = snapshot.createdAt
                        })
                }
            }
            return volumes.sorted { ($0.type, $0.name) < ($1.type, $1.name) }
        }
    }

    /// The key of what a request names: custom volumes may belong to the default project.
    package func key(pool: String, project: String, kind: VolumeKind, name: String) async throws -> VolumeKey {
        let owner = kind == .custom ? try await store.read { try $0.effectiveProject(project, .storageVolumes) } : project
        return VolumeKey(pool: pool, project: owner, kind: kind, name: name)
    }

    package func get(_ key: VolumeKey) async throws -> StorageVolume {
        try await store.read { tx in try Self.wire(Self.find(tx, key), tx) }
    }

    package func exists(_ key: VolumeKey) async throws -> Bool {
        try await store.read { try $0.storageVolume(pool: key.pool, project: key.project, kind: key.kind, name: key.name) != nil }
    }

    package func state(_ key: VolumeKey) async throws -> StorageVolumeState {
        let row = try await find(key)
        let usage = try await storage.driver(for: row.pool).usage(of: Self.volume(row))
        return .with { state in
            guard let usage else { return }
            state.usage = .with { $0.used = usage }
        }
    }

    /// Makes a custom volume: empty, or a copy of another one with or without its snapshots.
    ///
    /// - Returns: Its path.
    @discardableResult
    package func create(
        pool: String, project: String, _ request: StorageVolumesPost, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink = .none
    ) async throws -> String {
        let name = try VolumeName(request.name).rawValue
        guard request.type == VolumeKind.custom.name else {
            throw LXDError.badRequest("Currently not allowed to create storage volumes of type \"\(request.type)\"")
        }
        guard ["", "filesystem", "block"].contains(request.contentType) else {
            throw LXDError.badRequest("Invalid volume content type name")
        }
        try VolumeKeys.validate(request.config, volume: name)
        let owner = try await store.read { try $0.effectiveProject(project, .storageVolumes) }
        let key = VolumeKey(pool: pool, project: owner, kind: .custom, name: name)
        let driver = try await storage.driver(for: pool)
        try await locks.with(key, .create) {
            guard try await store.read({ try $0.storageVolume(pool: pool, project: owner, kind: .custom, name: name) }) == nil
            else { throw LXDError.conflict("Volume by that name already exists") }
            var draft = VolumeRow(pool: pool, project: owner, name: name, kind: .custom)
            draft.description = request.description
            draft.createdAt = .now()
            draft.config = try await defaults(pool).merging(request.config) { $1 }
            if request.contentType == "block" {
                draft.contentType = "block"
                if draft.config["size"]?.isEmpty != false { draft.config["size"] = BlockVolume.defaultSize }
            }
            if request.source.type.isEmpty { try await admit(draft) }
            let target = try Self.volume(draft)
            var copied: [VolumeSnapshotRow] = []
            switch request.source.type {
            case "":
                try await driver.create(target, from: draft.contentType == "block" ? BlockVolume.source(size: draft.config["size"]) : .empty)
            case "copy":
                let (source, snapshot) = try await sourceRow(request.source, owner: owner, pool: pool)
                if request.config.isEmpty { draft.config = snapshot?.config ?? source.config }
                guard request.contentType.isEmpty || request.contentType == source.contentType else {
                    throw LXDError.badRequest("Content type of source and target must be the same")
                }
                draft.contentType = source.contentType
                try await admit(draft)
                if draft.description.isEmpty { draft.description = snapshot?.description ?? source.description }
                if !request.source.volumeOnly && snapshot == nil {
                    copied = try await store.read { try $0.storageVolumeSnapshots(volumeID: source.id) }
                }
                let from = try snapshot.map { try Self.volume(source).withSnapshot($0.name) } ?? Self.volume(source)
                let isRunning = try await isInUse(source) && snapshot == nil
                try await copy(
                    from, in: source.pool, isRunning: isRunning, to: target, snapshots: copied.map(\.name), driver, progress)
            default:
                throw LXDError.badRequest("Unknown source type \"\(request.source.type)\"")
            }
            let row = draft
            let snapshots = copied
            do {
                try await applySize(row, driver)
                try await store.write { tx in
                    try tx.admitToProject(row, isNew: true)
                    if !snapshots.isEmpty { try tx.admitSnapshotCreation(project: row.project) }
                    let id = try tx.insertStorageVolume(row)
                    for snapshot in snapshots {
                        var snapshot = snapshot
                        snapshot.volumeID = id
                        try tx.insertStorageVolumeSnapshot(snapshot)
                    }
                }
            } catch {
                for snapshot in snapshots { try await driver.delete(target.withSnapshot(snapshot.name)) }
                try await driver.delete(target)
                throw error
            }
        }
        announce(
            .storageVolumeCreated, key.path, project: owner, by: requestor, context: ["type": .string("custom")])
        return key.path
    }

    package func update(
        _ key: VolumeKey, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (StorageVolume) throws -> Void,
        _ change: @escaping @Sendable (StorageVolume) throws -> StorageVolumePut
    ) async throws {
        let current = try await get(key)
        try precondition(current)
        let put = try change(current)
        if !put.restore.isEmpty {
            try await restore(key, from: put.restore)
            announce(
                .storageVolumeRestored, key.path, project: key.project, by: requestor,
                context: ["snapshot": .string(put.restore)])
            return
        }
        try VolumeKeys.validate(put.config, volume: key.name, isCustom: key.kind == .custom)
        if isTrue(put.config["security.unmapped"]), isTrue(put.config["security.shifted"]) {
            throw LXDError.badRequest("security.unmapped and security.shifted are mutually exclusive")
        }
        var changed = try await find(key)
        let hasNewSize = (changed.config["size"] ?? "") != (put.config["size"] ?? "")
        changed.config = put.config
        if hasNewSize && key.kind == .custom { try await applySize(changed, storage.driver(for: key.pool), lifts: true) }
        try await store.write { tx in
            var row = try Self.find(tx, key)
            row.description = put.description
            row.config = put.config
            if row.kind == .custom { try tx.admitToProject(row, isNew: false) }
            try tx.updateStorageVolume(row)
        }
        announce(.storageVolumeUpdated, key.path, project: key.project, by: requestor)
    }

    /// - Returns: The new path.
    @discardableResult
    package func rename(_ key: VolumeKey, to newName: String, by requestor: EventLifecycleRequestor?) async throws -> String {
        let newName = try VolumeName(newName).rawValue
        guard key.kind == .custom else {
            throw LXDError.badRequest("Renaming storage volumes of type \"\(key.kind.name)\" is not allowed")
        }
        let newKey = VolumeKey(pool: key.pool, project: key.project, kind: key.kind, name: newName)
        try await locks.with(key, .rename) {
            let row = try await find(key)
            try await requireUnused(row)
            try await requireNotOfDaemon(
                row, or: .internalError("Volume is used by LXD itself and cannot be renamed"))
            let exists = try await store.read {
                try $0.storageVolume(pool: key.pool, project: key.project, kind: key.kind, name: newName) != nil
            }
            guard !exists else { throw LXDError.conflict("Volume by that name already exists") }
            var renamed = row
            renamed.name = newName
            let finished = renamed
            let driver = try await storage.driver(for: key.pool)
            try await driver.rename(Self.volume(row), to: Self.volume(finished).name)
            do {
                try await store.write { tx in
                    try tx.updateStorageVolume(finished)
                    try Self.renameInDevices(tx, key, newName)
                }
            } catch {
                try await driver.rename(Self.volume(finished), to: Self.volume(row).name)
                throw error
            }
        }
        announce(
            .storageVolumeRenamed, newKey.path, project: key.project, by: requestor,
            context: ["old_name": .string(key.name)])
        return newKey.path
    }

    package func delete(_ key: VolumeKey, by requestor: EventLifecycleRequestor?) async throws {
        guard key.kind == .custom else {
            throw LXDError.badRequest("Storage volumes of type \"\(key.kind.name)\" cannot be deleted with the storage API")
        }
        try await locks.with(key, .delete) {
            let row = try await find(key)
            try await requireNotOfDaemon(row, or: .badRequest("The storage volume is still in use"))
            guard try await store.read({ try Self.usedBy(row, $0).isEmpty }) else {
                throw LXDError.badRequest("The storage volume is still in use")
            }
            let driver = try await storage.driver(for: key.pool)
            for snapshot in try await store.read({ try $0.storageVolumeSnapshots(volumeID: row.id) }) {
                try await driver.delete(Self.volume(row).withSnapshot(snapshot.name))
                try await store.writeForRemoval { try $0.deleteStorageVolumeSnapshot(id: snapshot.id) }
            }
            try await driver.delete(Self.volume(row))
            try await store.writeForRemoval { try $0.deleteStorageVolume(id: row.id) }
        }
        announce(.storageVolumeDeleted, key.path, project: key.project, by: requestor)
    }

    // MARK: Parts

    /// What the project refuses is said before anything is written to the pool; the transaction looks again.
    private func admit(_ row: VolumeRow) async throws {
        try await store.read { try $0.admitToProject(row, isNew: true) }
    }

    func find(_ key: VolumeKey) async throws -> VolumeRow {
        try await store.read { try Self.find($0, key) }
    }

    static func find(_ tx: Transaction, _ key: VolumeKey) throws -> VolumeRow {
        guard try tx.storagePool(key.pool) != nil else { throw LXDError.notFound("Storage pool not found") }
        guard
            let row = try tx.storageVolume(pool: key.pool, project: key.project, kind: key.kind, name: key.name)
        else { throw LXDError.notFound("Storage volume not found") }
        return row
    }

    /// How the driver names a volume.
    static func volume(_ row: VolumeRow) throws -> Volume {
        switch row.kind {
        case .custom: try .custom(row.project + "_" + row.name)
        case .image: try .image(row.name)
        case .container, .virtualMachine:
            try .container(InstanceKey(project: row.project, name: row.name).runtimeName)
        }
    }

    /// Refuses while a running instance has the volume.
    func requireUnused(_ row: VolumeRow) async throws {
        let users = try await store.read { tx in try Self.instances(using: row, tx) }
        for user in users where await isRunning(user) {
            throw LXDError.badRequest("Volume is still in use by running instances")
        }
    }

    /// What a pool's `volume.*` keys give to new volumes.
    private func defaults(_ pool: String) async throws -> [String: String] {
        let config = try await store.read { try $0.storagePool(pool)?.config ?? [:] }
        var defaults: [String: String] = [:]
        for (key, value) in config where key.hasPrefix("volume.") && !key.hasPrefix("volume.block.") {
            defaults[String(key.dropFirst("volume.".count))] = value
        }
        return defaults
    }

    /// What a copy is made from: a volume, or a snapshot of one.
    func sourceRow(
        _ source: StorageVolumeSource, owner: String, pool: String
    ) async throws -> (row: VolumeRow, snapshot: VolumeSnapshotRow?) {
        guard !source.name.isEmpty else { throw LXDError.badRequest("No source volume name supplied") }
        let sourceProject =
            source.project.isEmpty
            ? owner : try await store.read { try $0.effectiveProject(source.project, .storageVolumes) }
        let (name, snapshot) = splitSnapshotName(source.name)
        let row = try await find(
            VolumeKey(pool: source.pool.isEmpty ? pool : source.pool, project: sourceProject, kind: .custom, name: name))
        guard let snapshot else { return (row, nil) }
        guard let found = try await store.read({ try $0.storageVolumeSnapshot(volumeID: row.id, name: snapshot) }) else {
            throw LXDError.notFound("Storage volume snapshot not found")
        }
        return (row, found)
    }

    /// Has the pool hold the volume to its `size`.
    private func applySize(_ row: VolumeRow, _ driver: any PoolDriver, lifts: Bool = false) async throws {
        let size = row.config["size"].flatMap { $0.isEmpty ? nil : $0 }
        guard size != nil || lifts else { return }
        if row.contentType == "block" { return try await BlockVolume.grow(driver.mountPath(Self.volume(row)), to: size) }
        let bytes = try size.map { UInt64(clamping: try ByteCount.parse($0)) }
        try await driver.setSize(bytes.flatMap { $0 > 0 ? $0 : nil }, of: Self.volume(row))
    }

    /// Refuses for volumes that the daemon keeps images or backups on.
    func requireNotOfDaemon(_ row: VolumeRow, or error: LXDError) async throws {
        guard try await !store.read({ DaemonVolumes.isUsed(row, try $0.serverConfig()) }) else {
            throw error
        }
    }
}

/// Which volume, by what its users call it.
package struct VolumeKey: Sendable, Hashable {
    package let pool: String
    package let project: String
    package let kind: VolumeKind
    package let name: String

    /// - Parameter project: The one that owns it: of custom volumes the effective one.
    package init(pool: String, project: String, kind: VolumeKind, name: String) {
        self.pool = pool
        self.project = project
        self.kind = kind
        self.name = name
    }

    package var path: String {
        ResourcePath.of("storage-pools", pool, "volumes", kind.name, name, project: project)
    }
}
