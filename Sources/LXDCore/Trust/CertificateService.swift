package import LXDAPI
internal import LXDAuth
package import LXDDatabase
package import LXDLinux
internal import FoundationEssentials

/// What the trust decision needs of the server's configuration.
package protocol TrustSettings: Sendable {
    /// `core.trust_password` as kept (see ``TrustPassword``); empty when none is set.
    func trustPasswordHash() async -> String
    /// The addresses clients reach this server at, "HOST:PORT"; empty when it does not listen on the network.
    func networkAddresses() async -> [String]
    /// When a token made at `start` ends by `core.remote_token_expiry`; nil: never.
    func tokenExpiry(from start: LXDTime) async throws -> LXDTime?
    /// Fingerprint of the certificate the server shows on the network.
    func serverFingerprint() async -> String
}

/// Who asks for something about certificates, as far as it matters here.
package struct TrustApplicant: Sendable {
    package var isAdmin: Bool
    package var isTrusted: Bool
    /// Whether the request came over TLS.
    package var isTLS: Bool
    /// DER of the certificate shown in the handshake.
    package var certificate: [UInt8]?
    /// The client's address without port: the name of a certificate that has none.
    package var host: String
    package var requestor: EventLifecycleRequestor

    package init(
        isAdmin: Bool, isTrusted: Bool, isTLS: Bool, certificate: [UInt8]?, host: String,
        requestor: EventLifecycleRequestor
    ) {
        self.isAdmin = isAdmin
        self.isTrusted = isTrusted
        self.isTLS = isTLS
        self.certificate = certificate
        self.host = host
        self.requestor = requestor
    }
}

