import Foundation
import LXDAPI
package import LXDCore
import LXDDatabase
import LXDHTTP
import NIOCore

/// `/1.0/storage-pools/{pool}/volumes/{type}/{name}/backups` and below.
package struct StorageVolumeBackupRoutes: RouteGroup {
    private let volumes: VolumeService
    private let backups: VolumeBackupService
    private let operations: Operations
    private static let all = "/1.0/storage-pools/{pool}/volumes/{type}/{name}/backups"
    private static let one = all + "/{backup}"

    package init(volumes: VolumeService, backups: VolumeBackupService, operations: Operations) {
        self.volumes = volumes
        self.backups = backups
        self.operations = operations
    }

    package func register(on routes: inout RouteTable) {
        routes.get(Self.all, .project) { scope in
            let key = try await key(scope)
            let list = try await backups.list(key)
            if scope.isRecursive { return try .sync(list) }
            return try .sync(
                list.map {
                    ResourcePath.of(
                        "storage-pools", key.pool, "volumes", key.kind.name, key.name, "backups", $0.name,
                        project: key.project)
                })
        }
        routes.post(Self.all, .project, create)
        routes.get(Self.one, .project) { scope in try .sync(await backups.get(key(scope), scope.parameter("backup"))) }
        routes.post(Self.one, .project) { scope in
            let (key, name) = (try await key(scope), try scope.parameter("backup"))
            let request: StoragePoolVolumeBackupPost = try await scope.decode()
            guard !request.name.contains("/") else { throw LXDError.badRequest("Backup names may not contain slashes") }
            _ = try await backups.get(key, name)
            let requestor = scope.requestor
            return try .async(
                operations.start(
                    .customVolumeBackupRename, project: scope.project, resources: ["storage_volumes": [key.name]],
                    requestor: requestor
                ) { _ in try await backups.rename(key, name, to: request.name, by: requestor) })
        }
        routes.delete(Self.one, .project) { scope in
            let (key, name) = (try await key(scope), try scope.parameter("backup"))
            _ = try await backups.get(key, name)
            let requestor = scope.requestor
            return try .async(
                operations.start(
                    .customVolumeBackupRemove, project: scope.project, resources: ["storage_volumes": [key.name]],
                    requestor: requestor
                ) { _ in try await backups.delete(key, name, by: requestor) })
        }
        routes.get(Self.one + "/export", .project) { scope in
            let (path, length) = try await backups.file(key(scope), scope.parameter("backup"), by: scope.requestor)
            return .file(named: nil, length: length) { writer in
                guard let file = FileHandle(forReadingAtPath: path) else {
                    throw LXDError.notFound("Storage volume backup not found")
                }
                defer { try? file.close() }  // Read to the end or given up: nothing is lost.
                while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty { try await writer.write(chunk) }
            }
        }
    }

    private func create(_ scope: RequestScope) async throws -> Answer {
        let key = try await key(scope)
        // An end that is null or empty means none.
        var raw: JSONValue = try await scope.decode()
        if case .object(var fields) = raw, fields["expires_at"] == .null || fields["expires_at"] == .string("") {
            fields["expires_at"] = nil
            raw = .object(fields)
        }
        let request: StoragePoolVolumeBackupsPost = try raw.decode()
        let name = try await backups.planName(key, request.name)
        let requestor = scope.requestor
        return try .async(
            operations.start(
                .customVolumeBackupCreate, project: scope.project,
                resources: ["storage_volumes": [key.name], "backups": [name]], requestor: requestor
            ) { handle in
                do {
                    try await backups.create(
                        key, name: name, request, by: requestor, progress: ProgressSink { handle.progress($0, $1) })
                } catch {
                    throw LXDError.from(error).wrapped("Create volume backup")
                }
            })
    }

    /// `POST .../volumes/custom` with an archive as its body.
    static func importBackup(
        _ scope: RequestScope, _ backups: VolumeBackupService, _ operations: Operations
    ) async throws -> Answer {
        let body = scope.request.body
        let upload = try await backups.receive { try await body.next().map { Array($0.readableBytesView) } }
        let plan: VolumeImportPlan
        do {
            plan = try await backups.planImport(
                upload, project: scope.project, pool: scope.parameter("pool"), name: scope.header("X-LXD-name") ?? "")
        } catch {
            backups.discard(upload)
            throw error
        }
        let requestor = scope.requestor
        return try .async(
            operations.start(
                .customVolumeBackupRestore, project: scope.project, resources: ["storage_volumes": [plan.name]],
                requestor: requestor
            ) { _ in
                do {
                    try await backups.importVolume(plan, by: requestor)
                } catch {
                    throw LXDError.from(error).wrapped("Create custom volume from backup")
                }
            })
    }

    private func key(_ scope: RequestScope) async throws -> VolumeKey {
        guard let kind = VolumeKind(name: try scope.parameter("type")) else {
            throw LXDError.badRequest("Invalid storage volume type name")
        }
        return try await volumes.key(
            pool: scope.parameter("pool"), project: scope.project, kind: kind, name: scope.parameter("name"))
    }
}
