public import LXDAPI

extension ServerConnection {
    public func server() async throws -> Versioned<Server> { try await fetch(APIPath([])) }

    public func updateServer(_ request: ServerPut, etag: String = "") async throws {
        try await change("PUT", APIPath([]), request, etag: etag)
    }

    public func resources() async throws -> Resources { try await get("resources") }

    public func operations(allProjects: Bool = false) async throws -> [String: [Operation]] {
        try await get(listPath("operations", recursion: 1, allProjects: allProjects, filter: ""))
    }

    public func operation(_ id: String) async throws -> Operation { try await get(APIPath("operations", id)) }

    /// Asks for an operation to stop.
    public func cancelOperation(_ id: String) async throws { try await change("DELETE", APIPath("operations", id)) }

    public func warnings(allProjects: Bool = false) async throws -> [Warning] {
        try await get(listPath("warnings", recursion: 1, allProjects: allProjects, filter: ""))
    }

    public func warning(_ uuid: String) async throws -> Versioned<Warning> { try await fetch(APIPath("warnings", uuid)) }

    public func updateWarning(_ uuid: String, _ request: WarningPut, etag: String = "") async throws {
        try await change("PUT", APIPath("warnings", uuid), request, etag: etag)
    }

    public func deleteWarning(_ uuid: String) async throws { try await change("DELETE", APIPath("warnings", uuid)) }
}

extension ServerConnection {
    public func certificates() async throws -> [Certificate] {
        try await get(APIPath("certificates").with("recursion", "1"))
    }

    public func certificate(_ fingerprint: String) async throws -> Versioned<Certificate> {
        try await fetch(APIPath("certificates", fingerprint))
    }

    public func createCertificate(_ request: CertificatesPost) async throws {
        try await change("POST", "certificates", request)
    }

    /// Asks for a token with which a client may add its own certificate.
    public func createCertificateToken(_ request: CertificatesPost) async throws -> ServerOperation {
        try await start("POST", "certificates", request)
    }

    public func updateCertificate(_ fingerprint: String, _ request: CertificatePut, etag: String = "") async throws {
        try await change("PUT", APIPath("certificates", fingerprint), request, etag: etag)
    }

    public func deleteCertificate(_ fingerprint: String) async throws {
        try await change("DELETE", APIPath("certificates", fingerprint))
    }
}
