public import LXDAPI

extension ServerConnection {
    public func profiles() async throws -> [Profile] { try await get(APIPath("profiles").with("recursion", "1")) }

    public func profileNames() async throws -> [String] { try await names("profiles") }

    public func profile(_ name: String) async throws -> Versioned<Profile> { try await fetch(APIPath("profiles", name)) }

    public func createProfile(_ request: ProfilesPost) async throws { try await change("POST", "profiles", request) }

    public func updateProfile(_ name: String, _ request: ProfilePut, etag: String = "") async throws {
        try await change("PUT", APIPath("profiles", name), request, etag: etag)
    }

    public func renameProfile(_ name: String, to newName: String) async throws {
        try await change("POST", APIPath("profiles", name), ProfilePost.with { $0.name = newName })
    }

    public func deleteProfile(_ name: String) async throws { try await change("DELETE", APIPath("profiles", name)) }
}

extension ServerConnection {
    public func projects() async throws -> [Project] { try await get(APIPath("projects").with("recursion", "1")) }

    public func projectNames() async throws -> [String] { try await names("projects") }

    public func project(_ name: String) async throws -> Versioned<Project> { try await fetch(APIPath("projects", name)) }

    public func projectState(_ name: String) async throws -> ProjectState {
        try await get(APIPath("projects", name, "state"))
    }

    public func createProject(_ request: ProjectsPost) async throws { try await change("POST", "projects", request) }

    public func updateProject(_ name: String, _ request: ProjectPut, etag: String = "") async throws {
        try await change("PUT", APIPath("projects", name), request, etag: etag)
    }

    public func renameProject(_ name: String, to newName: String) async throws -> ServerOperation {
        try await start("POST", APIPath("projects", name), ProjectPost.with { $0.name = newName })
    }

    public func deleteProject(_ name: String) async throws { try await change("DELETE", APIPath("projects", name)) }
}
