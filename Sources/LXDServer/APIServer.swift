internal import Foundation
internal import LXDAPI
package import LXDCore
package import LXDHTTP
package import Logging
internal import Synchronization

/// Answers the REST API: finds the route, knows the caller, checks what they may do, then asks the handler.
package final class APIServer: Sendable {
    /// How far the daemon is.
    package enum Phase: Sendable { case starting, ready, stopping }

    private let table: RouteTable
    private let trust: TrustDirectory
    private let logger: Logger
    private let startPatience: Duration
    private let phase = Mutex(Phase.starting)
    private let crossOrigin = Mutex(CrossOriginRules())
    private let metricsAreOpen = Mutex(false)
    private let users = UserNames()

    /// - Parameter startPatience: How long a request waits for a daemon that is still starting.
    package init(
        groups: [any RouteGroup], trust: TrustDirectory, logger: Logger, startPatience: Duration = .seconds(30)
    ) {
        self.startPatience = startPatience
        table = RouteTable(groups + [RouteListRoutes(of: groups)])
        self.trust = trust
        self.logger = logger
    }

    /// All routes, for documentation and tests of the authorization matrix.
    package var routes: [Route] { table.routes }

    /// Until it is ready only `/internal` answers; while it stops only what LXD allows then.
    package func enter(_ next: Phase) { phase.withLock { $0 = next } }

    package func apply(_ rules: CrossOriginRules) { crossOrigin.withLock { $0 = rules } }

    /// `core.metrics_authentication` turned off: whether everybody may read metrics.
    package func setMetricsOpen(_ value: Bool) { metricsAreOpen.withLock { $0 = value } }

    /// The responder for ``LXDHTTP/HTTPServer``.
    package var responder: Responder {
        { [self] request in await respond(to: request) }
    }

    /// The responder of `core.metrics_address`: nothing but metrics is served there.
    package var metricsResponder: Responder {
        { [self] request in
            guard ["/", "/1.0", "/1.0/metrics"].contains(request.path) else {
                return Answer.error(LXDError.notFound()).reply
            }
            return await respond(to: request)
        }
    }

    package func respond(to request: IncomingRequest) async -> Reply {
        let rules = crossOrigin.withLock { $0 }
        let reply = await reply(to: request, rules)
        guard case .response(var response) = reply else { return reply }
        for (name, value) in rules.answerHeaders(for: request) { response.headers[name] = value }
        return .response(response)
    }

    private func reply(to request: IncomingRequest, _ rules: CrossOriginRules) async -> Reply {
        do {
            return try await answer(request, rules).reply
        } catch {
            logFailure(of: request, error)
            return Answer.error(error).reply
        }
    }

    private func answer(_ request: IncomingRequest, _ rules: CrossOriginRules) async throws -> Answer {
        if request.verb.rawValue == "OPTIONS" { return .response(OutgoingResponse()) }
        let path = request.path
        if path == "/" { return try .sync(["/1.0"]) }
        let (canonical, collection) = Self.canonical(path)
        guard let match = table.match(request.verb, canonical) else { throw LXDError.notFound() }
        let isInternal = path.hasPrefix("/internal")
        if !isInternal { await awaitStart() }
        try checkPhase(request, path: path, isInternal: isInternal)

        let caller = identify(request.connection, forMetrics: path == "/1.0/metrics")
        guard let route = match.route else {
            guard caller.isTrusted else { throw LXDError.forbidden() }
            guard Self.knownVerbs.contains(request.verb) else {
                throw LXDError.notFound("Method \"\(request.verb)\" not found")
            }
            throw LXDError.notImplemented()
        }
        if rules.isForged(request) { throw LXDError.forbidden("Request comes from another site") }
        let scope = RequestScope(
            request: request, caller: caller, parameters: match.parameters, query: QueryItems(request.query),
            logger: logger,
            collection: collection)
        try authorize(scope, route.access)
        if logger.logLevel <= .debug {
            logger.debug(
                "Handling API request",
                metadata: [
                    "method": "\(request.verb)", "url": "\(Self.loggable(request.target))", "ip": "\(caller.address)",
                    "protocol": "\(caller.protocolName)", "username": "\(caller.name)",
                ])
        }
        request.body.limit(toBytes: route.bodyBytesMax)
        return try await route.handler(scope)
    }

    private static let knownVerbs: Set<HTTPVerb> = [.get, .head, .put, .post, .delete, .patch]

    /// `/1.0/containers/...` and `/1.0/virtual-machines/...` are old names of `/1.0/instances/...`.
    static func canonical(_ path: Substring) -> (path: Substring, collection: String) {
        for name in ["containers", "virtual-machines"] {
            let prefix = "/1.0/\(name)"
            guard path.hasPrefix(prefix) else { continue }
            let rest = path.dropFirst(prefix.count)
            if rest.isEmpty || rest.first == "/" { return ("/1.0/instances\(rest)", name) }
        }
        return (path, "instances")
    }

    private func authorize(_ scope: RequestScope, _ access: RouteAccess) throws(LXDError) {
        let caller = scope.caller
        let allowed =
            switch access {
            case .everybody: true
            case .authenticated: caller.isTrusted
            case .admin: caller.isAdmin
            case .project: caller.mayUse(project: scope.project)
            case .projectList: scope.allProjects ? caller.isTrusted : caller.mayUse(project: scope.project)
            case .metrics: caller.isTrusted || metricsAreOpen.withLock { $0 }
            case .local: caller.isAdmin && caller.protocolName == "unix"
            }
        guard allowed else { throw .forbidden() }
    }

    /// The request that made systemd start the daemon comes before it is ready: it waits rather than being refused.
    private func awaitStart() async {
        let end = ContinuousClock.now + startPatience
        while phase.withLock({ $0 }) == .starting, ContinuousClock.now < end {
            do { try await Task.sleep(for: .milliseconds(10)) } catch { return }
        }
    }

    /// What LXD answers before it is set up and while it stops.
    private func checkPhase(_ request: IncomingRequest, path: Substring, isInternal: Bool) throws(LXDError) {
        switch phase.withLock({ $0 }) {
        case .ready: return
        case .starting:
            guard isInternal else { throw .unavailable("LXD daemon setup in progress") }
        case .stopping:
            let allowed =
                isInternal || request.verb == .get || path == "/1.0" || path == "/1.0/events"
                || path.hasPrefix("/1.0/operations")
            guard allowed else { throw .unavailable("LXD is shutting down") }
        }
    }

    private func identify(_ connection: ConnectionInfo, forMetrics: Bool) -> Caller {
        switch connection.peer {
        case .unix(let process):
            return Caller(
                rights: .admin, name: users.name(of: process.uid), protocolName: "unix",
                address: connection.remoteAddress,
                process: process)
        case .tls(let certificate?):
            let entry = trust.client(
                fingerprint: certificate.fingerprint, der: certificate.der, forMetrics: forMetrics)
            guard let entry else {
                return Caller(rights: .untrusted, address: connection.remoteAddress, certificate: certificate)
            }
            return Caller(
                rights: entry.restricted ? .projects(Set(entry.projects)) : .admin, name: certificate.fingerprint,
                protocolName: "tls",
                address: connection.remoteAddress, certificate: certificate)
        case .tls(nil), .plain:
            return Caller(rights: .untrusted, address: connection.remoteAddress)
        }
    }

    /// A request's target without the secrets that open operations and images.
    static func loggable(_ target: String) -> String {
        guard let mark = target.range(of: "secret=") else { return target }
        let rest = target[mark.upperBound...].drop { $0 != "&" }
        return target[..<mark.upperBound] + "..." + loggable(String(rest))
    }

    private func logFailure(of request: IncomingRequest, _ error: any Error) {
        let visible = LXDError.from(error)
        let line: Logger.Metadata = [
            "method": "\(request.verb)", "url": "\(Self.loggable(request.target))", "err": "\(visible.message)",
        ]
        if visible.code == .internalError {
            logger.warning(
                "Request failed", metadata: line.merging(["cause": "\(visible.cause.map { "\($0)" } ?? "")"]) { $1 })
        } else {
            logger.debug("Request refused", metadata: line)
        }
    }
}
