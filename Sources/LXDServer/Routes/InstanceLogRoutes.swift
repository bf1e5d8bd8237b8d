package import LXDCore
internal import LXDHTTP

/// `/1.0/instances/{name}/logs`.
package struct InstanceLogRoutes: RouteGroup {
    private let logs: InstanceLogService

    package init(logs: InstanceLogService) { self.logs = logs }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/instances/{name}/logs", .project) { scope in try .sync(logs.list(scope.instanceKey())) }
        routes.get("/1.0/instances/{name}/logs/{file}", .project) { scope in
            let file = try scope.parameter("file")
            let bytes = try await logs.read(scope.instanceKey(), file, by: scope.requestor)
            return .file(named: file, length: bytes.count) { try await $0.write(bytes) }
        }
        routes.delete("/1.0/instances/{name}/logs/{file}", .project) { scope in
            try await logs.remove(scope.instanceKey(), scope.parameter("file"), by: scope.requestor)
            return .done
        }
    }
}
