import FoundationEssentials
import LXDAPI
package import LXDCore

/// `/1.0/profiles`.
package struct ProfileRoutes: RouteGroup {
    private let profiles: ProfileService

    package init(profiles: ProfileService) { self.profiles = profiles }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/profiles", .project) { scope in
            let all = try await profiles.list(project: scope.project)
            if scope.isRecursive { return try .sync(all.map { visible($0, scope) }) }
            let project = try await profiles.home(of: scope.project)
            return try .sync(all.map { ResourcePath.of("profiles", $0.name, project: project) })
        }
        routes.post("/1.0/profiles", .project) { scope in
            .created(try await profiles.create(project: scope.project, scope.decode(), by: scope.requestor))
        }
        routes.get("/1.0/profiles/{name}", .project) { scope in
            let profile = try await profiles.get(project: scope.project, name: scope.parameter("name"))
            return try .sync(visible(profile, scope), etag: profile.writable)
        }
        routes.put("/1.0/profiles/{name}", .project) { scope in
            let put: ProfilePut = try await scope.decode()
            return try await update(scope) { _ in put }
        }
        routes.patch("/1.0/profiles/{name}", .project) { scope in
            let patch = try await scope.bodyData()
            return try await update(scope) { profile in
                var put: ProfilePut = try LXDJSON.merge(patch: patch, into: profile.writable)
                put.config = profile.config.merging(put.config) { $1 }
                put.devices = profile.devices.merging(put.devices) { $1 }
                return put
            }
        }
        routes.post("/1.0/profiles/{name}", .project) { scope in
            let request: ProfilePost = try await scope.decode()
            return .created(
                try await profiles.rename(
                    project: scope.project, name: scope.parameter("name"), to: request.name, by: scope.requestor))
        }
        routes.delete("/1.0/profiles/{name}", .project) { scope in
            try await profiles.delete(project: scope.project, name: scope.parameter("name"), by: scope.requestor)
            return .done
        }
    }

    /// Without the users in projects that the caller may not know of.
    private func visible(_ profile: Profile, _ scope: RequestScope) -> Profile {
        var profile = profile
        profile.usedBy = scope.visibleUsers(profile.usedBy)
        return profile
    }

    private func update(
        _ scope: RequestScope, _ change: @escaping @Sendable (Profile) throws -> ProfilePut
    ) async throws -> Answer {
        try await profiles.update(
            project: scope.project, name: scope.parameter("name"), by: scope.requestor,
            precondition: { try scope.checkETag($0.writable) }, change)
        return .done
    }
}
