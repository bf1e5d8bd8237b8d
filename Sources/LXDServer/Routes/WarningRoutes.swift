import LXDAPI
package import LXDCore

/// `/1.0/warnings`.
package struct WarningRoutes: RouteGroup {
    private let warnings: WarningService

    package init(warnings: WarningService) { self.warnings = warnings }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/warnings", .admin) { scope in
            let filter = try scope.parsedFilter("Failed to filter warnings")
            var all = try await warnings.list(project: scope.query["project"])
            if let filter { all = try all.filter { try filter.matches($0) } }
            return try scope.isRecursive ? .sync(all) : .sync(all.map { ResourcePath.of("warnings", $0.uuid) })
        }
        routes.get("/1.0/warnings/{uuid}", .admin) { scope in
            try .sync(await warnings.get(scope.parameter("uuid")))
        }
        routes.put("/1.0/warnings/{uuid}", .admin, update)
        routes.patch("/1.0/warnings/{uuid}", .admin, update)
        routes.delete("/1.0/warnings/{uuid}", .admin) { scope in
            try await warnings.delete(scope.parameter("uuid"), by: scope.requestor)
            return .done
        }
    }

    private func update(_ scope: RequestScope) async throws -> Answer {
        try await warnings.update(scope.parameter("uuid"), scope.decode(), by: scope.requestor)
        return .done
    }
}
