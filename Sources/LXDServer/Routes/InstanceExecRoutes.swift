internal import LXDAPI
package import LXDCore
internal import LXDHTTP

/// `/1.0/instances/{name}/exec` and `/console`.
package struct InstanceExecRoutes: RouteGroup {
    private let exec: ExecService
    private let console: ConsoleService

    package init(exec: ExecService, console: ConsoleService) {
        self.exec = exec
        self.console = console
    }

    package func register(on routes: inout RouteTable) {
        routes.post("/1.0/instances/{name}/exec", .project) { scope in
            let key = try scope.instanceKey()
            return try .async(try await exec.exec(key, scope.decode(), by: scope.requestor))
        }
        routes.post("/1.0/instances/{name}/console", .project) { scope in
            let key = try scope.instanceKey()
            return try .async(try await console.attach(key, scope.decode(), by: scope.requestor))
        }
        routes.get("/1.0/instances/{name}/console", .project) { scope in
            let bytes = try await console.log(scope.instanceKey(), by: scope.requestor)
            return .file(named: "", length: bytes.count) { try await $0.write(bytes) }
        }
        routes.delete("/1.0/instances/{name}/console", .project) { scope in
            try await console.clearLog(scope.instanceKey(), by: scope.requestor)
            return .done
        }
    }
}
