public import LXDAPI

extension ServerConnection {
    public func instances(allProjects: Bool = false, filter: String = "") async throws -> [Instance] {
        try await get(listPath("instances", recursion: 1, allProjects: allProjects, filter: filter))
    }

    /// Instances with their state, snapshots and backups in one request.
    public func instancesFull(allProjects: Bool = false, filter: String = "") async throws -> [InstanceFull] {
        try await get(listPath("instances", recursion: 2, allProjects: allProjects, filter: filter))
    }

    public func instanceNames() async throws -> [String] { try await names("instances") }

    public func instance(_ name: String) async throws -> Versioned<Instance> {
        try await fetch(APIPath("instances", name))
    }

    public func instanceFull(_ name: String) async throws -> InstanceFull {
        try await get(APIPath("instances", name).with("recursion", "1"))
    }

    /// Looks for what keeps an instance from moving while it runs.
    public func checkMigration(of name: String) async throws -> InstanceMigrateCheck {
        try await get(APIPath("instances", name, "migrate-check"))
    }

    public func instanceState(_ name: String) async throws -> InstanceState {
        try await get(APIPath("instances", name, "state"))
    }

    public func createInstance(_ request: some Encodable & Sendable) async throws -> ServerOperation {
        try await start("POST", "instances", request)
    }

    public func updateInstance(_ name: String, _ request: InstancePut, etag: String = "") async throws -> ServerOperation {
        try await start("PUT", APIPath("instances", name), request, etag: etag)
    }

    public func renameInstance(_ name: String, to newName: String) async throws -> ServerOperation {
        try await start("POST", APIPath("instances", name), InstancePost.with { $0.name = newName })
    }

    public func migrateInstance(_ name: String, _ request: InstancePost) async throws -> ServerOperation {
        try await start("POST", APIPath("instances", name), request)
    }

    public func deleteInstance(_ name: String) async throws -> ServerOperation {
        try await start("DELETE", APIPath("instances", name))
    }

    public func changeInstanceState(_ name: String, _ request: InstanceStatePut) async throws -> ServerOperation {
        try await start("PUT", APIPath("instances", name, "state"), request)
    }

    /// Changes the state of all instances of the project.
    public func changeAllInstanceStates(_ request: InstanceStatePut) async throws -> ServerOperation {
        try await start("PUT", "instances", InstancesPut.with { $0.state = request })
    }

    public func importInstance(_ body: UploadBody, name: String, pool: String) async throws -> ServerOperation {
        var headers: [(String, String)] = []
        if !name.isEmpty { headers.append(("X-LXD-name", name)) }
        if !pool.isEmpty { headers.append(("X-LXD-pool", pool)) }
        return try await upload("POST", "instances", body, headers: headers)
    }
}

extension ServerConnection {
    public func snapshots(of instance: String) async throws -> [InstanceSnapshot] {
        try await get(APIPath("instances", instance, "snapshots").with("recursion", "1"))
    }

    public func snapshot(_ name: String, of instance: String) async throws -> Versioned<InstanceSnapshot> {
        try await fetch(APIPath("instances", instance, "snapshots", name))
    }

    public func createSnapshot(_ request: InstanceSnapshotsPost, of instance: String) async throws -> ServerOperation {
        try await start("POST", APIPath("instances", instance, "snapshots"), request)
    }

    public func renameSnapshot(_ name: String, of instance: String, to newName: String) async throws -> ServerOperation {
        try await start(
            "POST", APIPath("instances", instance, "snapshots", name), InstanceSnapshotPost.with { $0.name = newName })
    }

    public func migrateSnapshot(
        _ name: String, of instance: String, _ request: InstanceSnapshotPost
    ) async throws -> ServerOperation {
        try await start("POST", APIPath("instances", instance, "snapshots", name), request)
    }

    public func updateSnapshot(
        _ name: String, of instance: String, _ request: InstanceSnapshotPut, etag: String
    ) async throws -> ServerOperation {
        try await start("PUT", APIPath("instances", instance, "snapshots", name), request, etag: etag)
    }

    public func deleteSnapshot(_ name: String, of instance: String) async throws -> ServerOperation {
        try await start("DELETE", APIPath("instances", instance, "snapshots", name))
    }
}

extension ServerConnection {
    public func createBackup(_ request: InstanceBackupsPost, of instance: String) async throws -> ServerOperation {
        try await start("POST", APIPath("instances", instance, "backups"), request)
    }

    public func deleteBackup(_ name: String, of instance: String) async throws -> ServerOperation {
        try await start("DELETE", APIPath("instances", instance, "backups", name))
    }

    /// The archive of a backup; read the body in pieces.
    public func exportBackup(_ name: String, of instance: String) async throws -> Download {
        try await download(APIPath("instances", instance, "backups", name, "export"))
    }
}

extension ServerConnection {
    public func execute(_ request: InstanceExecPost, in instance: String) async throws -> ServerOperation {
        try await start("POST", APIPath("instances", instance, "exec"), request)
    }

    public func attachConsole(_ request: InstanceConsolePost, of instance: String) async throws -> ServerOperation {
        try await start("POST", APIPath("instances", instance, "console"), request)
    }

    public func consoleLog(of instance: String) async throws -> [UInt8] {
        try await download(APIPath("instances", instance, "console")).collect()
    }

    public func log(_ name: String, of instance: String) async throws -> [UInt8] {
        try await download(APIPath("instances", instance, "logs", name)).collect()
    }

    public func metadata(of instance: String) async throws -> Versioned<ImageMetadata> {
        try await fetch(APIPath("instances", instance, "metadata"))
    }

    public func updateMetadata(of instance: String, _ metadata: ImageMetadata, etag: String) async throws {
        try await change("PUT", APIPath("instances", instance, "metadata"), metadata, etag: etag)
    }

    public func templateNames(of instance: String) async throws -> [String] {
        try await get(APIPath("instances", instance, "metadata", "templates"))
    }

    public func template(_ name: String, of instance: String) async throws -> [UInt8] {
        try await download(APIPath("instances", instance, "metadata", "templates").with("path", name)).collect()
    }

    public func setTemplate(_ name: String, of instance: String, _ content: [UInt8]) async throws {
        try await put(
            "POST", APIPath("instances", instance, "metadata", "templates").with("path", name), .bytes(content), headers: [])
    }

    public func deleteTemplate(_ name: String, of instance: String) async throws {
        try await change("DELETE", APIPath("instances", instance, "metadata", "templates").with("path", name))
    }
}
