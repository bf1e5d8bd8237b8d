import FoundationEssentials
import LXDAPI
package import LXDCore
import LXDDatabase

/// `/1.0/storage-pools/{pool}/volumes` and below.
package struct StorageVolumeRoutes: RouteGroup {
    private let volumes: VolumeService
    private let migrations: VolumeMigrations
    private let backups: VolumeBackupService
    private let operations: Operations
    private static let base = "/1.0/storage-pools/{pool}/volumes"
    private static let one = "/1.0/storage-pools/{pool}/volumes/{type}/{name}"

    package init(
        volumes: VolumeService, migrations: VolumeMigrations, backups: VolumeBackupService, operations: Operations
    ) {
        self.volumes = volumes
        self.migrations = migrations
        self.backups = backups
        self.operations = operations
    }

    package func register(on routes: inout RouteTable) {
        routes.get(Self.base, .projectList) { try await list($0, kind: nil) }
        routes.get(Self.base + "/{type}", .projectList) { try await list($0, kind: kind($0)) }
        routes.post(Self.base, .project) { scope in
            let request: StorageVolumesPost = try await scope.decode()
            return try await create(scope, request)
        }
        routes.post(Self.base + "/{type}", .project) { scope in
            if scope.header("Content-Type") == "application/octet-stream" {
                guard try kind(scope) == .custom else { throw LXDError.badRequest("Only custom storage volumes can be imported") }
                return try await StorageVolumeBackupRoutes.importBackup(scope, backups, operations)
            }
            var request: StorageVolumesPost = try await scope.decode()
            request.type = try scope.parameter("type")
            return try await create(scope, request)
        }
        routes.get(Self.one, .project) { scope in
            let volume = try await volumes.get(key(scope))
            return try .sync(volume, etag: volume.writable)
        }
        routes.get(Self.one + "/state", .project) { try .sync(await volumes.state(key($0))) }
        routes.put(Self.one, .project) { scope in
            let put: StorageVolumePut = try await scope.decode()
            return try await update(scope) { _ in put }
        }
        routes.patch(Self.one, .project) { scope in
            let patch = try await scope.bodyData()
            return try await update(scope) { volume in
                var put: StorageVolumePut = try LXDJSON.merge(patch: patch, into: volume.writable)
                put.config = volume.config.merging(put.config) { $1 }
                return put
            }
        }
        routes.post(Self.one, .project, rename)
        routes.delete(Self.one, .project) { scope in
            try await volumes.delete(key(scope), by: scope.requestor)
            return .done
        }
        registerSnapshots(on: &routes)
    }

    private func registerSnapshots(on routes: inout RouteTable) {
        let all = Self.one + "/snapshots"
        let one = Self.one + "/snapshots/{snapshot}"
        routes.get(all, .project) { scope in
            let key = try await key(scope)
            let snapshots = try await volumes.snapshots(key)
            if scope.isRecursive { return try .sync(snapshots) }
            return try .sync(
                snapshots.map { snapshot in
                    let name = splitSnapshotName(snapshot.name).snapshot ?? ""
                    return ResourcePath.of(
                        "storage-pools", key.pool, "volumes", key.kind.name, key.name, "snapshots", name,
                        project: key.project)
                })
        }
        routes.post(all, .project) { scope in
            let key = try await key(scope)
            let request: StorageVolumeSnapshotsPost = try await scope.decode()
            let requestor = scope.requestor
            return try .async(
                operations.start(
                    .volumeSnapshotCreate, project: scope.project, resources: ["storage_volumes": [key.name]],
                    requestor: requestor
                ) { _ in _ = try await volumes.createSnapshot(key, request, by: requestor) })
        }
        routes.get(one, .project) { scope in
            let snapshot = try await volumes.snapshot(key(scope), scope.parameter("snapshot"))
            return try .sync(snapshot, etag: snapshot.writable)
        }
        routes.put(one, .project) { scope in
            let put: StorageVolumeSnapshotPut = try await scope.decode()
            return try await updateSnapshot(scope) { _ in put }
        }
        routes.patch(one, .project) { scope in
            let patch = try await scope.bodyData()
            return try await updateSnapshot(scope) { try LXDJSON.merge(patch: patch, into: $0.writable) }
        }
        routes.post(one, .project) { scope in
            let key = try await key(scope)
            let name = try scope.parameter("snapshot")
            let request: StorageVolumeSnapshotPost = try await scope.decode()
            let requestor = scope.requestor
            return try .async(
                operations.start(.volumeSnapshotRename, project: scope.project, requestor: requestor) { _ in
                    try await volumes.renameSnapshot(key, name, to: request.name, by: requestor)
                })
        }
        routes.delete(one, .project) { scope in
            let key = try await key(scope)
            let name = try scope.parameter("snapshot")
            let requestor = scope.requestor
            return try .async(
                operations.start(.volumeSnapshotDelete, project: scope.project, requestor: requestor) { _ in
                    try await volumes.deleteSnapshot(key, name, by: requestor)
                })
        }
    }

    private func list(_ scope: RequestScope, kind: VolumeKind?) async throws -> Answer {
        if scope.allProjects {
            guard scope.query["project"]?.isEmpty != false else {
                throw LXDError.badRequest("Cannot specify a project when requesting all projects")
            }
        }
        let filter = try scope.parsedFilter("Invalid filter")
        var all = try await volumes.list(
            pool: scope.parameter("pool"), project: scope.project, allProjects: scope.allProjects, kind: kind)
        if scope.allProjects { all = all.filter { scope.caller.mayUse(project: $0.project) } }
        if let filter { all = try all.filter { try filter.matches($0) } }
        if scope.isRecursive { return try .sync(all) }
        let pool = try scope.parameter("pool")
        return try .sync(
            all.map { volume in
                let (name, snapshot) = splitSnapshotName(volume.name)
                guard let snapshot else {
                    return ResourcePath.of("storage-pools", pool, "volumes", volume.type, name, project: volume.project)
                }
                return ResourcePath.of(
                    "storage-pools", pool, "volumes", volume.type, name, "snapshots", snapshot, project: volume.project)
            })
    }

    private func create(_ scope: RequestScope, _ request: StorageVolumesPost) async throws -> Answer {
        let pool = try scope.parameter("pool")
        let project = scope.project
        let requestor = scope.requestor
        if request.source.type == "migration" {
            return try .async(await migrations.startReceiving(pool: pool, project: project, request, by: requestor))
        }
        guard request.source.type == "copy" else {
            return .created(try await volumes.create(pool: pool, project: project, request, by: requestor))
        }
        if !request.source.project.isEmpty { try scope.requireProject(request.source.project) }
        let target = try await volumes.key(pool: pool, project: project, kind: .custom, name: request.name)
        let isThere = try await volumes.exists(target)
        guard !isThere || request.source.refresh else { throw LXDError.conflict("Volume by that name already exists") }
        let isRefresh = isThere
        return try .async(
            operations.start(.volumeCopy, project: project, requestor: requestor) { handle in
                let progress = ProgressSink { handle.progress($0, $1) }
                if isRefresh {
                    try await volumes.refresh(pool: pool, project: project, request, by: requestor, progress: progress)
                } else {
                    try await volumes.create(pool: pool, project: project, request, by: requestor, progress: progress)
                }
            })
    }

    private func rename(_ scope: RequestScope) async throws -> Answer {
        let key = try await key(scope)
        let request: StorageVolumePost = try await scope.decode()
        if request.migration {
            return try .async(await migrations.startSending(key, request, project: scope.project, by: scope.requestor))
        }
        if !request.project.isEmpty { try scope.requireProject(request.project) }
        let isMove = !request.pool.isEmpty && request.pool != key.pool || !request.project.isEmpty && request.project != scope.project
        if isMove {
            guard key.kind == .custom else {
                throw LXDError.badRequest("Renaming storage volumes of type \"\(key.kind.name)\" is not allowed")
            }
            let requestor = scope.requestor
            _ = try await volumes.get(key)
            return try .async(
                operations.start(.volumeMove, project: scope.project, requestor: requestor) { handle in
                    try await volumes.move(key, to: request, by: requestor, progress: ProgressSink { handle.progress($0, $1) })
                })
        }
        return .created(try await volumes.rename(key, to: request.name, by: scope.requestor))
    }

    private func update(
        _ scope: RequestScope, _ change: @escaping @Sendable (StorageVolume) throws -> StorageVolumePut
    ) async throws -> Answer {
        try await volumes.update(
            key(scope), by: scope.requestor, precondition: { try scope.checkETag($0.writable) }, change)
        return .done
    }

    private func updateSnapshot(
        _ scope: RequestScope, _ change: @escaping @Sendable (StorageVolumeSnapshot) throws -> StorageVolumeSnapshotPut
    ) async throws -> Answer {
        let key = try await key(scope)
        let name = try scope.parameter("snapshot")
        let requestor = scope.requestor
        let precondition: @Sendable (StorageVolumeSnapshot) throws -> Void = { try scope.checkETag($0.writable) }
        return try .async(
            operations.start(.volumeSnapshotUpdate, project: scope.project, requestor: requestor) { _ in
                try await volumes.updateSnapshot(key, name, by: requestor, precondition: precondition, change)
            })
    }

    private func kind(_ scope: RequestScope) throws -> VolumeKind {
        guard let kind = VolumeKind(name: try scope.parameter("type")) else {
            throw LXDError.badRequest("Invalid storage volume type name")
        }
        return kind
    }

    private func key(_ scope: RequestScope) async throws -> VolumeKey {
        try await volumes.key(
            pool: scope.parameter("pool"), project: scope.project, kind: kind(scope), name: scope.parameter("name"))
    }
}
