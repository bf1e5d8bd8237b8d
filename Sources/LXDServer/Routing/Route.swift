package import LXDHTTP

/// Who may use a route. Decided before the handler runs, so before anything is looked up.
package enum RouteAccess: Sendable, Hashable, CustomStringConvertible {
    /// Administrators: the unix socket and unrestricted trusted certificates.
    case admin
    /// Whoever is trusted; the handler shows each what it may see.
    case authenticated
    /// Administrators, and certificates restricted to projects that include the request's.
    case project
    /// Like ``project``, and with `all-projects` whoever is trusted: the handler lists only what the caller may use.
    case projectList
    /// Everybody, untrusted clients too; the handler decides with `scope.caller`.
    case everybody
    /// Whoever is trusted, certificates for metrics too, and everybody if the server does not ask; the handler shows
    /// each what it may see.
    case metrics
    /// The unix socket only.
    case local

    package var description: String {
        switch self {
        case .admin: "admin"
        case .authenticated: "authenticated"
        case .project: "project"
        case .projectList: "project list"
        case .everybody: "everybody"
        case .metrics: "metrics"
        case .local: "local"
        }
    }
}

/// One way to reach the API: what the router matches, who may use it, and what answers.
package struct Route: Sendable {
    package typealias Handler = @Sendable (RequestScope) async throws -> Answer

    package let verb: HTTPVerb
    /// "/1.0/instances/{name}/state"; a last segment "{name...}" takes the rest of the path.
    package let pattern: String
    package let access: RouteAccess
    /// Most bytes of body the handler may read.
    package let bodyBytesMax: Int
    let handler: Handler
}

/// The routes of one resource.
package protocol RouteGroup: Sendable {
    func register(on routes: inout RouteTable)
}

/// All routes. Registered once, then asked for each request; the authorization matrix in the documentation and in the
/// tests is made from it.
package struct RouteTable: Sendable {
    /// A request's path in the table.
    struct Match {
        var route: Route?
        var parameters: [String: String]
    }

    private final class Node: Sendable {
        let literals: [Substring: Node]
        let parameter: Node?
        let rest: Node?
        let routes: [HTTPVerb: (route: Route, names: [String])]

        init(
            literals: [Substring: Node], parameter: Node?, rest: Node?,
            routes: [HTTPVerb: (route: Route, names: [String])]
        ) {
            self.literals = literals
            self.parameter = parameter
            self.rest = rest
            self.routes = routes
        }
    }

    package private(set) var routes: [Route] = []
    private var root: Node?

    package init() {}

    package init(_ groups: [any RouteGroup]) {
        for group in groups { group.register(on: &self) }
        seal()
    }

    package mutating func add(
        _ verb: HTTPVerb, _ pattern: String, _ access: RouteAccess, bodyBytesMax: Int = RequestScope.jsonBytesMax,
        _ handler: @escaping Route.Handler
    ) {
        routes.append(Route(verb: verb, pattern: pattern, access: access, bodyBytesMax: bodyBytesMax, handler: handler))
        root = nil
    }

    package mutating func get(_ pattern: String, _ access: RouteAccess, _ handler: @escaping Route.Handler) {
        add(.get, pattern, access, handler)
    }

    package mutating func head(_ pattern: String, _ access: RouteAccess, _ handler: @escaping Route.Handler) {
        add(.head, pattern, access, handler)
    }

    /// - Parameter bodyBytesMax: `.max` for uploads that are read as a stream.
    package mutating func post(
        _ pattern: String, _ access: RouteAccess, bodyBytesMax: Int = RequestScope.jsonBytesMax,
        _ handler: @escaping Route.Handler
    ) {
        add(.post, pattern, access, bodyBytesMax: bodyBytesMax, handler)
    }

    package mutating func put(_ pattern: String, _ access: RouteAccess, _ handler: @escaping Route.Handler) {
        add(.put, pattern, access, handler)
    }

    package mutating func patch(_ pattern: String, _ access: RouteAccess, _ handler: @escaping Route.Handler) {
        add(.patch, pattern, access, handler)
    }

    package mutating func delete(_ pattern: String, _ access: RouteAccess, _ handler: @escaping Route.Handler) {
        add(.delete, pattern, access, handler)
    }

    /// Builds the tree; adding a route later undoes it.
    package mutating func seal() { root = Self.tree(routes.map { (Self.segments($0.pattern)[...], $0, []) }) }

    /// - Parameter path: As sent, percent-encoded, without the query.
    /// - Returns: Nil for an unknown path; a match without a route when only other methods exist.
    func match(_ verb: HTTPVerb, _ path: Substring) -> Match? {
        guard let root, path.first == "/" else { return nil }
        var values: [String] = []
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard let node = Self.find(root, parts[...], &values) else { return nil }
        guard let (route, names) = node.routes[verb] else { return Match(route: nil, parameters: [:]) }
        return Match(route: route, parameters: Dictionary(zip(names, values)) { first, _ in first })
    }

    private static func find(_ node: Node, _ parts: ArraySlice<Substring>, _ values: inout [String]) -> Node? {
        guard let part = parts.first else { return node.routes.isEmpty ? nil : node }
        if let next = node.literals[part], let found = find(next, parts.dropFirst(), &values) { return found }
        if let next = node.parameter, !part.isEmpty, let value = PercentEncoding.decode(part) {
            values.append(value)
            if let found = find(next, parts.dropFirst(), &values) { return found }
            values.removeLast()
        }
        if let rest = node.rest, let value = PercentEncoding.decode(parts.joined(separator: "/")[...]), !value.isEmpty {
            values.append(value)
            return rest
        }
        return nil
    }

    private typealias Pending = (rest: ArraySlice<Substring>, route: Route, names: [String])

    private static func tree(_ pending: [Pending]) -> Node {
        var literals: [Substring: [Pending]] = [:]
        var parameters: [Pending] = []
        var rests: [Pending] = []
        var here: [HTTPVerb: (route: Route, names: [String])] = [:]
        for (segments, route, names) in pending {
            guard let first = segments.first else {
                here[route.verb] = (route, names)
                continue
            }
            if first.hasPrefix("{"), first.hasSuffix("...}") {
                rests.append(([], route, names + [String(first.dropFirst().dropLast(4))]))
            } else if first.hasPrefix("{") {
                parameters.append((segments.dropFirst(), route, names + [String(first.dropFirst().dropLast())]))
            } else {
                literals[first, default: []].append((segments.dropFirst(), route, names))
            }
        }
        return Node(
            literals: literals.mapValues(tree), parameter: parameters.isEmpty ? nil : tree(parameters),
            rest: rests.isEmpty ? nil : tree(rests), routes: here)
    }

    private static func segments(_ pattern: String) -> [Substring] {
        pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }
}

/// `/internal/routes`: all routes and who may use each, for the authorization matrix of the tests.
struct RouteListRoutes: RouteGroup {
    private static let pattern = "/internal/routes"
    private let lines: [[String]]

    init(of groups: [any RouteGroup]) {
        lines = RouteTable(groups).routes.map { [$0.verb.rawValue, $0.pattern, $0.access.description] }
            + [["GET", Self.pattern, RouteAccess.local.description]]
    }

    func register(on routes: inout RouteTable) {
        routes.get(Self.pattern, .local) { [lines] _ in try .sync(lines) }
    }
}
