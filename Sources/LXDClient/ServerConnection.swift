import FoundationEssentials
public import LXDAPI
package import LXDHTTP
import NIOCore
package import NIOPosix

/// A server as the API sees it. Nothing is sent before the first call; connections are kept and used again.
///
/// A value is cheap to copy; copies with another project or member share connections.
public struct ServerConnection: Sendable {
    private let http: HTTPClientSession
    private let cache: ServerCache
    /// The project that requests are about; empty for the server's default.
    public private(set) var project: String
    /// The cluster member that requests are sent on to; empty for any.
    public private(set) var target = ""
    /// `https://host:port`, or `http://unix.socket`.
    public let url: String
    /// The certificate in PEM that the server must show; empty when none is kept.
    private let pinnedCertificate: String

    package init(_ endpoint: HTTPEndpoint, url: String, project: String = "", pinnedCertificate: String = "") {
        self.pinnedCertificate = pinnedCertificate
        http = HTTPClientSession(endpoint, group: ClientLoop.group)
        cache = ServerCache()
        self.url = url
        self.project = project
    }

    /// The server behind a unix socket.
    public init(socketPath: String, project: String = "") {
        self.init(.unix(path: socketPath), url: "http://unix.socket", project: project)
    }

    public func using(project: String) -> ServerConnection {
        var copy = self
        copy.project = project
        return copy
    }

    public func using(target: String) -> ServerConnection {
        var copy = self
        copy.target = target
        return copy
    }

    /// Whether two values talk to the same server over the same endpoint.
    public func isSameServer(as other: ServerConnection) -> Bool {
        url == other.url && http.endpoint.description == other.http.endpoint.description
    }

    /// Closes what is kept open.
    public func close() async { await http.close() }
}

/// The one thread on which all connections of a client are served; a thread a core would only cost time to start.
package enum ClientLoop {
    package static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
}

/// What a server said about itself, asked for at most once.
private actor ServerCache {
    private var known: Server?

    func server(_ load: @Sendable () async throws -> Server) async throws -> Server {
        if let known { return known }
        let loaded = try await load()
        known = loaded
        return loaded
    }
}

extension ServerConnection {
    /// What the server said about itself when it was first asked.
    public func knownServer() async throws -> Server { try await cache.server { try await server().value } }

    /// The certificate in PEM by which other servers know this one; empty when its authority is known to all.
    public func certificate() async throws -> String {
        if url.hasPrefix("https:") { return pinnedCertificate }
        return try await knownServer().environment.certificate
    }

    public func hasExtension(_ name: String) async throws -> Bool { try await knownServer().apiExtensions.contains(name) }

    public func isClustered() async throws -> Bool { try await knownServer().environment.serverClustered }
}

// MARK: - Requests

extension ServerConnection {
    /// Sends a request and returns its answer, whatever its status.
    ///
    /// - Parameter target: Path and query as they are sent.
    package func send(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: OutgoingBody = .none
    ) async throws -> IncomingResponse {
        var request = OutgoingRequest(HTTPVerb(rawValue: method), target, body: body)
        request.headers["User-Agent"] = "LXD 5.0.2"
        for (name, value) in headers { request.headers[name] = value }
        do {
            return try await http.send(request)
        } catch {
            throw ConnectionFailure.describe(error, endpoint: http.endpoint, url: url)
        }
    }

    /// Sends a request and reads the envelope of its answer.
    ///
    /// - Throws: The server's own error, with its text and the code of its status.
    func exchange<Metadata: WireValue>(
        _ method: String, _ path: APIPath, headers: [(String, String)] = [], body: OutgoingBody = .none
    ) async throws -> Versioned<Response<Metadata>> {
        let target = fullTarget(path)
        return try await envelope(try await send(method, target, headers: headers, body: body), target)
    }

    package func envelope<Metadata: WireValue>(
        _ answer: IncomingResponse, _ target: String
    ) async throws -> Versioned<Response<Metadata>> {
        let content = try await answer.body.collectData(upTo: 256 << 20)
        let response: Response<Metadata>
        do {
            response = try LXDJSON.decode(from: content)
        } catch {
            // A refusal has no metadata of the expected kind.
            if let refusal: ResponseRaw = try? LXDJSON.decode(from: content), refusal.type == ResponseType.error {
                throw LXDError(.init(httpStatus: answer.status), refusal.error)
            }
            if answer.status != 200 {
                throw LXDError(.init(httpStatus: answer.status), "Failed to fetch \(url)\(target): \(answer.status)")
            }
            throw error
        }
        if response.type == ResponseType.error { throw LXDError(.init(httpStatus: answer.status), response.error) }
        return Versioned(response, etag: answer.headers["ETag"] ?? "")
    }

