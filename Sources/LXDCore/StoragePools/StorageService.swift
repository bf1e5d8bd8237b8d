package import LXDAPI
import LXDConfig
package import LXDDatabase
package import LXDStorage
package import Logging
import Synchronization

/// Storage pools: their rows, and the driver that each is worked with.
package final class StorageService: Sendable {
    /// Makes the driver of a pool; throws `badRequest` for a driver there is none of.
    package typealias DriverFactory = @Sendable (_ pool: PoolRow) throws -> any PoolDriver

    private let store: Store
    private let warnings: WarningService
    private let announce: Announcer
    private let makeDriver: DriverFactory
    private let logger: Logger
    private let locks = KeyedLocks<String>()
    /// Drivers by pool name. A driver lives as long as its pool.
    private let drivers = Mutex<[String: any PoolDriver]>([:])

    package init(
        store: Store, warnings: WarningService, announce: Announcer, logger: Logger, makeDriver: @escaping DriverFactory
    ) {
        self.store = store
        self.warnings = warnings
        self.announce = announce
        self.logger = logger
        self.makeDriver = makeDriver
    }

    // MARK: For the rest of the daemon

    /// The driver of a pool that can be used.
    ///
    /// - Throws: `notFound` if there is no such pool, `unavailable` if it could not be made ready.
    package func driver(for pool: String) async throws -> any PoolDriver {
        if let driver = drivers.withLock({ $0[pool] }) { return driver }
        guard let row = try await store.read({ try $0.storagePool(pool) }) else {
            throw LXDError.notFound("Storage pool not found")
        }
        guard row.state == .created else {
            throw LXDError.unavailable("Storage pool \"\(pool)\" is not ready: creating it has not succeeded")
        }
        throw LXDError.unavailable("Storage pool \"\(pool)\" is unavailable on this server")
    }

    /// Whether there is a pool of that name, without looking at its disk.
    package func exists(_ pool: String) async throws -> Bool {
        try await store.read { try $0.storagePool(pool) } != nil
    }

    /// The drivers of all pools that are in use now, by pool name.
    package var ready: [String: any PoolDriver] { drivers.withLock { $0 } }

    /// Makes every pool usable; one that is not stays out and leaves a warning.
    ///
    /// - Parameter known: What the database has in a pool, so that the driver can tell leftovers from contents.
    package func start(known: @Sendable (PoolRow) async throws -> Set<Volume>) async throws {
        for row in try await store.read({ try $0.storagePools() }) {
            if row.state == .pending {
                // The daemon died between the row and the pool: nobody has used it.
                try? await makeDriver(row).deletePool()
                try await store.write { try $0.deleteStoragePool(id: row.id) }
                continue
            }
            do {
                let driver = try makeDriver(row)
                try await driver.mount(config: row.config)
                let report = try await driver.recover(known: try await known(row))
                for volume in report.missing where volume.kind != .image {
                    logger.warning("A volume is missing on disk", metadata: ["pool": "\(row.name)", "volume": "\(volume)"])
                }
                for (name, reason) in report.unreadable {
                    logger.warning("A record of the pool is unreadable", metadata: ["pool": "\(row.name)", "record": "\(name)", "err": "\(reason)"])
                }
                drivers.withLock { $0[row.name] = driver }
                try await warnings.resolve(.storagePoolUnavailable, entity: .storagePool, id: row.id)
            } catch {
                logger.error("Failed to make a storage pool ready", metadata: ["pool": "\(row.name)", "err": "\(error)"])
                try await warnings.raise(
                    .storagePoolUnavailable, LXDError.from(error).message, entity: .storagePool, id: row.id)
            }
        }
    }

    // MARK: The API

    package func list() async throws -> [StoragePool] {
        let ready = Set(drivers.withLock { $0.keys })
        return try await store.read { tx in
            try tx.storagePools().map { try Self.wire($0, isReady: ready.contains($0.name), tx) }
        }
    }

    package func get(_ name: String) async throws -> StoragePool {
        let isReady = drivers.withLock { $0[name] != nil }
        return try await store.read { tx in try Self.wire(Self.find(tx, name), isReady: isReady, tx) }
    }

    package func create(_ request: StoragePoolsPost, by requestor: EventLifecycleRequestor?) async throws {
        let name = try PoolName(request.name).rawValue
        guard !request.driver.isEmpty else { throw LXDError.badRequest("No driver provided") }
        var draft = PoolRow(name: name, driver: request.driver)
        draft.description = request.description
        draft.config = request.config.filter { !$0.value.isEmpty }
        let driver = try makeDriver(draft)
        try PoolKeys.validate(draft.config, driver: draft.driver)
        let row = draft
        try await locks.with(name, .create) {
            let id = try await store.write { tx in
                guard try tx.storagePool(name) == nil else {
                    throw LXDError.conflict("The storage pool already exists: The record already exists")
                }
                return try tx.insertStoragePool(row)
            }
            do {
                var created = row
                created.id = id
                created.config = try await driver.createPool(config: row.config)
                created.state = .created
                try await driver.mount(config: created.config)
                let finished = created
                try await store.write { try $0.updateStoragePool(finished) }
            } catch {
                // A row without a pool would be in everybody's way; what is left on disk stays with its owner.
                try await store.write { try $0.deleteStoragePool(id: id) }
                throw error
            }
            drivers.withLock { $0[name] = driver }
        }
        announce(.storagePoolCreated, ResourcePath.of("storage-pools", name), project: "default", by: requestor)
    }

    package func update(
        _ name: String, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (StoragePool) throws -> Void,
        _ change: @escaping @Sendable (StoragePool) throws -> StoragePoolPut
    ) async throws {
        try await store.write { tx in
            var row = try Self.find(tx, name)
            let pool = try Self.wire(row, isReady: true, tx)
            try precondition(pool)
            let put = try change(pool)
            try PoolKeys.validate(put.config, driver: row.driver)
            for key in ["source", "volatile.initial_source"] where (put.config[key] ?? "") != (row.config[key] ?? "") {
                throw LXDError.badRequest("Pool configuration key \"\(key)\" cannot be changed")
            }
            row.description = put.description
            row.config = put.config
            try tx.updateStoragePool(row)
        }
        announce(.storagePoolUpdated, ResourcePath.of("storage-pools", name), project: "default", by: requestor)
    }

    package func delete(_ name: String, by requestor: EventLifecycleRequestor?) async throws {
        try await locks.with(name, .delete) {
            let row = try await store.read { tx in
                let row = try Self.find(tx, name)
                for volume in try tx.storageVolumes(pool: name) where volume.kind != .image {
                    throw LXDError.badRequest(
                        "Volume \"\(volume.name)\" of type \"\(volume.kind.name)\" in project \"\(volume.project)\" still exists in storage pool \"\(name)\"")
                }
                guard try Self.usedBy(name, tx).isEmpty else {
                    throw LXDError.badRequest("The storage pool is currently in use")
                }
                return row
            }
            let driver = try drivers.withLock { $0[name] } ?? makeDriver(row)
            try await driver.deletePool()
            try await store.write { tx in
                try tx.deleteWarnings(entityTypeCode: WarningEntity.storagePool.rawValue, entityID: row.id)
                try tx.deleteStoragePool(id: row.id)
            }
            _ = drivers.withLock { $0.removeValue(forKey: name) }
        }
        announce(.storagePoolDeleted, ResourcePath.of("storage-pools", name), project: "default", by: requestor)
    }

    package func resources(_ name: String) async throws -> ResourcesStoragePool {
        let space = try await driver(for: name).space()
        return .with {
            $0.space = .with {
                $0.used = space.usedBytes
                $0.total = space.totalBytes
            }
            $0.inodes = .with {
                $0.used = space.usedInodes
                $0.total = space.totalInodes
            }
        }
    }

    private static func find(_ tx: Transaction, _ name: String) throws -> PoolRow {
        guard let row = try tx.storagePool(name) else { throw LXDError.notFound("Storage pool not found") }
        return row
    }

    private static func wire(_ row: PoolRow, isReady: Bool, _ tx: Transaction) throws -> StoragePool {
        let usedBy = try usedBy(row.name, tx)
        return .with {
            $0.name = row.name
            $0.description = row.description
            $0.driver = row.driver
            $0.config = row.config
            $0.usedBy = usedBy
            $0.status =
                switch row.state {
                case .pending: "Pending"
                case .created: isReady ? "Created" : "Unavailable"
                case .errored: "Errored"
                }
            $0.locations = ["none"]
        }
    }

    /// Instances, images and custom volumes in the pool, and profiles that put root disks there.
    private static func usedBy(_ name: String, _ tx: Transaction) throws -> [String] {
        var users: [String] = []
        for volume in try tx.storageVolumes(pool: name) {
            switch volume.kind {
            case .container, .virtualMachine:
                users.append(ResourcePath.of("instances", volume.name, project: volume.project))
            case .image:
                users += try tx.imageProjects(fingerprint: volume.name)
                    .map { ResourcePath.of("images", volume.name, project: $0) }
            case .custom:
                users.append(
                    ResourcePath.of("storage-pools", name, "volumes", "custom", volume.name, project: volume.project))
            }
        }
        for profile in try tx.profiles()
        where profile.devices.values.contains(where: { $0["type"] == "disk" && $0["pool"] == name }) {
            users.append(ResourcePath.of("profiles", profile.name, project: profile.project))
        }
        return users.sorted()
    }
}
