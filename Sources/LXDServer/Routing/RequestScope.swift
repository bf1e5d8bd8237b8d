package import FoundationEssentials
package import LXDAPI
internal import LXDAuth
package import LXDHTTP
package import Logging

/// One request as a handler sees it: who asks, for which project, with which parameters.
package struct RequestScope: Sendable {
    /// Most bytes of a JSON body.
    package static let jsonBytesMax = 4 << 20

    package let request: IncomingRequest
    package let caller: Caller
    /// Values of the pattern's parameters, percent-decoded.
    package let parameters: [String: String]
    package let query: QueryItems
    package let logger: Logger
    /// The collection the path named: `instances`, or its old names `containers` and `virtual-machines`, which limit
    /// lists to a type and stand in the paths that are answered.
    package let collection: String

    package init(
        request: IncomingRequest, caller: Caller, parameters: [String: String], query: QueryItems, logger: Logger,
        collection: String
    ) {
        self.request = request
        self.caller = caller
        self.parameters = parameters
        self.query = query
        self.logger = logger
        self.collection = collection
    }

    // MARK: - Who and where

    /// The request's project; `default` unless it names one.
    package var project: String {
        guard let name = query["project"], !name.isEmpty else { return "default" }
        return name
    }

    package var requestor: EventLifecycleRequestor { caller.requestor }
    /// Whether the answer covers all projects the caller may see.
    package var allProjects: Bool { query.flag("all-projects") }
    /// 0 answers paths, 1 objects, 2 objects with their state and parts.
    package var recursion: Int { query["recursion"].flatMap { Int($0) } ?? 0 }
    package var isRecursive: Bool { recursion != 0 }
    /// The `filter=` expression; nil or empty: everything.
    package var filter: String? { query["filter"].flatMap { $0.isEmpty ? nil : $0 } }
    /// The cluster member asked for; nil: any.
    package var target: String? { query["target"].flatMap { $0.isEmpty ? nil : $0 } }
    package var path: String { String(request.path) }

    package func header(_ name: String) -> String? { request.headers[name] }

    /// A parameter of the path.
    /// - Throws: `internalError` when the route's pattern has none of that name: a bug of ours.
    package func parameter(_ name: String) throws(LXDError) -> String {
        guard let value = parameters[name] else { throw .internalError("Route has no parameter \(name)") }
        return value
    }

    /// Refuses callers who may not use the project; with the answer they get for one that does not exist.
    package func requireProject(_ project: String) throws(LXDError) {
        guard caller.mayUse(project: project) else { throw .forbidden() }
    }

    package func requireAdmin() throws(LXDError) {
        guard caller.isAdmin else { throw .forbidden() }
    }

    // MARK: - Body

    /// The body as JSON.
    /// - Throws: `badRequest` that says where it is wrong; `payloadTooLarge`.
    package func decode<Value: Decodable>(_ type: Value.Type = Value.self) async throws -> Value {
        let data = try await bodyData()
        guard !data.isEmpty else { throw LXDError.badRequest("EOF: the request has no body, JSON is expected") }
        return try LXDJSON.decode(type, from: data)
    }

    /// The body in memory, at most ``jsonBytesMax``.
    package func bodyData() async throws -> Data {
        do {
            return try await request.body.collectData(upTo: Self.jsonBytesMax)
        } catch let error as HTTPTransportError {
            throw error.asLXDError
        }
    }

    // MARK: - Preconditions

    /// Refuses a change based on something older than `current`.
    ///
    /// - Parameter current: What GET answers an ETag of.
    /// - Throws: `preconditionFailed` (412) when the request has an If-Match of something else.
    package func checkETag(_ current: some Encodable) throws(LXDError) {
        guard let given = header("If-Match"), !given.isEmpty else { return }
        let wanted = given.trimmingQuotes
        let hash = try EntityTag.of(current)
        guard wanted == hash else { throw .preconditionFailed("ETag doesn't match: \(hash) vs \(wanted)") }
    }
}

/// The hash by which clients say which state of a thing their change is based on.
package enum EntityTag {
    /// SHA-256 of the value's JSON, lower-case hex, without quotes.
    package static func of(_ value: some Encodable) throws(LXDError) -> String {
        CertificateFingerprint.hex(of: try LXDJSON.encode(value))
    }
}

extension String {
    fileprivate var trimmingQuotes: String {
        String(drop { $0 == "\"" }.reversed().drop { $0 == "\"" }.reversed())
    }
}

extension HTTPTransportError {
    /// What the client is told about its body.
    package var asLXDError: LXDError {
        switch self {
        case .bodyTooLarge(let limit): .payloadTooLarge("Request body is larger than \(limit) bytes")
        case .bodyTruncated: .badRequest("unexpected EOF")
        default: .internalError(description, cause: self)
        }
    }
}
