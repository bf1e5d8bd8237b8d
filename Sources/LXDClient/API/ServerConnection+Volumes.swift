public import LXDAPI

extension ServerConnection {
    private func volumePath(_ pool: String, _ type: String, _ name: String, _ rest: String...) -> APIPath {
        APIPath(["storage-pools", pool, "volumes", type, name] + rest)
    }

    public func storageVolumes(_ pool: String, filters: [String], allProjects: Bool) async throws -> [StorageVolume] {
        let path = listPath(
            APIPath("storage-pools", pool, "volumes"), recursion: 1, allProjects: allProjects,
            filter: Self.filter(filters))
        return try await get(path)
    }

    /// `name=web type=custom` as `name eq web and type eq custom`.
    private static func filter(_ words: [String]) -> String {
        words.map { word in
            guard let equals = word.firstIndex(of: "=") else { return word }
            return "\(word[..<equals]) eq \(word[word.index(after: equals)...])"
        }.joined(separator: " and ")
    }

    public func storageVolumeState(_ pool: String, _ type: String, _ name: String) async throws -> StorageVolumeState {
        try await get(volumePath(pool, type, name, "state"))
    }

    public func renameStorageVolume(_ pool: String, _ type: String, _ name: String, to newName: String) async throws {
        try await change("POST", volumePath(pool, type, name), StorageVolumePost.with { $0.name = newName })
    }

    /// Moves a volume to another pool, name or project of the same server.
    public func moveStorageVolume(
        _ pool: String, _ type: String, _ name: String, _ request: StorageVolumePost
    ) async throws -> ServerOperation {
        try await start("POST", volumePath(pool, type, name), request)
    }

    /// Creates a volume from another one of the same server.
    public func copyStorageVolume(_ pool: String, _ request: StorageVolumesPost) async throws -> ServerOperation {
        try await start("POST", APIPath("storage-pools", pool, "volumes", request.type), request)
    }
}

extension ServerConnection {
    public func volumeSnapshots(_ pool: String, _ type: String, _ volume: String) async throws
        -> [StorageVolumeSnapshot]
    {
        try await get(volumePath(pool, type, volume, "snapshots").with("recursion", "1"))
    }

    public func volumeSnapshot(
        _ pool: String, _ type: String, _ volume: String, _ name: String
    ) async throws -> Versioned<StorageVolumeSnapshot> {
        try await fetch(volumePath(pool, type, volume, "snapshots", name))
    }

    public func createVolumeSnapshot(
        _ pool: String, _ type: String, _ volume: String, _ request: StorageVolumeSnapshotsPost
    ) async throws -> ServerOperation {
        try await start("POST", volumePath(pool, type, volume, "snapshots"), request)
    }

    public func updateVolumeSnapshot(
        _ pool: String, _ type: String, _ volume: String, _ name: String, _ request: StorageVolumeSnapshotPut,
        etag: String = ""
    ) async throws {
        try await change("PUT", volumePath(pool, type, volume, "snapshots", name), request, etag: etag)
    }

    public func renameVolumeSnapshot(
        _ pool: String, _ type: String, _ volume: String, _ name: String, to newName: String
    ) async throws -> ServerOperation {
        try await start(
            "POST", volumePath(pool, type, volume, "snapshots", name),
            StorageVolumeSnapshotPost.with { $0.name = newName })
    }

    public func deleteVolumeSnapshot(
        _ pool: String, _ type: String, _ volume: String, _ name: String
    ) async throws -> ServerOperation {
        try await start("DELETE", volumePath(pool, type, volume, "snapshots", name))
    }
}

extension ServerConnection {
    public func volumeBackups(_ pool: String, _ volume: String) async throws -> [StoragePoolVolumeBackup] {
        try await get(volumePath(pool, "custom", volume, "backups").with("recursion", "1"))
    }

    public func createVolumeBackup(
        _ pool: String, _ volume: String, _ request: StoragePoolVolumeBackupsPost
    ) async throws -> ServerOperation {
        try await start("POST", volumePath(pool, "custom", volume, "backups"), request)
    }

    public func deleteVolumeBackup(_ pool: String, _ volume: String, _ name: String) async throws -> ServerOperation {
        try await start("DELETE", volumePath(pool, "custom", volume, "backups", name))
    }

    public func exportVolumeBackup(_ pool: String, _ volume: String, _ name: String) async throws -> Download {
        try await download(volumePath(pool, "custom", volume, "backups", name, "export"))
    }

    public func importVolume(_ pool: String, _ body: UploadBody, name: String) async throws -> ServerOperation {
        try await upload(
            "POST", APIPath("storage-pools", pool, "volumes", "custom"), body,
            headers: name.isEmpty ? [] : [("X-LXD-name", name)])
    }
}
