public import LXDAPI

extension ServerConnection {
    public func storagePools() async throws -> [StoragePool] {
        try await get(APIPath("storage-pools").with("recursion", "1"))
    }

    public func storagePoolNames() async throws -> [String] { try await names("storage-pools") }

    public func storagePool(_ name: String) async throws -> Versioned<StoragePool> {
        try await fetch(APIPath("storage-pools", name))
    }

    public func storagePoolResources(_ name: String) async throws -> ResourcesStoragePool {
        try await get(APIPath("storage-pools", name, "resources"))
    }

    public func createStoragePool(_ request: StoragePoolsPost) async throws {
        try await change("POST", "storage-pools", request)
    }

    public func updateStoragePool(_ name: String, _ request: StoragePoolPut, etag: String = "") async throws {
        try await change("PUT", APIPath("storage-pools", name), request, etag: etag)
    }

    public func deleteStoragePool(_ name: String) async throws { try await change("DELETE", APIPath("storage-pools", name)) }
}

extension ServerConnection {
    public func storageVolumes(_ pool: String) async throws -> [StorageVolume] {
        try await get(APIPath("storage-pools", pool, "volumes").with("recursion", "1"))
    }

    public func storageVolume(_ pool: String, _ type: String, _ name: String) async throws -> Versioned<StorageVolume> {
        try await fetch(APIPath("storage-pools", pool, "volumes", type, name))
    }

    public func createStorageVolume(_ pool: String, _ request: StorageVolumesPost) async throws {
        try await change("POST", APIPath("storage-pools", pool, "volumes", request.type), request)
    }

    public func updateStorageVolume(
        _ pool: String, _ type: String, _ name: String, _ request: StorageVolumePut, etag: String = ""
    ) async throws {
        try await change("PUT", APIPath("storage-pools", pool, "volumes", type, name), request, etag: etag)
    }

    public func deleteStorageVolume(_ pool: String, _ type: String, _ name: String) async throws {
        try await change("DELETE", APIPath("storage-pools", pool, "volumes", type, name))
    }
}
