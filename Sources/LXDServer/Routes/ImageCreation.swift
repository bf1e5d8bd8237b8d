import FoundationEssentials
import LXDAPI
import LXDCore
import LXDHTTP
import NIOCore

/// `POST /1.0/images`: an upload, or a request to make an image of something.
extension ImageRoutes {
    /// The project's own users may do all of it; whoever has a secret for one image may send that image.
    func create(_ scope: RequestScope) async throws -> Answer {
        let expected = try takeSecret(
            scope.header("X-LXD-secret") ?? "", of: scope.header("X-LXD-fingerprint") ?? "", project: scope.project)
        guard expected != nil || scope.caller.mayUse(project: scope.project) else { throw LXDError.forbidden() }
        let body = scope.request.body
        // Archives never begin with a brace, requests in JSON always do: clients do not all name the type.
        var first = try await body.next()
        while let chunk = first, chunk.readableBytes == 0 { first = try await body.next() }
        guard let first else { throw LXDError.badRequest("EOF: the request has no body") }
        if first.readableBytesView.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            try scope.requireProject(scope.project)
            body.limit(toBytes: RequestScope.jsonBytesMax)
            var text = Data(first.readableBytesView)
            while let chunk = try await body.next() { text.append(contentsOf: chunk.readableBytesView) }
            return try await createFrom(LXDJSON.decode(ImagesPost.self, from: text), scope)
        }
        return try await upload(scope, first, expected)
    }

    /// - Parameter expected: What was said of the image when the secret was asked for.
    private func upload(_ scope: RequestScope, _ first: ByteBuffer, _ expected: [String: JSONValue]?) async throws
        -> Answer
    {
        var request = Self.importRequest(scope)
        try expected.map { try Self.apply($0, to: &request) }
        let wanted = request
        let chunks = BodyChunks(first: first, body: scope.request.body)
        let upload = try await images.receive(
            contentType: scope.header("Content-Type") ?? "", fileName: scope.header("X-LXD-filename") ?? "",
            project: scope.project
        ) { try await chunks.next() }
        let requestor = scope.requestor
        do {
            // Who is not trusted waits for the operation with a secret of its own.
            let metadata: [String: JSONValue] = expected == nil ? [:] : ["secret": .string(Operations.newSecret())]
            return try .async(
                operations.start(.imageDownload, project: scope.project, metadata: metadata, requestor: requestor) {
                    handle in
                    let image = try await images.add(upload, wanted, by: requestor)
                    handle.update(["fingerprint": .string(image.fingerprint), "size": .string(String(image.size))])
                })
        } catch {
            images.discard(upload)
            throw error
        }
    }

    private static func apply(_ expected: [String: JSONValue], to request: inout ImageImport) throws {
        request.isPublic = expected["public"]?.boolValue ?? false
        request.aliases = try expected["aliases"]?.decode() ?? []
        request.expiresAt = try expected["expires_at"]?.decode()
        // Nothing said is not the same as nothing wanted: the image then speaks for itself.
        let properties: [String: String] = try expected["properties"]?.decode() ?? [:]
        if !properties.isEmpty { request.replacedProperties = properties }
    }

    /// What an upload's headers say.
    private static func importRequest(_ scope: RequestScope) -> ImageImport {
        var request = ImageImport()
        request.project = scope.project
        request.isPublic = isTrue(scope.header("X-LXD-public"))
        request.fingerprint = scope.header("X-LXD-fingerprint") ?? ""
        let properties = QueryItems(Substring(scope.header("X-LXD-properties") ?? ""))
        for (name, value) in properties.all where request.properties[name] == nil { request.properties[name] = value }
        return request
    }

    private func createFrom(_ request: ImagesPost, _ scope: RequestScope) async throws -> Answer {
        guard let source = request.source else { throw LXDError.badRequest("Invalid images JSON") }
        if source.mode == "push" { return try expect(request, source, scope) }
        switch source.type {
        case "container", "instance", "virtual-machine", "snapshot": return try publish(request, source, scope)
        case "image": return try await fetch(request, source, scope)
        case "url": return try await fetchFromURL(request, source, scope)
        default: throw LXDError.internalError("Invalid images JSON")
        }
    }

    private func publish(_ request: ImagesPost, _ source: ImagesPostSource, _ scope: RequestScope) throws -> Answer {
        guard !source.name.isEmpty else { throw LXDError.badRequest("No source provided") }
        let (name, snapshot) = splitSnapshotName(source.name)
        if source.type == "snapshot", snapshot == nil { throw LXDError.badRequest("Not a snapshot") }
        if source.type != "snapshot", snapshot != nil { throw LXDError.badRequest("This is a snapshot") }
        let project = scope.project
        let requestor = scope.requestor
        return try .async(
            operations.start(
                .imageDownload, project: project, resources: ["instances": [name]], requestor: requestor
            ) { handle in
                let image = try await publisher.publish(
                    InstanceKey(project: project, name: name), snapshot: snapshot, request, by: requestor,
                    progress: ProgressSink { handle.progress($0, $1) })
                handle.update(["fingerprint": .string(image.fingerprint), "size": .string(String(image.size))])
            })
    }
}

/// A body of which the first chunk was looked at already.
private actor BodyChunks {
    private var first: ByteBuffer?
    private let body: IncomingBody

    init(first: ByteBuffer, body: IncomingBody) {
        self.first = first
        self.body = body
    }

    func next() async throws -> [UInt8]? {
        if let chunk = first {
            first = nil
            return Array(chunk.readableBytesView)
        }
        do {
            return try await body.next().map { Array($0.readableBytesView) }
        } catch let error as HTTPTransportError {
            throw error.asLXDError
        }
    }
}
