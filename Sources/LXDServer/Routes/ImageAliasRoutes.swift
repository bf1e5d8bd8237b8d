import FoundationEssentials
import LXDAPI
package import LXDCore

/// `/1.0/images/aliases`.
package struct ImageAliasRoutes: RouteGroup {
    private let images: ImageService

    package init(images: ImageService) { self.images = images }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/images/aliases", .project) { scope in
            let all = try await images.aliases(project: scope.project)
            return try scope.isRecursive
                ? .sync(all) : .sync(all.map { ResourcePath.of("images", "aliases", $0.name) })
        }
        routes.post("/1.0/images/aliases", .project) { scope in
            .created(try await images.createAlias(project: scope.project, scope.decode(), by: scope.requestor))
        }
        routes.get("/1.0/images/aliases/{name...}", .everybody) { scope in
            let alias = try await images.alias(
                project: scope.project, name: scope.parameter("name"),
                publicOnly: !scope.caller.mayUse(project: scope.project))
            return try .sync(alias, etag: alias)
        }
        routes.put("/1.0/images/aliases/{name...}", .project) { scope in
            let put: ImageAliasesEntryPut = try await scope.decode()
            return try await update(scope) { _ in put }
        }
        routes.patch("/1.0/images/aliases/{name...}", .project) { scope in
            let patch = try await scope.bodyData()
            return try await update(scope) { try LXDJSON.merge(patch: patch, into: $0.writable) }
        }
        routes.post("/1.0/images/aliases/{name...}", .project) { scope in
            let request: ImageAliasesEntryPost = try await scope.decode()
            return .created(
                try await images.renameAlias(
                    project: scope.project, name: scope.parameter("name"), to: request.name, by: scope.requestor))
        }
        routes.delete("/1.0/images/aliases/{name...}", .project) { scope in
            try await images.deleteAlias(project: scope.project, name: scope.parameter("name"), by: scope.requestor)
            return .done
        }
    }

    private func update(
        _ scope: RequestScope, _ change: @escaping @Sendable (ImageAliasesEntry) throws -> ImageAliasesEntryPut
    ) async throws -> Answer {
        try await images.updateAlias(
            project: scope.project, name: scope.parameter("name"), by: scope.requestor,
            precondition: { try scope.checkETag($0) }, change)
        return .done
    }
}
