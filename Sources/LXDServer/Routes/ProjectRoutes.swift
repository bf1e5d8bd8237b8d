import FoundationEssentials
import LXDAPI
package import LXDCore

/// `/1.0/projects`.
package struct ProjectRoutes: RouteGroup {
    private let projects: ProjectService
    private let operations: Operations

    package init(projects: ProjectService, operations: Operations) {
        self.projects = projects
        self.operations = operations
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/projects", .authenticated) { scope in
            let all = try await projects.list().filter { scope.caller.mayUse(project: $0.name) }
            return try scope.isRecursive ? .sync(all) : .sync(all.map { ResourcePath.of("projects", $0.name) })
        }
        routes.post("/1.0/projects", .admin) { scope in
            let request: ProjectsPost = try await scope.decode()
            try await projects.create(request, by: scope.requestor)
            return .created(ResourcePath.of("projects", request.name))
        }
        routes.get("/1.0/projects/{name}", .authenticated) { scope in
            let name = try scope.parameter("name")
            try scope.requireProject(name)
            let project = try await projects.get(name)
            return try .sync(project, etag: project.writable)
        }
        routes.get("/1.0/projects/{name}/state", .authenticated) { scope in
            let name = try scope.parameter("name")
            try scope.requireProject(name)
            return try .sync(await projects.state(name))
        }
        routes.put("/1.0/projects/{name}", .admin) { scope in
            let put: ProjectPut = try await scope.decode()
            return try await update(scope) { _ in put }
        }
        routes.patch("/1.0/projects/{name}", .admin) { scope in
            let patch = try await scope.bodyData()
            return try await update(scope) { project in
                var put: ProjectPut = try LXDJSON.merge(patch: patch, into: project.writable)
                put.config = project.config.merging(put.config) { $1 }
                return put
            }
        }
        routes.post("/1.0/projects/{name}", .admin) { scope in
            let name = try scope.parameter("name")
            let request: ProjectPost = try await scope.decode()
            guard name != "default" else { throw LXDError.forbidden("The 'default' project cannot be renamed") }
            let requestor = scope.requestor
            return try .async(
                operations.start(.projectRename, project: "", requestor: requestor) { _ in
                    try await projects.rename(name, to: request.name, by: requestor)
                })
        }
        routes.delete("/1.0/projects/{name}", .admin) { scope in
            try await projects.delete(scope.parameter("name"), by: scope.requestor)
            return .done
        }
    }

    private func update(
        _ scope: RequestScope, _ change: @escaping @Sendable (Project) throws -> ProjectPut
    ) async throws -> Answer {
        try await projects.update(
            scope.parameter("name"), by: scope.requestor, precondition: { try scope.checkETag($0.writable) }, change)
        return .done
    }
}
