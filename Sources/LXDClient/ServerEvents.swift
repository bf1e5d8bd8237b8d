public import LXDAPI
import LXDHTTP

/// What a server tells as it happens, read one event at a time by one task.
public final class ServerEvents: Sendable {
    private let socket: WebSocketConnection

    init(_ socket: WebSocketConnection) { self.socket = socket }

    /// The next event; nil once the server has closed the stream. What is not an event is passed over.
    public func next() async throws -> Event? {
        while let message = try await socket.receive() {
            if let event: Event = try? LXDJSON.decode(from: message.string), !event.type.isEmpty { return event }
        }
        return nil
    }

    public func close() { socket.abort() }
}

extension ServerConnection {
    /// Listens to events.
    ///
    /// - Parameters:
    ///   - types: `operation`, `lifecycle`, `logging`; empty for all.
    ///   - allProjects: Those of every project instead of this connection's.
    public func events(types: [String] = [], allProjects: Bool = false) async throws -> ServerEvents {
        var path: APIPath = "events"
        if allProjects { path = path.with("all-projects", "true") }
        if !types.isEmpty { path = path.with("type", types.joined(separator: ",")) }
        return ServerEvents(try await webSocket(path))
    }
}