    /// Path and query with the project and the member.
    package func fullTarget(_ path: APIPath) -> String {
        var path = path
        if !target.isEmpty, !path.hasQuery("target") { path = path.with("target", target) }
        if !project.isEmpty, !path.hasQuery("project"), !path.hasQuery("all-projects") {
            path = path.with("project", project)
        }
        return path.target
    }
}

// MARK: - Shapes of calls

extension ServerConnection {
    func fetch<Value: WireValue>(_ path: APIPath) async throws -> Versioned<Value> {
        let answer: Versioned<Response<Value>> = try await exchange("GET", path)
        return Versioned(answer.value.metadata, etag: answer.etag)
    }

    func get<Value: WireValue>(_ path: APIPath) async throws -> Value { try await fetch(path).value }

    /// Lists a collection.
    func listPath(_ collection: APIPath, recursion: Int, allProjects: Bool, filter: String) -> APIPath {
        var path = collection.with("recursion", "\(recursion)")
        if allProjects { path = path.with("all-projects", "true") }
        if !filter.isEmpty { path = path.with("filter", filter) }
        return path
    }

    /// The names in a collection, from the addresses that the server lists.
    func names(_ collection: APIPath) async throws -> [String] {
        let addresses: [String] = try await get(collection)
        return addresses.compactMap { address in
            let path = address.prefix { $0 != "?" }
            return path.split(separator: "/").last.map { APIPath.unescape(String($0)) }
        }
    }

    /// A change that is done when the call returns.
    func change(_ method: String, _ path: APIPath) async throws {
        let _: Versioned<ResponseRaw> = try await exchange(method, path)
    }

    func change(_ method: String, _ path: APIPath, _ body: some Encodable, etag: String = "") async throws {
        let _: Versioned<ResponseRaw> = try await exchange(
            method, path, headers: Self.headers(etag: etag), body: .data(try LXDJSON.encode(body)))
    }

    /// A change that goes on in the background.
    func start(_ method: String, _ path: APIPath) async throws -> ServerOperation {
        try await operation(in: exchange(method, path))
    }

    func start(
        _ method: String, _ path: APIPath, _ body: some Encodable, etag: String = ""
    ) async throws -> ServerOperation {
        try await operation(
            in: exchange(method, path, headers: Self.headers(etag: etag), body: .data(try LXDJSON.encode(body))))
    }

    /// Sends content that is not JSON, for a change that is done when the call returns.
    func put(_ method: String, _ path: APIPath, _ body: UploadBody, headers: [(String, String)]) async throws {
        let _: Versioned<ResponseRaw> = try await exchange(method, path, headers: Self.binary + headers, body: body.outgoing)
    }

    /// Sends content that is not JSON, for a change that goes on in the background.
    func upload(
        _ method: String, _ path: APIPath, _ body: UploadBody, headers: [(String, String)]
    ) async throws -> ServerOperation {
        try await operation(in: exchange(method, path, headers: Self.binary + headers, body: body.outgoing))
    }

    private func operation(in answer: Versioned<Response<Operation>>) throws -> ServerOperation {
        guard !answer.value.metadata.id.isEmpty else { throw LXDError.internalError("The server started no operation") }
        return ServerOperation(connection: self, initial: answer.value.metadata)
    }

    private static let binary = [("Content-Type", "application/octet-stream")]

    private static func headers(etag: String) -> [(String, String)] {
        [("Content-Type", "application/json")] + (etag.isEmpty ? [] : [("If-Match", etag)])
    }

    /// Content that is not JSON.
    func download(_ path: APIPath) async throws -> Download {
        let target = fullTarget(path)
        let answer = try await send("GET", target)
        guard answer.status == 200 else {
            let _: Versioned<ResponseRaw> = try await envelope(answer, target)
            throw LXDError(.init(httpStatus: answer.status), "Failed to fetch \(url)\(target): \(answer.status)")
        }
        return Download(answer)
    }

    /// A websocket on a connection of its own.
    package func webSocket(_ path: APIPath) async throws -> WebSocketConnection {
        do {
            return try await http.webSocket(fullTarget(path))
        } catch {
            throw ConnectionFailure.describe(error, endpoint: http.endpoint, url: url)
        }
    }

    /// Plain bytes both ways after an upgrade.
    package func rawUpgrade(_ path: APIPath, protocol name: String) async throws -> RawConnection {
        do {
            return try await http.raw(fullTarget(path), protocol: name)
        } catch {
            throw ConnectionFailure.describe(error, endpoint: http.endpoint, url: url)
        }
    }
}
