public import LXDAPI
package import LXDHTTP

/// Work that a server does in the background.
public struct ServerOperation: Sendable {
    public let connection: ServerConnection
    /// The operation as it was when it was started.
    public let initial: Operation

    public var id: String { initial.id }

    public init(connection: ServerConnection, initial: Operation) {
        self.connection = connection
        self.initial = initial
    }

    /// Waits until the work has ended.
    ///
    /// - Parameter onUpdate: Called with news on the way. Only when given, and only when the work takes a while, are the
    ///   server's events listened to.
    /// - Returns: The operation as it ended.
    /// - Throws: An error with the operation's own text when it failed or was cancelled.
    @discardableResult
    public func wait(onUpdate: (@Sendable (Operation) -> Void)? = nil) async throws -> Operation {
        if initial.statusCode.isFinal { return try Self.outcome(initial) }
        let updates = onUpdate.map { update in Task { await report(update) } }
        defer { updates?.cancel() }
        let ended: Operation = try await connection.get(APIPath("operations", id, "wait"))
        return try Self.outcome(ended)
    }

    private static func outcome(_ operation: Operation) throws -> Operation {
        guard operation.err.isEmpty else { throw OperationFailure(operation: operation) }
        return operation
    }

    private func report(_ update: @Sendable (Operation) -> Void) async {
        do {
            // Most work is over before anybody could read about it.
            try await Task.sleep(for: .milliseconds(250))
            let events = try await connection.events(types: ["operation"])
            defer { events.close() }
            if let current = try? await connection.operation(id) { update(current) }
            while let event = try await events.next() {
                guard let operation: Operation = try? event.metadata.decode(), operation.id == id else { continue }
                update(operation)
                if operation.statusCode.isFinal { return }
            }
        } catch {
            // Without events there is no progress to show; the outcome comes by another way.
        }
    }

    /// Gives the work a little time to end by itself, however it ends: for the other half of something that is done.
    package func settle(within seconds: Int = 10) async {
        // Its outcome interests nobody any more.
        let _: Operation? = try? await connection.get(APIPath("operations", id, "wait").with("timeout", "\(seconds)"))
    }

    /// Asks the server to stop the work.
    public func cancel() async throws { try await connection.cancelOperation(id) }

    /// The secrets of the operation's websockets by their names, such as `0` and `control`.
    public var secrets: [String: String] {
        (initial.metadata["fds"]?.objectValue ?? initial.metadata).compactMapValues(\.stringValue)
    }

    /// Opens one of the operation's websockets.
    package func webSocket(secret: String) async throws -> WebSocketConnection {
        try await connection.webSocket(APIPath("operations", id, "websocket", query: [("secret", secret)]))
    }
}

/// An operation that ended badly, with what it left behind.
public struct OperationFailure: Error, Sendable, CustomStringConvertible {
    public let operation: Operation

    public var description: String { operation.err }

    /// Whether a server could not reach another one, by the words that servers use for it: an operation has no code.
    public var isConnectionFailure: Bool { operation.err.contains("Unable to connect to") }
}
