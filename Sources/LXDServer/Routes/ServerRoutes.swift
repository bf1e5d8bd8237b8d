import LXDAPI
package import LXDCore

/// `/1.0` and `/1.0/resources`.
package struct ServerRoutes: RouteGroup {
    private let server: ServerService
    private let resources: HostResources

    package init(server: ServerService, resources: HostResources) {
        self.server = server
        self.resources = resources
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0", .everybody) { scope in
            guard scope.caller.isTrusted else { return try .sync(server.untrusted()) }
            let whole = try await server.get(project: scope.project, withConfig: scope.caller.isAdmin)
            return try .sync(whole, etag: whole.config)
        }
        routes.put("/1.0", .admin) { try await update($0, isPatch: false) }
        routes.patch("/1.0", .admin) { try await update($0, isPatch: true) }
        routes.get("/1.0/resources", .authenticated) { _ in
            let resources = resources
            return try .sync(await BlockingWork.run { resources.report() })
        }
    }

    private func update(_ scope: RequestScope, isPatch: Bool) async throws -> Answer {
        let put: ServerPut = try await scope.decode()
        try await server.update(put, isPatch: isPatch, by: scope.requestor) { try scope.checkETag($0) }
        return .done
    }
}
