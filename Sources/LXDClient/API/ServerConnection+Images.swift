public import LXDAPI

extension ServerConnection {
    public func images(filter: String = "") async throws -> [Image] {
        try await get(listPath("images", recursion: 1, allProjects: false, filter: filter))
    }

    public func image(_ fingerprint: String) async throws -> Versioned<Image> {
        try await fetch(APIPath("images", fingerprint))
    }

    /// A private image seen with a secret that its server gave out.
    public func image(_ fingerprint: String, secret: String) async throws -> Versioned<Image> {
        try await fetch(APIPath("images", fingerprint).with("secret", secret))
    }

    public func updateImage(_ fingerprint: String, _ image: ImagePut, etag: String) async throws {
        try await change("PUT", APIPath("images", fingerprint), image, etag: etag)
    }

    public func createImage(_ request: some Encodable & Sendable) async throws -> ServerOperation {
        try await start("POST", "images", request)
    }

    /// Sends the files of an image.
    public func createImage(_ body: UploadBody, headers: [(String, String)]) async throws -> ServerOperation {
        try await upload("POST", "images", body, headers: headers)
    }

    public func refreshImage(_ fingerprint: String) async throws -> ServerOperation {
        try await start("POST", APIPath("images", fingerprint, "refresh"))
    }

    public func deleteImage(_ fingerprint: String) async throws -> ServerOperation {
        try await start("DELETE", APIPath("images", fingerprint))
    }

    /// Asks for a secret with which another server may fetch a private image.
    public func imageSecret(_ fingerprint: String) async throws -> String {
        let operation = try await start("POST", APIPath("images", fingerprint, "secret"))
        guard let secret = operation.initial.metadata["secret"]?.stringValue else {
            throw LXDError.internalError("The server gave no secret for the image")
        }
        return secret
    }

    public func exportImage(_ fingerprint: String) async throws -> Download {
        try await download(APIPath("images", fingerprint, "export"))
    }

    /// Sends an image to another server, by an operation of this one.
    public func pushImage(_ fingerprint: String, _ request: ImageExportPost) async throws -> ServerOperation {
        try await start("POST", APIPath("images", fingerprint, "export"), request)
    }
}

extension ServerConnection {
    public func imageAliases() async throws -> [ImageAliasesEntry] {
        try await get(APIPath("images", "aliases").with("recursion", "1"))
    }

    public func imageAlias(_ name: String) async throws -> Versioned<ImageAliasesEntry> {
        try await fetch(APIPath("images", "aliases", name))
    }

    public func createImageAlias(_ alias: ImageAliasesPost) async throws {
        try await change("POST", "images/aliases", alias)
    }

    public func renameImageAlias(_ name: String, to newName: String) async throws {
        try await change("POST", APIPath("images", "aliases", name), ImageAliasesEntryPost.with { $0.name = newName })
    }

    public func deleteImageAlias(_ name: String) async throws {
        try await change("DELETE", APIPath("images", "aliases", name))
    }
}
