import FoundationEssentials
import LXDAPI
package import LXDCore

/// `/1.0/storage-pools`.
package struct StoragePoolRoutes: RouteGroup {
    private let storage: StorageService

    package init(storage: StorageService) { self.storage = storage }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/storage-pools", .authenticated) { scope in
            let all = try await storage.list().map { visible($0, scope) }
            return try scope.isRecursive ? .sync(all) : .sync(all.map { ResourcePath.of("storage-pools", $0.name) })
        }
        routes.post("/1.0/storage-pools", .admin) { scope in
            let request: StoragePoolsPost = try await scope.decode()
            try scope.requireStandalone()
            try await storage.create(request, by: scope.requestor)
            return .created(ResourcePath.of("storage-pools", request.name))
        }
        routes.get("/1.0/storage-pools/{pool}", .authenticated) { scope in
            let pool = try await storage.get(scope.parameter("pool"))
            return try .sync(visible(pool, scope), etag: pool.writable)
        }
        routes.get("/1.0/storage-pools/{pool}/resources", .authenticated) { scope in
            try .sync(await storage.resources(scope.parameter("pool")))
        }
        routes.put("/1.0/storage-pools/{pool}", .admin) { scope in
            let put: StoragePoolPut = try await scope.decode()
            return try await update(scope) { _ in put }
        }
        routes.patch("/1.0/storage-pools/{pool}", .admin) { scope in
            let patch = try await scope.bodyData()
            return try await update(scope) { pool in
                var put: StoragePoolPut = try LXDJSON.merge(patch: patch, into: pool.writable)
                put.config = pool.config.merging(put.config) { $1 }
                return put
            }
        }
        routes.delete("/1.0/storage-pools/{pool}", .admin) { scope in
            try await storage.delete(scope.parameter("pool"), by: scope.requestor)
            return .done
        }
    }

    private func update(
        _ scope: RequestScope, _ change: @escaping @Sendable (StoragePool) throws -> StoragePoolPut
    ) async throws -> Answer {
        try await storage.update(
            scope.parameter("pool"), by: scope.requestor, precondition: { try scope.checkETag($0.writable) }, change)
        return .done
    }

    /// A pool's configuration may hold paths and secrets of the host: for administrators.
    private func visible(_ pool: StoragePool, _ scope: RequestScope) -> StoragePool {
        guard !scope.caller.isAdmin else { return pool }
        var pool = pool
        pool.config = [:]
        pool.usedBy = scope.visibleUsers(pool.usedBy)
        return pool
    }
}
