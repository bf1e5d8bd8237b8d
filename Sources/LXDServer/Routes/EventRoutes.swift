internal import LXDAPI
package import LXDCore
internal import LXDHTTP
internal import NIOCore

/// `/1.0/events`: the stream of what happens, one JSON object a message.
package struct EventRoutes: RouteGroup {
    private static let types = [EventType.logging, EventType.operation, EventType.lifecycle]

    private let events: Events

    package init(events: Events) { self.events = events }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/events", .authenticated, stream)
    }

    private func stream(_ scope: RequestScope) throws -> Answer {
        let project = try Self.project(scope)
        let types = try Self.types(scope)
        guard case .webSocket? = scope.request.upgrade else {
            throw LXDError.badRequest(
                "websocket: the client is not using the websocket protocol: 'upgrade' token not found in 'Connection' header"
            )
        }
        let options = WebSocketOptions(messageBytesMax: 64 << 10, pingInterval: .seconds(10))
        // Listens before the client is told that it may: what it then does it hears of.
        let listening = Listening(events, types, project)
        return .webSocket(options: options) { socket in await listening.serve(socket) }
    }

    /// Nil for all projects.
    private static func project(_ scope: RequestScope) throws(LXDError) -> String? {
        if scope.allProjects {
            guard scope.query["project"] == nil else {
                throw .badRequest("Cannot specify a project when requesting all projects")
            }
            try scope.requireAdmin()
            return nil
        }
        try scope.requireProject(scope.project)
        return scope.project
    }

    private static func types(_ scope: RequestScope) throws(LXDError) -> Set<String> {
        let asked = (scope.query["type"] ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        if asked == [""] || asked.isEmpty {
            return Set(types.filter { $0 != EventType.logging || scope.caller.isAdmin })
        }
        for type in asked where !types.contains(type) { throw .badRequest("\"\(type)\" isn't a supported event type") }
        if asked.contains(EventType.logging), !scope.caller.isAdmin { throw .forbidden("Forbidden") }
        return Set(asked)
    }
}

/// One listener's subscription; ends with this object, also when its connection never came to be.
private final class Listening: Sendable {
    private let events: Events
    private let subscription: EventSubscription

    init(_ events: Events, _ types: Set<String>, _ project: String?) {
        self.events = events
        subscription = events.subscribe(types: types, project: project)
    }

    deinit { events.unsubscribe(subscription) }

    func serve(_ socket: WebSocketConnection) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [events, subscription] in
                do {
                    // What a listener says is of no interest, but its close is.
                    while try await socket.receive() != nil {}
                } catch {
                    // Gone or broken: either way nobody listens any more.
                }
                events.unsubscribe(subscription)
            }
            group.addTask { [events, subscription] in
                while let batch = await subscription.next() {
                    do {
                        try await socket.send(
                            contentsOf: batch.map { WebSocketMessage(kind: .text, data: ByteBuffer(bytes: $0)) })
                    } catch {
                        break
                    }
                }
                events.unsubscribe(subscription)
            }
            await subscription.waitForEnd()
            if subscription.end == .overflow {
                // The writer waits for a listener that does not read: the reason goes past it.
                socket.closeWithoutWaiting(WebSocketClose(code: 1008, reason: "too slow: events were lost"))
            } else {
                await group.next()
                await socket.close(subscription.end == .shutdown ? .goingAway : .normal)
            }
            group.cancelAll()
        }
    }
}
