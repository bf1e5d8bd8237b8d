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
            let image = try await visibleImage(scope).image
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
        routes.post("/1.0/images/{fingerprint}/export", .project, push)
        routes.post("/1.0/images/{fingerprint}/secret", .project, secret)
        routes.post("/1.0/images/{fingerprint}/refresh", .project, refresh)
    }

    // MARK: Reading

    private func list(_ scope: RequestScope) async throws -> Answer {
        let filter = try scope.parsedFilter("Invalid filter")
        let isMember = scope.caller.mayUse(project: scope.project)
        var all: [Image]
        do {
            all = try await images.list(project: scope.project, publicOnly: !isMember)
        } catch let error as LXDError where error.code == .notFound && !isMember {
            // Of a project that is not there strangers see as much as of one that is not theirs.
            all = []
        }
        if let filter { all = try all.filter { try filter.matches($0) } }
        return try scope.isRecursive ? .sync(all) : .sync(all.map { ResourcePath.of("images", $0.fingerprint) })
    }

    /// The image a path names, if the caller may see it: by right, because it is public, or by a secret, whose token is
    /// given too. What is hidden, what is missing and what is of no project get the same answer.
    private func visibleImage(_ scope: RequestScope) async throws -> (image: Image, token: String?) {
        let name = try scope.parameter("fingerprint")
        if scope.caller.mayUse(project: scope.project) {
            return (try await images.get(project: scope.project, prefix: name), nil)
        }
        do {
            if let token = findSecret(scope.query["secret"] ?? "", of: name, project: scope.project) {
                return (try await images.get(project: scope.project, prefix: name), token.id)
            }
            return (try await images.get(project: scope.project, prefix: name, publicOnly: true), nil)
        } catch let error as LXDError where error.code == .notFound || error.code == .badRequest {
            throw LXDError.notFound("Image not found")
        }
    }

    private func export(_ scope: RequestScope) async throws -> Answer {
        let (image, token) = try await visibleImage(scope)
        let files = try await images.export(image)
        images.announceExport(image, project: scope.project, by: scope.requestor)
        if files.count == 1, let file = files.first {
            return .file(named: file.fileName, length: Int(file.size)) { writer in
                try await FileStream.copy(file.path, to: writer)
                spendSecret(token)
            }
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
            spendSecret(token)
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
