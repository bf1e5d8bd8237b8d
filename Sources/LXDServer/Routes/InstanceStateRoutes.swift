import LXDAPI
package import LXDCore
import LXDHTTP

/// `/1.0/instances/{name}/state`.
package struct InstanceStateRoutes: RouteGroup {
    private let instances: InstanceService
    private let lifecycle: InstanceLifecycle
    private let operations: Operations

    package init(instances: InstanceService, lifecycle: InstanceLifecycle, operations: Operations) {
        self.instances = instances
        self.lifecycle = lifecycle
        self.operations = operations
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/instances/{name}/state", .project) { scope in
            try .sync(try await instances.state(scope.instanceKey()))
        }
        routes.put("/1.0/instances/{name}/state", .project, put)
    }

    private func put(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let raw: JSONValue = try await scope.decode()
        let request: InstanceStatePut = try raw.decode()
        var hasTimeout = false
        if case .object(let object) = raw, let timeout = object["timeout"], timeout != .null { hasTimeout = true }
        _ = try await instances.get(key)
        let change = try StateChange(request, hasTimeout: hasTimeout)
        let requestor = scope.requestor
        return try .async(
            operations.start(change.kind, project: key.project, resources: ["instances": [key.name]], requestor: requestor) { _ in
                try await change.apply(to: key, lifecycle, by: requestor)
            })
    }
}

/// A checked request to start, stop, restart, freeze or unfreeze.
struct StateChange: Sendable {
    private enum Action: String { case start, stop, restart, freeze, unfreeze }

    let kind: OperationKind
    private let action: Action
    private let isForced: Bool
    private let isStateful: Bool
    /// nil: for ever.
    private let timeout: Duration?

    /// - Parameter hasTimeout: Without one a clean stop may take for ever; zero means at once.
    init(_ request: InstanceStatePut, hasTimeout: Bool) throws {
        guard let action = Action(rawValue: request.action) else {
            throw LXDError.badRequest("Unknown action: '\(request.action)'")
        }
        isStateful = request.stateful
        let seconds = hasTimeout ? request.timeout : -1
        self.action = action
        isForced = request.force || seconds == 0
        timeout = seconds < 0 ? nil : .seconds(seconds)
        kind =
            switch action {
            case .start: .instanceStart
            case .stop: .instanceStop
            case .restart: .instanceRestart
            case .freeze: .instanceFreeze
            case .unfreeze: .instanceUnfreeze
            }
    }

    /// Whether a bulk request concerns an instance in this state.
    func applies(to status: StatusCode) -> Bool {
        let isRunning = status != .stopped && status != .error
        switch action {
        case .freeze, .restart, .stop: return isRunning
        case .start: return !isRunning
        case .unfreeze: return status == .frozen
        }
    }

    func apply(to key: InstanceKey, _ lifecycle: InstanceLifecycle, by requestor: EventLifecycleRequestor?) async throws {
        switch action {
        case .start: try await lifecycle.start(key, isStateful: isStateful, by: requestor)
        case .stop where isStateful: try await lifecycle.stopStatefully(key, by: requestor)
        case .stop: try await lifecycle.stop(key, timeout: timeout, force: isForced, by: requestor)
        case .restart: try await lifecycle.restart(key, timeout: timeout, force: isForced, by: requestor)
        case .freeze: try await lifecycle.freeze(key, by: requestor)
        case .unfreeze: try await lifecycle.unfreeze(key, by: requestor)
        }
    }
}
