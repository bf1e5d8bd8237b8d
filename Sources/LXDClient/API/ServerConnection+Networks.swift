public import LXDAPI

extension ServerConnection {
    public func networks() async throws -> [Network] { try await get(APIPath("networks").with("recursion", "1")) }

    public func networkNames() async throws -> [String] { try await names("networks") }

    public func network(_ name: String) async throws -> Versioned<Network> { try await fetch(APIPath("networks", name)) }

    public func networkState(_ name: String) async throws -> NetworkState {
        try await get(APIPath("networks", name, "state"))
    }

    public func networkLeases(_ name: String) async throws -> [NetworkLease] {
        try await get(APIPath("networks", name, "leases"))
    }

    public func createNetwork(_ request: NetworksPost) async throws { try await change("POST", "networks", request) }

    public func updateNetwork(_ name: String, _ request: NetworkPut, etag: String = "") async throws {
        try await change("PUT", APIPath("networks", name), request, etag: etag)
    }

    public func renameNetwork(_ name: String, to newName: String) async throws {
        try await change("POST", APIPath("networks", name), NetworkPost.with { $0.name = newName })
    }

    public func deleteNetwork(_ name: String) async throws { try await change("DELETE", APIPath("networks", name)) }
}
