import LXDAPI
package import LXDCore
import LXDHTTP

/// `/1.0/instances/{name}/snapshots`.
package struct InstanceSnapshotRoutes: RouteGroup {
    private let snapshots: SnapshotService
    private let migrations: MigrationService
    private let operations: Operations

    package init(snapshots: SnapshotService, migrations: MigrationService, operations: Operations) {
        self.snapshots = snapshots
        self.migrations = migrations
        self.operations = operations
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/instances/{name}/snapshots", .project, list)
        routes.post("/1.0/instances/{name}/snapshots", .project, create)
        routes.get("/1.0/instances/{name}/snapshots/{snapshot}", .project, get)
        routes.put("/1.0/instances/{name}/snapshots/{snapshot}", .project, update)
        routes.patch("/1.0/instances/{name}/snapshots/{snapshot}", .project, update)
        routes.post("/1.0/instances/{name}/snapshots/{snapshot}", .project, rename)
        routes.delete("/1.0/instances/{name}/snapshots/{snapshot}", .project, delete)
    }

    private func list(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let all = try await snapshots.list(key)
        if scope.isRecursive { return try .sync(all) }
        return try .sync(all.map { ResourcePath.of("instances", key.name, "snapshots", $0.name, project: key.project) })
    }

    private func create(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let request: InstanceSnapshotsPost = try await scope.decode()
        let (name, expiresAt) = try await snapshots.plan(key, request)
        let requestor = scope.requestor
        return try .async(
            operations.start(.snapshotCreate, project: key.project, resources: InstanceResources.of([key.name]), requestor: requestor)
            { _ in
                try await snapshots.create(
                    key, name: name, expiresAt: expiresAt, isStateful: request.stateful, by: requestor)
            })
    }

    private func get(_ scope: RequestScope) async throws -> Answer {
        let snapshot = try await snapshots.get(scope.instanceKey(), scope.parameter("snapshot"))
        return try .sync(snapshot, etag: [snapshot.expiresAt])
    }

    /// Only the end of its life can be changed.
    private func update(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let name = try scope.parameter("snapshot")
        let snapshot = try await snapshots.get(key, name)
        try scope.checkETag([snapshot.expiresAt])
        let raw: JSONValue = try await scope.decode()
        var expiresAt: LXDTime?
        if case .object(let fields) = raw, case .string? = fields["expires_at"] {
            expiresAt = try raw.decode(InstanceSnapshotPut.self).expiresAt
        }
        let requestor = scope.requestor
        return try .async(
            operations.start(.snapshotUpdate, project: key.project, resources: InstanceResources.of([name]), requestor: requestor)
            { [expiresAt] _ in
                guard let expiresAt else { return }
                try await snapshots.setExpiry(key, name, expiresAt, by: requestor)
            })
    }

    /// Renames a snapshot, or lets another server make an instance of it.
    private func rename(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let name = try scope.parameter("snapshot")
        let request: InstanceSnapshotPost = try await scope.decode()
        try await snapshots.check(key, name)
        if request.migration {
            guard !request.name.isEmpty else { throw LXDError.badRequest("A new name for the container must be provided") }
            if request.live, request.name != key.name {
                throw LXDError.badRequest(
                    "Copying stateful containers requires that source \"\(key.name)\" and target \"\(request.name)\" name be identical")
            }
            var source = MigrationService.SourceRequest(key, snapshot: name)
            source.target = request.target
            return try .async(await migrations.startSending(source, by: scope.requestor))
        }
        let newName = try SnapshotName(request.name).rawValue
        try await snapshots.checkNameIsFree(key, newName)
        let requestor = scope.requestor
        return try .async(
            operations.start(.snapshotRename, project: key.project, resources: InstanceResources.of([key.name]), requestor: requestor)
            { _ in try await snapshots.rename(key, name, to: newName, by: requestor) })
    }

    private func delete(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let name = try scope.parameter("snapshot")
        try await snapshots.check(key, name)
        let requestor = scope.requestor
        return try .async(
            operations.start(
                .snapshotDelete, project: key.project, resources: InstanceResources.of([key.name + "/" + name]), requestor: requestor
            ) { _ in try await snapshots.delete(key, name, by: requestor) })
    }
}
