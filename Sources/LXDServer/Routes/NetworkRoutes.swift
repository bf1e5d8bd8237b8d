import FoundationEssentials
import LXDAPI
package import LXDCore

/// `/1.0/networks`.
package struct NetworkRoutes: RouteGroup {
    private let networks: NetworkService

    package init(networks: NetworkService) { self.networks = networks }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/networks", .project) { scope in
            let all = try await networks.list(project: scope.project).map { visible($0, scope) }
            return try scope.isRecursive ? .sync(all) : .sync(all.map { "/1.0/networks/" + ResourcePath.escaped($0.name) })
        }
        routes.post("/1.0/networks", .project) { scope in
            try scope.requireStandalone()
            return .created(try await networks.create(project: scope.project, scope.decode(), by: scope.requestor))
        }
        routes.get("/1.0/networks/{name}", .project) { scope in
            let network = try await networks.get(project: scope.project, name: scope.parameter("name"))
            return try .sync(visible(network, scope), etag: NetworkVersion(network))
        }
        routes.get("/1.0/networks/{name}/state", .project) { scope in
            try .sync(await networks.state(project: scope.project, name: scope.parameter("name")))
        }
        routes.get("/1.0/networks/{name}/leases", .project) { scope in
            try .sync(await networks.leases(project: scope.project, name: scope.parameter("name")))
        }
        routes.put("/1.0/networks/{name}", .project) { scope in
            let put: NetworkPut = try await scope.decode()
            return try await update(scope) { _ in put }
        }
        routes.patch("/1.0/networks/{name}", .project) { scope in
            let patch = try await scope.bodyData()
            return try await update(scope) { network in
                var put: NetworkPut = try LXDJSON.merge(patch: patch, into: network.writable)
                put.config = network.config.merging(put.config) { $1 }
                return put
            }
        }
        routes.post("/1.0/networks/{name}", .project) { scope in
            let request: NetworkPost = try await scope.decode()
            return .created(
                try await networks.rename(
                    project: scope.project, name: scope.parameter("name"), to: request.name, by: scope.requestor))
        }
        routes.delete("/1.0/networks/{name}", .project) { scope in
            try await networks.delete(project: scope.project, name: scope.parameter("name"), by: scope.requestor)
            return .done
        }
    }

    private func update(
        _ scope: RequestScope, _ change: @escaping @Sendable (Network) throws -> NetworkPut
    ) async throws -> Answer {
        try await networks.update(
            project: scope.project, name: scope.parameter("name"), by: scope.requestor,
            precondition: { try scope.checkETag(NetworkVersion($0)) }, change)
        return .done
    }

    private func visible(_ network: Network, _ scope: RequestScope) -> Network {
        guard !scope.caller.isAdmin else { return network }
        var network = network
        network.config = [:]
        network.usedBy = scope.visibleUsers(network.usedBy)
        return network
    }
}

/// The part of a network that a change is based on.
private struct NetworkVersion: Encodable {
    let name: String
    let managed: Bool
    let type: String
    let description: String
    let config: [String: String]

    init(_ network: Network) {
        name = network.name
        managed = network.managed
        type = network.type
        description = network.description
        config = network.config
    }
}
