package import NIOCore
internal import NIOPosix
internal import Synchronization

/// Requests to one endpoint over connections that are kept and used again.
package final class HTTPClientSession: Sendable {
    package let endpoint: HTTPEndpoint
    private let connectTimeout: Duration
    private let group: any EventLoopGroup
    private let tunnel: ProxyTunnel?
    private let admits: AddressRule
    private let idle = Mutex<[HTTPConnection]>([])
    private let idleMax = 8

    package init(
        _ endpoint: HTTPEndpoint, connectTimeout: Duration = .seconds(30),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, tunnel: ProxyTunnel? = nil,
        admits: AddressRule = .any
    ) {
        self.admits = admits
        self.tunnel = tunnel
        self.endpoint = endpoint
        self.connectTimeout = connectTimeout
        self.group = group
    }

    /// Sends a request. Its connection goes back into the session when the answer's body has been read to the end.
    ///
    /// A kept connection that turns out to be dead is replaced once, if the request can be sent again.
    package func send(_ request: OutgoingRequest) async throws -> IncomingResponse {
        if let kept = take() {
            do {
                return returning(kept, try await kept.send(request))
            } catch let error where Self.mayRepeat(request, after: error) {
                await kept.close()
            }
        }
        let connection = try await open()
        return returning(connection, try await connection.send(request))
    }

    /// Opens a WebSocket on a connection of its own.
    package func webSocket(
        _ target: String, headers: HeaderFields = [:], options: WebSocketOptions = WebSocketOptions()
    ) async throws -> WebSocketConnection {
        try await open().webSocket(target, headers: headers, options: options)
    }

    /// Opens a raw upgrade on a connection of its own.
    package func raw(_ target: String, protocol name: String, headers: HeaderFields = [:]) async throws -> RawConnection
    {
        try await open().raw(target, protocol: name, headers: headers)
    }

    /// The server's certificate, from a new connection; nil without TLS.
    package func serverCertificate() async throws -> PeerCertificate? {
        let connection = try await open()
        defer { give(connection) }
        return try await connection.serverCertificate()
    }

    /// Closes the kept connections. Requests under way are not touched.
    package func close() async {
        let all = idle.withLock { kept in
            defer { kept = [] }
            return kept
        }
        for connection in all { await connection.close() }
    }

    private func open() async throws -> HTTPConnection {
        try await HTTPConnection.open(endpoint, timeout: connectTimeout, group: group, tunnel: tunnel, admits: admits)
    }

    private func take() -> HTTPConnection? {
        idle.withLock { kept in
            while let connection = kept.popLast() {
                if connection.isReusable { return connection }
            }
            return nil
        }
    }

    private func give(_ connection: HTTPConnection) {
        guard connection.isReusable else { return }
        idle.withLock { kept in
            if kept.count < idleMax { kept.append(connection) }
        }
    }

    /// Wraps the answer's body so that its end gives the connection back.
    private func returning(_ connection: HTTPConnection, _ response: IncomingResponse) -> IncomingResponse {
        let inner = response.body
        let body = IncomingBody(contentLength: inner.contentLength, limitBytes: .max) { [weak self] in
            let chunk = try await inner.next()
            if chunk == nil { self?.give(connection) }
            return chunk
        }
        return IncomingResponse(status: response.status, headers: response.headers, body: body)
    }

    private static func mayRepeat(_ request: OutgoingRequest, after error: any Error) -> Bool {
        if case .stream = request.body { return false }
        guard request.verb == .get || request.verb == .head else {
            // The server may have acted on it, unless the connection was closed before anything was sent.
            return (error as? ChannelError) == .ioOnClosedChannel
        }
        return error is ChannelError || (error as? HTTPTransportError) == .connectionClosed || error is IOError
    }
}
