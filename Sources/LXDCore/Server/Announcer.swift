package import LXDAPI

/// Tells everybody who listens that something changed: the one way services send lifecycle events.
package struct Announcer: Sendable {
    private let send: @Sendable (_ project: String, _ event: EventLifecycle) -> Void

    package init(_ send: @escaping @Sendable (_ project: String, _ event: EventLifecycle) -> Void) {
        self.send = send
    }

    /// - Parameter source: The path of what changed.
    package func callAsFunction(
        _ action: LifecycleAction, _ source: String, project: String, by requestor: EventLifecycleRequestor?,
        context: [String: JSONValue] = [:]
    ) {
        send(
            project,
            .with {
                $0.action = action.rawValue
                $0.source = source
                $0.context = context
                $0.requestor = requestor
            })
    }
}
