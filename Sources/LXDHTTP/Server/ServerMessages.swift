package import Foundation

/// A request as the server hands it to its responder.
package struct IncomingRequest: Sendable {
    package var verb: HTTPVerb
    /// Path and query as sent, percent-encoded: "/1.0/instances?recursion=1".
    package var target: String
    package var headers: HeaderFields
    package var body: IncomingBody
    package var connection: ConnectionInfo

    package init(verb: HTTPVerb, target: String, headers: HeaderFields, body: IncomingBody, connection: ConnectionInfo)
    {
        self.verb = verb
        self.target = target
        self.headers = headers
        self.body = body
        self.connection = connection
    }

    /// The path before any "?", percent-encoded.
    package var path: Substring { target.prefix { $0 != "?" } }

    /// The query after the first "?", percent-encoded.
    package var query: Substring { target.drop { $0 != "?" }.dropFirst() }

    /// What the client asks the connection to become; nil for an ordinary request.
    package var upgrade: UpgradeRequest? {
        guard headers.contains("upgrade", in: "Connection"), let name = headers["Upgrade"] else { return nil }
        guard name.lowercased() == "websocket" else { return .raw(name: name) }
        guard let key = headers["Sec-WebSocket-Key"], headers["Sec-WebSocket-Version"] == "13" else { return nil }
        return .webSocket(key: key)
    }
}

/// A wish to leave HTTP.
package enum UpgradeRequest: Sendable, Equatable {
    case webSocket(key: String)
    /// Plain bytes under a name such as "sftp".
    case raw(name: String)
}

/// An ordinary HTTP answer.
package struct OutgoingResponse: Sendable {
    package var status: Int
    package var headers: HeaderFields
    package var body: OutgoingBody

    package init(status: Int = 200, headers: HeaderFields = [:], body: OutgoingBody = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The head of a response for a HEAD request: the length of its body without the body.
    package static func json(status: Int, _ data: Data) -> OutgoingResponse {
        OutgoingResponse(status: status, headers: ["Content-Type": "application/json"], body: .data(data))
    }
}

/// What a responder decides about a request.
package enum Reply: Sendable {
    case response(OutgoingResponse)
    /// Answers 101 and hands the WebSocket over. The connection ends when the closure returns.
    /// Only for a request whose `upgrade` is `.webSocket`; otherwise the client gets a 400.
    case webSocket(WebSocketOptions = WebSocketOptions(), serve: @Sendable (WebSocketConnection) async throws -> Void)
    /// Answers 101 and hands plain bytes over, likewise; only for `.raw(name:)`.
    case raw(serve: @Sendable (RawConnection) async throws -> Void)
}

/// Answers one request; errors are turned into responses inside.
package typealias Responder = @Sendable (IncomingRequest) async -> Reply

/// Bounds on what a peer may cost.
package struct HTTPLimits: Sendable {
    /// Request line and all header fields together.
    package var headBytesMax = 128 << 10
    package var headerCountMax = 200
    /// Body bytes a route takes unless it says otherwise (`IncomingBody.limit`).
    package var bodyBytesMax = 16 << 20
    /// From connect to the end of the first request's head.
    package var headTimeout = Duration.seconds(30)
    /// Between two requests on one connection.
    package var idleTimeout = Duration.seconds(50)
    /// Without a byte in the middle of a body that is being read.
    package var bodyTimeout = Duration.seconds(300)
    /// Connections of one listener; more are closed at once.
    package var connectionsMax = 4096

    package init() {}
}
