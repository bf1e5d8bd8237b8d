internal import LXDAPI
package import LXDCore
internal import LXDHTTP

/// `/1.0/operations`: watching, awaiting, cancelling and connecting to long work.
package struct OperationRoutes: RouteGroup {
    private let operations: Operations

    package init(operations: Operations) { self.operations = operations }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/operations", .authenticated, list)
        routes.get("/1.0/operations/{id}", .authenticated, show)
        routes.delete("/1.0/operations/{id}", .authenticated, cancel)
        // Untrusted clients may wait for a token's operation if they know its secret, and connect with a socket's.
        routes.get("/1.0/operations/{id}/wait", .everybody, wait)
        routes.get("/1.0/operations/{id}/websocket", .everybody, connect)
    }

    /// Grouped by status as LXD does: `{"running": [...], "success": [...]}`.
    private func list(_ scope: RequestScope) throws -> Answer {
        if scope.allProjects { try scope.requireAdmin() } else { try scope.requireProject(scope.project) }
        let found = operations.list(project: scope.allProjects ? nil : scope.project, for: Self.reader(scope))
        let groups = Dictionary(grouping: found) { $0.status.lowercased() }
        return scope.isRecursive
            ? try .sync(groups) : try .sync(groups.mapValues { $0.map { "/1.0/operations/\($0.id)" } })
    }

    private func show(_ scope: RequestScope) throws -> Answer {
        try .sync(visible(scope))
    }

    private func cancel(_ scope: RequestScope) throws -> Answer {
        let operation = try visible(scope)
        try operations.cancel(id: operation.id, requestor: scope.requestor)
        return .done
    }

    private func wait(_ scope: RequestScope) async throws -> Answer {
        let id = try scope.parameter("id")
        let secret = scope.query["secret"] ?? ""
        guard scope.caller.isTrusted || !secret.isEmpty else { throw LXDError.forbidden() }
        let seconds = try Self.timeout(scope.query["timeout"])
        if secret.isEmpty {
            _ = try visible(scope)
        } else if try !operations.isSecret(secret, ofToken: id) {
            throw LXDError.forbidden()
        }
        return try .sync(await operations.wait(id: id, atMost: seconds.map { .seconds($0) }))
    }

    private func connect(_ scope: RequestScope) async throws -> Answer {
        let id = try scope.parameter("id")
        guard let secret = scope.query["secret"], !secret.isEmpty else { throw LXDError.badRequest("missing secret") }
        try await operations.mayConnect(id: id, secret: secret)
        return .webSocket(options: PeerSocket.options) { [operations] socket in
            try await operations.serve(id: id, secret: secret, socket: PeerSocket(socket))
        }
    }

    /// An operation of a project the caller may use; others are as if they were not there.
    private func visible(_ scope: RequestScope) throws(LXDError) -> Operation {
        let id = try scope.parameter("id")
        let project = try operations.project(ofOperation: id)
        guard scope.caller.isAdmin || scope.caller.mayUse(project: project.isEmpty ? "default" : project) else {
            throw .notFound("Operation not found")
        }
        return try operations.operation(id: id, for: Self.reader(scope))
    }

    private static func reader(_ scope: RequestScope) -> OperationReader { scope.caller.isAdmin ? .admin : .other }

    /// - Returns: Nil for no bound; LXD takes -1 and nothing for it.
    private static func timeout(_ text: String?) throws(LXDError) -> Int? {
        guard let text, !text.isEmpty else { return nil }
        guard let seconds = Int(text), seconds < 1 << 31 else {
            throw .internalError("strconv.Atoi: parsing \"\(text)\": invalid syntax")
        }
        return seconds < 0 ? nil : seconds
    }
}