/// The trust store: whose certificates may use this server.
package final class CertificateService: Sendable {
    /// What adding a certificate came to.
    package enum Outcome: Sendable {
        case added(path: String)
        /// A token was asked for.
        case token(Operation)
    }

    private let store: Store
    private let trust: TrustDirectory
    private let operations: Operations
    private let settings: any TrustSettings
    private let announce: Announcer
    private let hashing: BlockingPool

    /// - Parameter hashing: Where passwords are hashed: it keeps a core busy for a while.
    package init(
        store: Store, trust: TrustDirectory, operations: Operations, settings: any TrustSettings, announce: Announcer,
        hashing: BlockingPool
    ) {
        self.store = store
        self.trust = trust
        self.operations = operations
        self.settings = settings
        self.announce = announce
        self.hashing = hashing
    }

    package func list() async throws -> [Certificate] {
        try await store.read { try $0.certificates().map(Self.wire) }
    }

    /// - Parameter fingerprint: All of it or its beginning.
    package func get(_ fingerprint: String) async throws -> Certificate {
        try await store.read { tx in Self.wire(try Self.row(tx, fingerprint)) }
    }

    // MARK: - Adding

    /// Adds the given certificate or the applicant's own, or makes a token.
    ///
    /// Whoever is no administrator needs the trust password or a token, which then decides all but the certificate.
    package func add(_ request: CertificatesPost, by applicant: TrustApplicant) async throws -> Outcome {
        var request = request
        try await Self.checkToken(request, settings: settings)
        if applicant.isTrusted, request.certificate.isEmpty, !request.token {
            throw LXDError.badRequest("Client is already trusted")
        }
        if !applicant.isAdmin { request = try await vouched(request, applicant) }
        guard ["client", "server", "metrics"].contains(request.type) else {
            throw LXDError.badRequest("Invalid certificate type")
        }
        if request.token { return .token(try await makeToken(request, applicant)) }

        let facts = try certificate(of: request, applicant)
        try facts.check()
        var row = CertificateRow()
        row.fingerprint = facts.fingerprint
        row.type = request.type
        row.name = [request.name, facts.commonName, applicant.host].first { !$0.isEmpty } ?? ""
        row.certificate = facts.pem
        row.restricted = request.restricted
        row.projects = request.projects
        let new = row
        try await store.write { tx in
            guard try tx.certificate(fingerprint: new.fingerprint) == nil else {
                throw LXDError.conflict("Certificate already in trust store")
            }
            try Self.checkProjects(new.projects, tx)
            try tx.insertCertificate(new)
        }
        try await trust.reload(from: store)
        let path = "/1.0/certificates/\(row.fingerprint)"
        announce(.certificateCreated, path, project: "default", by: applicant.requestor)
        return .added(path: path)
    }

    private static func checkToken(_ request: CertificatesPost, settings: any TrustSettings) async throws {
        guard request.token else { return }
        if !request.certificate.isEmpty { throw LXDError.badRequest("Can't use certificate if token is requested") }
        if request.type != "client" { throw LXDError.badRequest("Tokens can only be issued for client certificates") }
        if await settings.networkAddresses().isEmpty {
            throw LXDError.badRequest("Can't issue token when server isn't listening on network")
        }
    }

    /// The request as far as its password allows it.
    private func vouched(_ request: CertificatesPost, _ applicant: TrustApplicant) async throws -> CertificatesPost {
        guard !request.token, !request.password.isEmpty else { throw LXDError.forbidden() }
        if let token = try? CertificateAddToken(tokenText: request.password) {
            return try redeem(token, applicant)
        }
        let kept = await settings.trustPasswordHash()
        // Hashing keeps a core busy for a while: away from the tasks that serve others.
        let matches = try await hashing.run { try TrustPassword.matches(request.password, kept: kept) }
        guard matches else { throw LXDError.forbidden() }
        return request
    }

    private func redeem(_ token: CertificateAddToken, _ applicant: TrustApplicant) throws(LXDError) -> CertificatesPost
    {
        let found = operations.tokens(.certificateAddToken).first { $0.metadata["secret"]?.stringValue == token.secret }
        guard let found else { throw .forbidden("No matching certificate add operation found") }
        // A token works once, even when it is out of date.
        try operations.cancel(id: found.id, requestor: applicant.requestor)
        if let text = found.metadata["expiresAt"]?.stringValue, let expiry = LXDTime(rfc3339: text), expiry < .now() {
            throw .forbidden("Token has expired")
        }
        let wanted = try (found.metadata["request"] ?? .null).decode(CertificatesPost.self)
        return .with {
            $0.name = wanted.name
            $0.type = wanted.type
            $0.restricted = wanted.restricted
            $0.projects = wanted.projects
        }
    }

    private func makeToken(_ request: CertificatesPost, _ applicant: TrustApplicant) async throws -> Operation {
        var metadata: [String: JSONValue] = [
            "secret": .string(Operations.newSecret()),
            "fingerprint": .string(await settings.serverFingerprint()),
            "addresses": .strings(await settings.networkAddresses()),
            "request": try JSONValue(encoding: request),
        ]
        let start = LXDTime.now()
        let end = try await settings.tokenExpiry(from: start)
        if let end { metadata["expiresAt"] = .string(end.description) }
        return try operations.addToken(
            .certificateAddToken, project: "default", metadata: metadata, lifetime: end.map { .seconds($0.seconds - start.seconds) },
            requestor: applicant.requestor)
    }

    /// The certificate that is to be added. One that an authority did not sign counts as not shown: it could never be
    /// used.
    private func certificate(of request: CertificatesPost, _ applicant: TrustApplicant) throws(LXDError)
        -> CertificateFacts
    {
        if !request.certificate.isEmpty { return try CertificateFacts(base64: request.certificate) }
        guard applicant.isTLS else { throw .badRequest("Can't use TLS data on non-TLS link") }
        guard let der = applicant.certificate, trust.accepts(der) else {
            throw .badRequest("No client certificate provided")
        }
        return try CertificateFacts(der: der)
    }

    // MARK: - Changing

    /// Replaces what may be changed. Whoever is no administrator may only replace their own certificate.
    ///
    /// - Parameters:
    ///   - precondition: Throws when the entry is no longer the one the caller saw.
    ///   - change: The wanted state from the current one.
    package func update(
        _ fingerprint: String, by applicant: TrustApplicant,
        precondition: @escaping @Sendable (Certificate) throws -> Void,
        change: @escaping @Sendable (Certificate) throws -> CertificatePut
    ) async throws {
        let old = try await store.write { tx in
            var row = try Self.row(tx, fingerprint)
            let current = Self.wire(row)
            try precondition(current)
            let wanted = try change(current)
            if !applicant.isAdmin { try Self.checkOwnChange(current, wanted, applicant) }
            guard ["client", "server", "metrics"].contains(wanted.type) else {
                throw LXDError.badRequest("Invalid certificate type")
            }
            if applicant.isAdmin {
                try Self.checkProjects(wanted.projects, tx)
                row.type = wanted.type
                row.name = wanted.name
                row.restricted = wanted.restricted
                row.projects = wanted.projects
            }
            if !wanted.certificate.isEmpty, wanted.certificate != current.certificate {
                let facts = try CertificateFacts(pem: wanted.certificate)
                try facts.check()
                row.certificate = facts.pem
                row.fingerprint = facts.fingerprint
            }
            try tx.updateCertificate(row)
            return current
        }
        try await trust.reload(from: store)
        announce(
            .certificateUpdated, "/1.0/certificates/\(old.fingerprint)", project: "default",
            by: applicant.requestor)
    }

    private static func checkOwnChange(_ current: Certificate, _ wanted: CertificatePut, _ applicant: TrustApplicant)
        throws(LXDError)
    {
        guard current.restricted == wanted.restricted, current.name == wanted.name, current.projects == wanted.projects,
            current.type == wanted.type
        else { throw .forbidden("Only the certificate can be changed") }
        let own = applicant.certificate.map { CertificateFingerprint.hex(of: $0) }
        guard own == current.fingerprint else { throw .forbidden("Certificate cannot be changed") }
    }

    package func delete(_ fingerprint: String, by requestor: EventLifecycleRequestor) async throws {
        let row = try await store.write { tx in
            let row = try Self.row(tx, fingerprint)
            try tx.deleteCertificate(id: row.id)
            return row
        }
        try await trust.reload(from: store)
        announce(
            .certificateDeleted, "/1.0/certificates/\(row.fingerprint)", project: "default", by: requestor)
    }

    // MARK: - Rows

    private static func row(_ tx: Transaction, _ prefix: String) throws -> CertificateRow {
        let found = try tx.certificates(fingerprintPrefix: prefix.lowercased())
        guard found.count <= 1 else { throw LXDError.internalError("More than one certificate matches") }
        guard let row = found.first else { throw LXDError.notFound("Certificate not found") }
        return row
    }

    private static func checkProjects(_ names: [String], _ tx: Transaction) throws {
        for name in names where try tx.project(name) == nil { throw LXDError.notFound("Project not found") }
    }

    private static func wire(_ row: CertificateRow) -> Certificate {
        .with {
            $0.name = row.name
            $0.type = row.type
            $0.restricted = row.restricted
            $0.projects = row.projects
            $0.certificate = row.certificate
            $0.fingerprint = row.fingerprint
        }
    }
}
