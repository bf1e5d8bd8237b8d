import Foundation
import LXDAPI
import LXDAuth
import LXDCore
import LXDDatabase
import LXDHTTP
import LXDServer
import Logging
import NIOCore

/// Requests through the router without a socket.
struct TestAPI {
    let server: APIServer
    let trust = TrustDirectory()

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init(_ groups: [any RouteGroup], startPatience: Duration = .zero) {
        server = APIServer(groups: groups, trust: trust, logger: Self.quiet, startPatience: startPatience)
        server.enter(.ready)
    }

    /// Who asks.
    enum From: CaseIterable {
        case unix, admin, restricted, stranger, nobody

        var peer: Peer {
            switch self {
            case .unix: .unix(UnixCredentials(pid: 1, uid: 0, gid: 0))
            case .admin: .tls(certificate: PeerCertificate(der: Certificates.admin.der))
            case .restricted: .tls(certificate: PeerCertificate(der: Certificates.restricted.der))
            case .stranger: .tls(certificate: PeerCertificate(der: Certificates.stranger.der))
            case .nobody: .tls(certificate: nil)
            }
        }
    }

    /// Fills the trust store with an administrator and one that may use the project "shop" only.
    func trustTestCertificates() {
        var admin = CertificateRow()
        admin.name = "admin"
        admin.certificate = Certificates.admin.pem
        var restricted = CertificateRow()
        restricted.name = "restricted"
        restricted.certificate = Certificates.restricted.pem
        restricted.restricted = true
        restricted.projects = ["shop"]
        _ = trust.replace(with: [admin, restricted])
    }

    func ask(
        _ verb: HTTPVerb, _ target: String, from: From = .unix, headers: HeaderFields = [:], body: String = ""
    ) async throws -> (status: Int, headers: HeaderFields, json: JSONValue) {
        let request = IncomingRequest(
            verb: verb, target: target, headers: headers, body: IncomingBody(ByteBuffer(string: body)),
            connection: ConnectionInfo(
                peer: from.peer, remoteAddress: from == .unix ? "@" : "10.0.0.1:99", localAddress: ""))
        guard case .response(let response) = await server.respond(to: request) else { return (101, [:], .null) }
        guard case .bytes(let buffer) = response.body, buffer.readableBytes > 0 else {
            return (response.status, response.headers, .null)
        }
        return (response.status, response.headers, try LXDJSON.decode(from: String(buffer: buffer)))
    }
}

/// Certificates made once for all tests.
enum Certificates {
    static let admin = make()
    static let restricted = make()
    static let stranger = make()

    private static func make() -> CertificateFacts {
        do {
            return try CertificateFacts(pem: KeyPair.make(.client, addsHosts: false).certificatePEM)
        } catch {
            fatalError("no test certificate: \(error)")
        }
    }
}

/// One route of each kind of access, and some shapes of paths.
struct SampleRoutes: RouteGroup {
    func register(on routes: inout RouteTable) {
        routes.get("/1.0/admin", .admin) { _ in .done }
        routes.get("/1.0/authenticated", .authenticated) { _ in .done }
        routes.get("/1.0/project", .project) { _ in .done }
        routes.get("/1.0/list", .projectList) { _ in .done }
        routes.get("/1.0/everybody", .everybody) { _ in .done }
        routes.get("/internal/local", .local) { _ in .done }
        routes.get("/1.0/instances", .project) { try .sync($0.collection) }
        routes.get("/1.0/instances/{name}", .project) { try .sync([$0.parameter("name")]) }
        routes.put("/1.0/instances/{name}", .project) { scope in
            try scope.checkETag(["a": 1])
            let wanted = try await scope.decode([String: Int].self)
            return try .sync(wanted)
        }
        routes.get("/1.0/instances/{name}/state", .project) { try .sync(["state", $0.parameter("name")]) }
        routes.get("/1.0/instances/special", .project) { _ in try .sync(["the special one"]) }
        routes.get("/1.0/images/aliases/{name...}", .project) { try .sync([$0.parameter("name")]) }
        routes.get("/1.0/tagged", .admin) { _ in try .sync("x", etag: ["a": 1]) }
        routes.get("/1.0/query", .admin) { scope in
            try .sync([
                scope.project, scope.filter ?? "-", String(scope.recursion), String(scope.allProjects),
                scope.target ?? "-",
            ])
        }
        routes.post("/1.0/change", .admin) { _ in .done }
        routes.get("/1.0/broken", .admin) { _ in throw CocoaError(.fileNoSuchFile) }
        routes.get("/1.0/socket", .admin) { _ in .webSocket { _ in } }
    }
}
