internal import LXDAPI
package import LXDCore
internal import LXDHTTP

/// `/1.0/certificates`: the trust store.
package struct CertificateRoutes: RouteGroup {
    private let certificates: CertificateService

    package init(certificates: CertificateService) { self.certificates = certificates }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/certificates", .authenticated, list)
        routes.post("/1.0/certificates", .everybody, add)
        routes.get("/1.0/certificates/{fingerprint}", .authenticated, show)
        routes.put("/1.0/certificates/{fingerprint}", .authenticated, replace)
        routes.patch("/1.0/certificates/{fingerprint}", .authenticated, change)
        routes.delete("/1.0/certificates/{fingerprint}", .admin, remove)
    }

    private func list(_ scope: RequestScope) async throws -> Answer {
        let all = try await certificates.list()
        return scope.isRecursive ? try .sync(all) : try .sync(all.map { "/1.0/certificates/\($0.fingerprint)" })
    }

    private func show(_ scope: RequestScope) async throws -> Answer {
        let certificate = try await certificates.get(scope.parameter("fingerprint"))
        return try .sync(certificate, etag: certificate)
    }

    private func add(_ scope: RequestScope) async throws -> Answer {
        let request = try await scope.decode(CertificatesPost.self)
        switch try await certificates.add(request, by: Self.applicant(scope)) {
        case .added(let path): return .created(path)
        case .token(let operation): return try .async(operation)
        }
    }

    private func replace(_ scope: RequestScope) async throws -> Answer {
        let wanted = try await scope.decode(CertificatePut.self)
        return try await update(scope) { _ in wanted }
    }

    private func change(_ scope: RequestScope) async throws -> Answer {
        let patch = try await scope.bodyData()
        return try await update(scope) { try LXDJSON.merge(patch: patch, into: $0.writable) }
    }

    private func update(_ scope: RequestScope, _ change: @escaping @Sendable (Certificate) throws -> CertificatePut)
        async throws -> Answer
    {
        try await certificates.update(
            scope.parameter("fingerprint"), by: Self.applicant(scope), precondition: { try scope.checkETag($0) },
            change: change)
        return .done
    }

    private func remove(_ scope: RequestScope) async throws -> Answer {
        try await certificates.delete(scope.parameter("fingerprint"), by: scope.requestor)
        return .done
    }

    private static func applicant(_ scope: RequestScope) -> TrustApplicant {
        let address = scope.caller.address
        let host = address.lastIndex(of: ":").map { String(address[..<$0]) } ?? address
        var isTLS = false
        if case .tls = scope.request.connection.peer { isTLS = true }
        return TrustApplicant(
            isAdmin: scope.caller.isAdmin, isTrusted: scope.caller.isTrusted, isTLS: isTLS,
            certificate: scope.caller.certificate?.der,
            host: host.trimmingBrackets, requestor: scope.requestor)
    }
}

extension String {
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
