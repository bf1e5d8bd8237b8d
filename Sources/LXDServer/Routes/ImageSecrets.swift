internal import LXDAPI
internal import LXDCore

/// Secrets that open one private image, or let one image be sent here: tokens among the operations, good for one use.
extension ImageRoutes {
    /// How long a secret waits to be used.
    private static let secretLifetime = Duration.seconds(86_400)

    /// `POST /1.0/images/F/secret`.
    func secret(_ scope: RequestScope) async throws -> Answer {
        let image = try await images.get(project: scope.project, prefix: scope.parameter("fingerprint"))
        return try addSecret(of: image.fingerprint, [:], scope)
    }

    /// `POST /1.0/images` in mode push: the image is to come from another server.
    func expect(_ request: ImagesPost, _ source: ImagesPostSource, _ scope: RequestScope) throws -> Answer {
        let fingerprint = try Fingerprint(source.fingerprint).rawValue
        return try addSecret(
            of: fingerprint,
            [
                "aliases": try JSONValue(encoding: request.aliases),
                "expires_at": try JSONValue(encoding: request.expiresAt),
                "properties": try JSONValue(encoding: request.properties), "public": .bool(request.public),
            ], scope)
    }

    private func addSecret(of fingerprint: String, _ metadata: [String: JSONValue], _ scope: RequestScope) throws
        -> Answer
    {
        var metadata = metadata
        metadata["secret"] = .string(Operations.newSecret())
        let token = try operations.addToken(
            .imageToken, project: scope.project, resources: ["images": [fingerprint]], metadata: metadata,
            lifetime: Self.secretLifetime, requestor: scope.requestor)
        images.announceSecret(fingerprint, project: scope.project, by: scope.requestor)
        return try .async(token)
    }

    /// The token of a secret that opens an image; asking does not use it up.
    ///
    /// - Parameter fingerprint: The whole of it.
    func findSecret(_ secret: String, of fingerprint: String, project: String) -> Operation? {
        guard !secret.isEmpty else { return nil }
        return operations.tokens(.imageToken).first { token in
            token.resources["images"]?.contains("/1.0/images/\(fingerprint)") == true
                && (try? operations.project(ofOperation: token.id)) == project
                && Self.isSame(token.metadata["secret"]?.stringValue ?? "", secret)
        }
    }

    /// What was said when the secret was made; the secret is used up. Nil for one that opens nothing.
    func takeSecret(_ secret: String, of fingerprint: String, project: String) throws -> [String: JSONValue]? {
        guard let token = findSecret(secret, of: fingerprint, project: project) else { return nil }
        try operations.cancel(id: token.id)
        return token.metadata
    }

    /// Ends a token when the image has been handed out whole: a transfer that was cut may begin anew.
    func spendSecret(_ token: String?) {
        guard let token else { return }
        try? operations.cancel(id: token)  // Somebody else may have used it up at the same time.
    }

    /// Takes as long for wrong secrets that begin rightly as for others.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        guard one.utf8.count == other.utf8.count, !one.isEmpty else { return false }
        return zip(one.utf8, other.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
