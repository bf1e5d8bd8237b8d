import Foundation
package import LXDAPI
package import LXDDatabase

/// Warnings: what an administrator should look at, each kept once however often it is met.
package final class WarningService: Sendable {
    private let store: Store
    private let announce: Announcer

    package init(store: Store, announce: Announcer) {
        self.store = store
        self.announce = announce
    }

    package func list(project: String?) async throws -> [Warning] {
        try await store.read { tx in try tx.warnings(project: project).map { try Self.wire($0, tx) } }
    }

    package func get(_ uuid: String) async throws -> Warning {
        try await store.read { tx in
            guard let row = try tx.warning(uuid: uuid) else { throw LXDError.notFound("Warning not found") }
            return try Self.wire(row, tx)
        }
    }

    /// Sets the status to `acknowledged` or `new`.
    package func update(_ uuid: String, _ put: WarningPut, by requestor: EventLifecycleRequestor?) async throws {
        guard let status = Self.statuses.firstIndex(of: put.status) else {
            throw LXDError.badRequest("Invalid warning type \"\(put.status)\"")
        }
        guard status < 2 else { throw LXDError.forbidden("Status may only be set to \"acknowledge\" or \"new\"") }
        try await store.write { tx in
            guard try tx.warning(uuid: uuid) != nil else { throw LXDError.notFound("Warning not found") }
            try tx.setWarningStatus(uuid: uuid, status + 1, at: .now())
        }
        announce(
            status == 1 ? .warningAcknowledged : .warningReset, ResourcePath.of("warnings", uuid), project: "default",
            by: requestor)
    }

    package func delete(_ uuid: String, by requestor: EventLifecycleRequestor?) async throws {
        try await store.write { tx in
            guard try tx.warning(uuid: uuid) != nil else { throw LXDError.notFound("Warning not found") }
            try tx.deleteWarning(uuid: uuid)
        }
        announce(.warningDeleted, ResourcePath.of("warnings", uuid), project: "default", by: requestor)
    }

    /// Adds a warning, or counts it once more.
    package func raise(
        _ type: WarningType, _ message: String, project: String = "", entity: WarningEntity = .none, id: Int64 = -1
    ) async throws {
        var row = WarningRow()
        row.uuid = UUID().uuidString.lowercased()
        row.project = project
        row.entityTypeCode = entity.rawValue
        row.entityID = id
        row.typeCode = type.rawValue
        row.lastSeenAt = .now()
        row.lastMessage = message
        let warning = row
        try await store.write { tx in
            if !project.isEmpty { _ = try tx.requireProject(project) }
            if entity != .none, try Self.entityPath(warning, tx) == nil {
                throw LXDError.badRequest("Unknown entity ID")
            }
            try tx.upsertWarning(warning)
        }
    }

    /// Marks as resolved what was warned of before.
    package func resolve(_ type: WarningType, entity: WarningEntity, id: Int64) async throws {
        try await store.write {
            try $0.resolveWarnings(typeCode: type.rawValue, entityTypeCode: entity.rawValue, entityID: id, at: .now())
        }
    }

    /// Removes the warnings that were resolved a day ago or longer.
    package func pruneResolved(now: LXDTime) async throws {
        try await store.write { tx in
            for row in try tx.warnings() where row.status == 3 && now - row.updatedAt >= .seconds(86_400) {
                try tx.deleteWarning(uuid: row.uuid)
            }
        }
    }

    private static let statuses = ["new", "acknowledged", "resolved"]

    private static func wire(_ row: WarningRow, _ tx: Transaction) throws -> Warning {
        let type = WarningType(rawValue: row.typeCode) ?? .undefined
        let entity = try entityPath(row, tx) ?? ""
        return .with {
            $0.uuid = row.uuid
            $0.status = statuses.indices.contains(row.status - 1) ? statuses[row.status - 1] : ""
            $0.location = row.member
            $0.project = row.project
            $0.type = type.name
            $0.severity = type.severity
            $0.count = row.count
            $0.firstSeenAt = row.firstSeenAt
            $0.lastSeenAt = row.lastSeenAt
            $0.lastMessage = row.lastMessage
            $0.entityURL = entity
        }
    }

    /// The path of the object a warning is about; `nil` if there is none any more.
    private static func entityPath(_ row: WarningRow, _ tx: Transaction) throws -> String? {
        switch WarningEntity(rawValue: row.entityTypeCode) {
        case .instance, .container:
            return try tx.instance(id: row.entityID).map { ResourcePath.of("instances", $0.name, project: $0.project) }
        case .image:
            return try tx.image(id: row.entityID).map { ResourcePath.of("images", $0.fingerprint, project: $0.project) }
        case .profile:
            return try tx.profiles().first { $0.id == row.entityID }
                .map { ResourcePath.of("profiles", $0.name, project: $0.project) }
        case .project:
            return try tx.projects().first { $0.id == row.entityID }.map { ResourcePath.of("projects", $0.name) }
        case .certificate:
            return try tx.certificates().first { $0.id == row.entityID }
                .map { ResourcePath.of("certificates", $0.fingerprint) }
        case .network:
            return try tx.networks().first { $0.id == row.entityID }
                .map { ResourcePath.of("networks", $0.name, project: $0.project) }
        case .storagePool:
            return try tx.storagePools().first { $0.id == row.entityID }.map { ResourcePath.of("storage-pools", $0.name) }
        default:
            return nil
        }
    }
}
