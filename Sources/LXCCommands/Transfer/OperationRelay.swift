import LXDAPI
import LXDClient
import LXDHTTP

/// Passes on what two operations say to each other over their websockets.
///
/// A message is read from one side only when the one before it was taken by the other, so a fast sender waits for a slow
/// receiver and this process holds one message a direction.
final class OperationRelay: Sendable {
    private let pairs: [(left: WebSocketConnection, right: WebSocketConnection)]
    private let tasks: [Task<Void, Never>]

    /// Connects to the websockets that both operations have.
    init(from sending: ServerOperation, to receiving: ServerOperation) async throws {
        let offered = sending.secrets
        for name in receiving.secrets.keys.sorted() where offered[name] == nil {
            throw CommandFailure("Migration target expects the \(name.goQuoted) socket but source isn't providing it")
        }
        guard receiving.secrets["control"] != nil else {
            throw CommandFailure("Migration target didn't setup the required \"control\" socket")
        }
        var pairs: [(left: WebSocketConnection, right: WebSocketConnection)] = []
        do {
            for (name, secret) in receiving.secrets.sorted(by: { $0.key < $1.key }) {
                guard let other = offered[name] else { continue }
                async let left = sending.webSocket(secret: other)
                async let right = receiving.webSocket(secret: secret)
                pairs.append(try await (left, right))
            }
        } catch {
            for pair in pairs { Self.cut(pair) }
            throw error
        }
        self.pairs = pairs
        tasks = pairs.flatMap { pair in
            [Task { await Self.copy(pair.left, pair.right) }, Task { await Self.copy(pair.right, pair.left) }]
        }
    }

    /// Ends all connections at once.
    func cut() {
        for task in tasks { task.cancel() }
        for pair in pairs { Self.cut(pair) }
    }

    private static func cut(_ pair: (left: WebSocketConnection, right: WebSocketConnection)) {
        pair.left.abort()
        pair.right.abort()
    }

    private static func copy(_ source: WebSocketConnection, _ target: WebSocketConnection) async {
        do {
            while let message = try await source.receive() { try await target.send(message) }
        } catch {
            // One side has gone: closing the other tells it.
        }
        await target.close()
    }
}
