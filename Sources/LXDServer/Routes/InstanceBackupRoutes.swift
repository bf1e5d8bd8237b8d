import Foundation
import LXDAPI
package import LXDCore
import LXDHTTP

/// `/1.0/instances/{name}/backups`.
package struct InstanceBackupRoutes: RouteGroup {
    private let backups: BackupService
    private let operations: Operations

    package init(backups: BackupService, operations: Operations) {
        self.backups = backups
        self.operations = operations
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/instances/{name}/backups", .project, list)
        routes.post("/1.0/instances/{name}/backups", .project, create)
        routes.get("/1.0/instances/{name}/backups/{backup}", .project) { scope in
            try .sync(try await backups.get(scope.instanceKey(), scope.parameter("backup")))
        }
        routes.post("/1.0/instances/{name}/backups/{backup}", .project, rename)
        routes.delete("/1.0/instances/{name}/backups/{backup}", .project, delete)
        routes.get("/1.0/instances/{name}/backups/{backup}/export", .project, export)
    }

    private func list(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let all = try await backups.list(key)
        if scope.isRecursive { return try .sync(all) }
        return try .sync(all.map { ResourcePath.of("instances", key.name, "backups", $0.name, project: key.project) })
    }

    private func create(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        // An end that is null or empty means none.
        var raw: JSONValue = try await scope.decode()
        if case .object(var fields) = raw, fields["expires_at"] == .null || fields["expires_at"] == .string("") {
            fields["expires_at"] = nil
            raw = .object(fields)
        }
        let request: InstanceBackupsPost = try raw.decode()
        let name = try await backups.planName(key, request)
        let requestor = scope.requestor
        var resources = InstanceResources.of([key.name])
        resources["backups"] = [name]
        return try .async(
            operations.start(.backupCreate, project: key.project, resources: resources, requestor: requestor) { handle in
                do {
                    try await backups.create(
                        key, name: name, request, by: requestor, progress: ProgressSink { handle.progress($0, $1) })
                } catch {
                    throw LXDError.from(error).wrapped("Create backup")
                }
            })
    }

    private func rename(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let name = try scope.parameter("backup")
        let request: InstanceBackupPost = try await scope.decode()
        guard !request.name.contains("/") else { throw LXDError.badRequest("Backup names may not contain slashes") }
        _ = try await backups.get(key, name)
        let requestor = scope.requestor
        return try .async(
            operations.start(.backupRename, project: key.project, resources: InstanceResources.of([key.name]), requestor: requestor)
            { _ in try await backups.rename(key, name, to: request.name, by: requestor) })
    }

    private func delete(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let name = try scope.parameter("backup")
        _ = try await backups.get(key, name)
        let requestor = scope.requestor
        return try .async(
            operations.start(.backupRemove, project: key.project, resources: ["container": [key.name]], requestor: requestor) { _ in
                try await backups.delete(key, name, by: requestor)
            })
    }

    private func export(_ scope: RequestScope) async throws -> Answer {
        let (path, length) = try await backups.file(scope.instanceKey(), scope.parameter("backup"), by: scope.requestor)
        return .file(named: nil, length: length) { writer in
            guard let file = FileHandle(forReadingAtPath: path) else { throw LXDError.notFound("Instance backup not found") }
            defer { try? file.close() }  // Read to the end or given up: nothing is lost.
            while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty { try await writer.write(chunk) }
        }
    }
}
