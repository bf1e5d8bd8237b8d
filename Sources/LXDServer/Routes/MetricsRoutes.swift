package import LXDCore
import LXDHTTP

/// `/1.0/metrics`.
package struct MetricsRoutes: RouteGroup {
    private let metrics: MetricsService

    package init(metrics: MetricsService) { self.metrics = metrics }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/metrics", .metrics) { scope in
            let caller = scope.caller
            let asked = scope.query["project"] ?? ""
            // Who need not show a certificate sees everything; who shows one sees what is theirs.
            let seesAll = !caller.isTrusted || caller.isAdmin
            if !asked.isEmpty, !seesAll { try scope.requireProject(asked) }
            let text = try await metrics.text(withServer: seesAll && asked.isEmpty) { project in
                (asked.isEmpty || project == asked) && (seesAll || caller.mayUse(project: project))
            }
            return .response(OutgoingResponse(headers: ["Content-Type": "text/plain"], body: .string(text)))
        }
    }
}
