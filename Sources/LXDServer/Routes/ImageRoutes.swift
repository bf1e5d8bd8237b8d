import FoundationEssentials
import LXDAPI
package import LXDCore
import LXDHTTP
import NIOCore

/// `/1.0/images`.
package struct ImageRoutes: RouteGroup {
    let images: ImageService
    let publisher: ImagePublisher
    let operations: Operations

    package init(images: ImageService, publisher: ImagePublisher, operations: Operations) {
        self.images = images
        self.publisher = publisher
        self.operations = operations
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/images", .everybody, list)
        routes.post("/1.0/images", .everybody, bodyBytesMax: .max, create)
        routes.get("/1.0/images/{fingerprint}", .everybody) { scope in
            let image = try await visibleImage(scope)
            return try .sync(image, etag: ImageVersion(image))
        }
        routes.put("/1.0/images/{fingerprint}", .project) { scope in
            let put: ImagePut = try await scope.decode()
            return try await update(scope) { _ in put }
        }
        routes.patch("/1.0/images/{fingerprint}", .project) { scope in
            let patch = try await scope.bodyData()
            return try await update(scope) { image in
                var put: ImagePut = try LXDJSON.merge(patch: patch, into: image.writable)
                put.properties = image.properties.merging(put.properties) { $1 }
                return put
            }
        }
        routes.delete("/1.0/images/{fingerprint}", .project, delete)
        routes.get("/1.0/images/{fingerprint}/export", .everybody, export)
        routes.post("/1.0/images/{fingerprint}/export", .project) { _ in
            throw LXDError.notImplemented("Pushing an image to another server is not supported by this server")
        }
        routes.post("/1.0/images/{fingerprint}/secret", .project, secret)
        routes.post("/1.0/images/{fingerprint}/refresh", .project, refresh)
    }

    // MARK: Reading

    private func list(_ scope: RequestScope) async throws -> Answer {
        let filter = try scope.parsedFilter("Invalid filter")
        var all = try await images.list(
            project: scope.project, publicOnly: !scope.caller.mayUse(project: scope.project))
        if let filter { all = try all.filter { try filter.matches($0) } }
        return try scope.isRecursive ? .sync(all) : .sync(all.map { ResourcePath.of("images", $0.fingerprint) })
    }

    /// The image a path names, if the caller may see it: by right, because it is public, or by a secret.
    private func visibleImage(_ scope: RequestScope) async throws -> Image {
        let image = try await images.get(project: scope.project, prefix: scope.parameter("fingerprint"))
        if image.public || scope.caller.mayUse(project: scope.project) { return image }
        guard try useSecret(scope.query["secret"] ?? "", of: image.fingerprint, project: scope.project) else {
            throw LXDError.notFound("Image not found")
        }
        return image
    }

    /// Whether a secret opens an image; it does so once.
    private func useSecret(_ secret: String, of fingerprint: String, project: String) throws -> Bool {
        guard !secret.isEmpty else { return false }
        let path = "/1.0/images/\(fingerprint)"
        for token in operations.tokens(.imageToken) where token.resources["images"]?.contains(path) == true {
            guard token.metadata["secret"]?.stringValue == secret else { continue }
            try operations.cancel(id: token.id)
            return true
        }
        return false
    }

    private func export(_ scope: RequestScope) async throws -> Answer {
        let image = try await visibleImage(scope)
        let files = try await images.export(image)
        images.announceExport(image, project: scope.project, by: scope.requestor)
        if files.count == 1, let file = files.first {
            return .file(named: file.fileName, length: Int(file.size)) { try await FileStream.copy(file.path, to: $0) }
        }
        let boundary = Operations.newSecret()
        var parts: [(head: String, file: ImageExportFile)] = []
        for file in files {
            let head = """
                \(parts.isEmpty ? "" : "\r\n")--\(boundary)\r
                Content-Disposition: form-data; name="\(file.partName)"; filename="\(file.fileName)"\r
                Content-Type: application/octet-stream\r
                \r

                """
            parts.append((head, file))
        }
        let end = "\r\n--\(boundary)--\r\n"
        let length = parts.reduce(end.utf8.count) { $0 + $1.head.utf8.count + Int($1.file.size) }
        let all = parts
        return .file(
            named: nil, length: length, headers: ["Content-Type": "multipart/form-data; boundary=\(boundary)"]
        ) { writer in
            for part in all {
                try await writer.write(ByteBuffer(string: part.head))
                try await FileStream.copy(part.file.path, to: writer)
            }
            try await writer.write(ByteBuffer(string: end))
        }
    }

    // MARK: Changing

    private func update(
        _ scope: RequestScope, _ change: @escaping @Sendable (Image) throws -> ImagePut
    ) async throws -> Answer {
        try await images.update(
            project: scope.project, prefix: scope.parameter("fingerprint"), by: scope.requestor,
            precondition: { try scope.checkETag(ImageVersion($0)) }, change)
        return .done
    }

    private func delete(_ scope: RequestScope) async throws -> Answer {
        let image = try await images.get(project: scope.project, prefix: scope.parameter("fingerprint"))
        let project = scope.project
        let requestor = scope.requestor
        return try .async(
            operations.start(
                .imageDelete, project: project, resources: ["images": [image.fingerprint]], requestor: requestor
            ) { _ in try await images.delete(project: project, fingerprint: image.fingerprint, by: requestor) })
    }

    private func secret(_ scope: RequestScope) async throws -> Answer {
        let image = try await images.get(project: scope.project, prefix: scope.parameter("fingerprint"))
        return try .async(
            operations.addToken(
                .imageToken, project: scope.project, resources: ["images": [image.fingerprint]],
                metadata: ["secret": .string(Operations.newSecret())], requestor: scope.requestor))
    }

    /// Only images that were fetched from a server can be refreshed; of others there is nothing newer.
    private func refresh(_ scope: RequestScope) async throws -> Answer {
        let image = try await images.get(project: scope.project, prefix: scope.parameter("fingerprint"))
        guard image.updateSource == nil else {
            throw LXDError.notImplemented("Refreshing an image from another server is not supported by this server")
        }
        return try .async(
            operations.start(.imageRefresh, project: scope.project, requestor: scope.requestor) { handle in
                handle.update(["refreshed": false])
            })
    }
}

/// The part of an image that a change is based on.
private struct ImageVersion: Encodable {
    let isPublic: Bool
    let autoUpdate: Bool
    let properties: [String: String]

    init(_ image: Image) {
        isPublic = image.public
        autoUpdate = image.autoUpdate
        properties = image.properties
    }
}
