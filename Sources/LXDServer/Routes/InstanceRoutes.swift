import FoundationEssentials
import LXDAPI
package import LXDCore
import LXDDatabase
import LXDHTTP
import NIOCore

/// `/1.0/instances` and `/1.0/instances/{name}`.
package struct InstanceRoutes: RouteGroup {
    private let instances: InstanceService
    private let snapshots: SnapshotService
    private let backups: BackupService
    private let lifecycle: InstanceLifecycle
    private let migrations: MigrationService
    private let operations: Operations

    package init(
        instances: InstanceService, snapshots: SnapshotService, backups: BackupService, lifecycle: InstanceLifecycle,
        migrations: MigrationService, operations: Operations
    ) {
        self.instances = instances
        self.snapshots = snapshots
        self.backups = backups
        self.lifecycle = lifecycle
        self.migrations = migrations
        self.operations = operations
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/instances", .projectList, list)
        routes.post("/1.0/instances", .project, bodyBytesMax: .max, create)
        routes.put("/1.0/instances", .project, changeAll)
        routes.get("/1.0/instances/{name}", .project, get)
        routes.put("/1.0/instances/{name}", .project, put)
        routes.patch("/1.0/instances/{name}", .project, patch)
        routes.post("/1.0/instances/{name}", .project, post)
        routes.delete("/1.0/instances/{name}", .project, delete)
        routes.get("/1.0/instances/{name}/migrate-check", .project) { scope in
            try .sync(try await migrations.check(scope.instanceKey()))
        }
    }

    // MARK: Lists

    private func list(_ scope: RequestScope) async throws -> Answer {
        if scope.allProjects, scope.query["project"]?.isEmpty == false {
            throw LXDError.badRequest("Cannot specify a project when requesting all projects")
        }
        let project = scope.allProjects ? nil : scope.project
        let filter = try scope.filter.map { try FilterExpression($0) }
        func isVisible(_ project: String, _ type: String) -> Bool {
            guard scope.caller.mayUse(project: project) else { return false }
            switch scope.collection {
            case "containers": return type == "container"
            case "virtual-machines": return type == "virtual-machine"
            default: return true
            }
        }
        if scope.recursion >= 2 {
            var all = try await instances.listFull(project: project).filter { isVisible($0.project, $0.type) }
            if let filter { all = try all.filter { try filter.matches($0) } }
            return try await .list(all)
        }
        if scope.recursion == 1 || filter != nil {
            var all = try await instances.list(project: project).filter { isVisible($0.project, $0.type) }
            if let filter { all = try all.filter { try filter.matches($0) } }
            if scope.recursion == 1 { return try await .list(all) }
            return try .sync(all.map { ResourcePath.of(scope.collection, $0.name, project: $0.project) })
        }
        let names = try await instances.names(project: project).filter { isVisible($0.project, "container") }
        return try .sync(names.map { ResourcePath.of(scope.collection, $0.name, project: $0.project) })
    }

    private func get(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        if scope.recursion == 0 {
            let (loaded, wire) = try await instances.get(key)
            return try .sync(wire, etag: InstanceVersion(loaded))
        }
        let (loaded, wire) = try await instances.getFull(key)
        return try .sync(wire, etag: InstanceVersion(loaded))
    }

    // MARK: Create

    private func create(_ scope: RequestScope) async throws -> Answer {
        if scope.header("Content-Type") == "application/octet-stream" { return try await importBackup(scope) }
        guard scope.target == nil else { throw LXDError.badRequest("Target only allowed when clustered") }
        let data = try await scope.bodyData()
        var request: InstancesPost = try LXDJSON.decode(from: data)
        if request.type == .any, scope.collection == "virtual-machines" { request.type = .virtualMachine }
        // Before the source is looked up: whether it is there is nobody else's business.
        if !request.source.project.isEmpty { try scope.requireProject(request.source.project) }
        let plan = try await instances.planCreate(
            project: scope.project, request, hasProfiles: try Self.has("profiles", in: data))
        let requestor = scope.requestor
        if case .migration(let source) = plan.source {
            return try .async(await migrations.startReceiving(plan, from: source, by: requestor))
        }
        return try .async(
            operations.start(
                .instanceCreate, project: scope.project, resources: InstanceResources.of(plan.resources), isCancellable: true,
                requestor: requestor
            ) { handle in
                try await instances.create(plan, by: requestor, progress: ProgressSink { handle.progress($0, $1) })
            })
    }

    private func importBackup(_ scope: RequestScope) async throws -> Answer {
        let body = scope.request.body
        let upload = try await backups.receive { try await body.next().map { Array($0.readableBytesView) } }
        let plan: ImportPlan
        do {
            plan = try await backups.planImport(
                upload, project: scope.project, pool: scope.header("X-LXD-pool") ?? "", name: scope.header("X-LXD-name") ?? "")
        } catch {
            backups.discard(upload)
            throw error
        }
        let requestor = scope.requestor
        return try .async(
            operations.start(
                .backupRestore, project: scope.project, resources: InstanceResources.of([plan.name]), requestor: requestor
            ) { _ in try await backups.importInstance(plan, by: requestor) })
    }

    // MARK: Change

    private func put(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let put: InstancePut = try await scope.decode()
        let requestor = scope.requestor
        let current = try await instances.get(key).loaded
        try scope.checkETag(InstanceVersion(current))
        if !put.restore.isEmpty {
            return try .async(
                operations.start(
                    .snapshotRestore, project: key.project, resources: InstanceResources.of([key.name]), requestor: requestor
                ) { _ in try await snapshots.restore(key, put.restore, stateful: put.stateful, by: requestor) })
        }
        return try .async(
            operations.start(
                .instanceUpdate, project: key.project, resources: InstanceResources.of([key.name]), requestor: requestor
            ) { _ in
                try await instances.put(key, put, by: requestor)
            })
    }

    private func patch(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let data = try await scope.bodyData()
        let patch: InstancePut = try LXDJSON.decode(from: data)
        guard patch.restore.isEmpty else { throw LXDError.badRequest("Can't call PATCH in restore mode") }
        let fields = try Self.fields(of: data)
        try await instances.patch(
            key, patch, fields: fields, by: scope.requestor, precondition: { try scope.checkETag(InstanceVersion($0)) })
        return .done
    }

    /// Renames an instance, moves it within the server, or lets another server have it.
    private func post(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let data = try await scope.bodyData()
        let request: InstancePost = try LXDJSON.decode(from: data)
        guard scope.target == nil else { throw LXDError.badRequest("Target only allowed when clustered") }
        _ = try await instances.get(key)
        let name = request.name.isEmpty ? key.name : try InstanceName(request.name).rawValue
        let requestor = scope.requestor
        guard request.migration else {
            try await instances.checkNameIsFree(InstanceKey(project: key.project, name: name))
            return try .async(
                operations.start(
                    .instanceRename, project: key.project, resources: InstanceResources.of([key.name]), requestor: requestor
                ) { _ in try await instances.rename(key, to: name, by: requestor) })
        }
        // Old clients do not say; they mean the running state too.
        let isLive = try request.live || !Self.has("live", in: data)
        let instanceOnly = request.instanceOnly || request.containerOnly
        guard !request.pool.isEmpty || !request.project.isEmpty else {
            var source = MigrationService.SourceRequest(key)
            source.isLive = isLive
            source.instanceOnly = instanceOnly
            source.isAllowInconsistent = request.allowInconsistent
            source.target = request.target
            return try .async(await migrations.startSending(source, by: requestor))
        }
        let target = InstanceKey(project: request.project.isEmpty ? key.project : request.project, name: name)
        try scope.requireProject(target.project)
        let pool = request.pool.isEmpty ? nil : request.pool
        return try .async(
            operations.start(
                .instanceMigrate, project: key.project, resources: InstanceResources.of([key.name]), isCancellable: true,
                requestor: requestor
            ) { handle in
                try await instances.move(
                    key, to: target, pool: pool, instanceOnly: instanceOnly, isLive: isLive, by: requestor,
                    progress: ProgressSink { handle.progress($0, $1) })
            })
    }

    private func delete(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        guard try await instances.get(key).wire.statusCode == .stopped else { throw LXDError.badRequest("Instance is running") }
        let requestor = scope.requestor
        return try .async(
            operations.start(
                .instanceDelete, project: key.project, resources: InstanceResources.of([key.name]), requestor: requestor
            ) { _ in try await instances.delete(key, by: requestor) })
    }

    // MARK: Many at once

    private func changeAll(_ scope: RequestScope) async throws -> Answer {
        let data = try await scope.bodyData()
        let request: InstancesPut = try LXDJSON.decode(from: data)
        let change = try StateChange(request.state ?? InstanceStatePut(), hasTimeout: try Self.has("timeout", in: data, under: "state"))
        let all = try await instances.list(project: scope.project)
        let keys = all.filter { change.applies(to: $0.statusCode) }.map { InstanceKey(project: $0.project, name: $0.name) }
        let requestor = scope.requestor
        return try .async(
            operations.start(
                change.kind, project: scope.project, resources: ["instances": keys.map(\.name)], requestor: requestor
            ) { _ in
                let failures = await withTaskGroup(of: (String, String)?.self, returning: [(String, String)].self) { group in
                    for key in keys {
                        group.addTask {
                            do {
                                try await change.apply(to: key, lifecycle, by: requestor)
                                return nil
                            } catch {
                                return (key.name, LXDError.from(error).message)
                            }
                        }
                    }
                    return await group.reduce(into: [(String, String)]()) { if let failure = $1 { $0.append(failure) } }
                }
                guard failures.isEmpty else {
                    let lines = failures.sorted { $0.0 < $1.0 }.map { " - Instance: \($0.0): \($0.1)\n" }
                    throw LXDError.internalError("The following instances failed to update state:\n" + lines.joined())
                }
            })
    }

    // MARK: Bodies

    /// Whether a JSON object has a field that is not null: Go's nil and empty lists mean different things.
    private static func has(_ field: String, in data: Data, under parent: String? = nil) throws -> Bool {
        try fields(of: data, under: parent).contains(field)
    }

    private static func fields(of data: Data, under parent: String? = nil) throws -> Set<String> {
        var value: JSONValue = try LXDJSON.decode(from: data)
        if let parent, case .object(let object) = value { value = object[parent] ?? .null }
        guard case .object(let object) = value else { return [] }
        return Set(object.filter { $0.value != .null }.keys)
    }
}

extension RequestScope {
    /// The instance a path names.
    ///
    /// - Throws: `badRequest` for a snapshot's name.
    func instanceKey() throws(LXDError) -> InstanceKey {
        let name = try parameter("name")
        guard !name.contains("/") else { throw .badRequest("Invalid instance name") }
        return InstanceKey(project: project, name: name)
    }
}
