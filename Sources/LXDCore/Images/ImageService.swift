package import LXDAPI
package import LXDDatabase
package import LXDImages
package import LXDImageServers
import LXDStorage
package import Logging

/// Images: their rows and aliases, their files, and what of them lies in pools.
package final class ImageService: Sendable {
    let store: Store
    let storage: StorageService
    let announce: Announcer
    let paths: DaemonPaths
    let logger: Logger
    let reader: ImageReader
    let servers: ImageServers
    /// One image's files are made or removed by one task at a time.
    let locks = KeyedLocks<String>(patience: .seconds(3600))
    /// One image is fetched by one task at a time, however many want it; taken before ``locks``.
    let downloads = KeyedLocks<String>(patience: .seconds(86_400))

    package init(
        store: Store, storage: StorageService, announce: Announcer, paths: DaemonPaths, reader: ImageReader,
        servers: ImageServers, logger: Logger
    ) {
        self.servers = servers
        self.store = store
        self.storage = storage
        self.announce = announce
        self.paths = paths
        self.logger = logger
        self.reader = reader
    }

    // MARK: Reading

    package func list(project: String, publicOnly: Bool) async throws -> [Image] {
        try await store.read { tx in
            try tx.images(project: tx.effectiveProject(project, .images), publicOnly: publicOnly).map {
                Self.wire(try tx.seen($0, from: project))
            }
        }
    }

    /// - Parameters:
    ///   - prefix: A fingerprint or the beginning of one.
    ///   - publicOnly: Others are as good as none, also for whether the beginning is unique.
    package func get(project: String, prefix: String, publicOnly: Bool = false) async throws -> Image {
        try await store.read { Self.wire(try Self.find($0, project, prefix, publicOnly: publicOnly)) }
    }

    package func row(project: String, prefix: String) async throws -> ImageRow {
        try await store.read { try Self.find($0, project, prefix) }
    }

    static func find(
        _ tx: Transaction, _ project: String, _ prefix: String, publicOnly: Bool = false
    ) throws -> ImageRow {
        let found =
            Fingerprint.isPrefix(prefix)
            ? try tx.images(
                project: tx.effectiveProject(project, .images), fingerprintPrefix: prefix, publicOnly: publicOnly) : []
        guard let first = found.first else { throw LXDError.notFound("Image not found") }
        guard found.count == 1 else {
            throw LXDError.badRequest("More than one image matches the provided partial fingerprint")
        }
        return try tx.seen(first, from: project)
    }

    // MARK: Changing

    package func update(
        project: String, prefix: String, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (Image) throws -> Void,
        _ change: @escaping @Sendable (Image) throws -> ImagePut
    ) async throws {
        let row = try await store.write { tx in
            let row = try Self.find(tx, project, prefix)
            let image = Self.wire(row)
            try precondition(image)
            let put = try change(image)
            var update = ImageUpdate()
            update.isPublic = put.public
            update.autoUpdate = put.autoUpdate
            update.expiresAt = put.expiresAt
            update.properties = put.properties
            update.profiles = put.profiles
            try tx.updateImage(id: row.id, project: project, update)
            return row
        }
        announce(
            .imageUpdated, ResourcePath.of("images", row.fingerprint, project: row.project), project: row.project,
            by: requestor)
    }

    /// Forgets the image in its project, and its files when no other project has it.
    package func delete(project: String, fingerprint: String, by requestor: EventLifecycleRequestor?) async throws {
        let owner = try await locks.with(fingerprint, .delete) {
            let row = try await row(project: project, prefix: fingerprint)
            let isShared = try await store.read { try $0.imageProjects(fingerprint: row.fingerprint).count > 1 }
            if !isShared {
                // The row goes last: until then a failure leaves an image that can be deleted again.
                for (name, driver) in storage.ready {
                    do {
                        try await driver.deleteImage(row.fingerprint)
                    } catch {
                        throw LXDError.internalError(
                            "Error deleting image \"\(row.fingerprint)\" from storage pool \"\(name)\": \(LXDError.from(error).message)",
                            cause: error)
                    }
                }
                try removeFiles(row.fingerprint)
            }
            try await store.writeForRemoval { try $0.deleteImage(id: row.id) }
            return row.project
        }
        announce(
            .imageDeleted, ResourcePath.of("images", fingerprint, project: owner), project: owner, by: requestor)
    }

    // MARK: Wire form

    static func wire(_ row: ImageRow) -> Image {
        .with {
            $0.fingerprint = row.fingerprint
            $0.filename = row.filename
            $0.size = row.size
            $0.public = row.isPublic
            $0.architecture = row.architecture
            $0.createdAt = row.createdAt
            $0.expiresAt = row.expiresAt
            $0.uploadedAt = row.uploadedAt
            $0.lastUsedAt = row.lastUsedAt
            $0.cached = row.cached
            $0.autoUpdate = row.autoUpdate
            $0.type = row.type == .container ? "container" : "virtual-machine"
            $0.properties = row.properties
            $0.profiles = row.profiles
            $0.aliases = row.aliases.map { alias in
                .with {
                    $0.name = alias.name
                    $0.description = alias.description
                }
            }
            if let source = row.source {
                $0.updateSource = .with {
                    $0.alias = source.alias
                    $0.certificate = source.certificate
                    $0.protocol = source.imageProtocol
                    $0.server = source.server
                    $0.imageType = row.type == .container ? "container" : "virtual-machine"
                }
            }
        }
    }
}
