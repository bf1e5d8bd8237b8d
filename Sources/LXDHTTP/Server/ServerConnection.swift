internal import Crypto
internal import Foundation
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// Serves the requests of one connection one after another, until it closes or becomes something else.
struct ServerConnection: Sendable {
    typealias Link = WireLink<HTTPRequestHead, HTTPResponseHead>

    let link: Link
    let info: ConnectionInfo
    let limits: HTTPLimits
    let activity: ConnectionActivity
    let responder: Responder
    let logger: Logger

    /// Returns when the connection is to be closed; everything sent has been flushed.
    func serve() async throws {
        do {
            while let part = try await link.next() {
                guard case .head(let head) = part else { throw HTTPTransportError.protocolViolation("no request head") }
                activity.setBusy(true)
                guard try await serve(head) else { return }
                activity.setBusy(false)
            }
        } catch let error as HTTPParserError {
            try await refuse(status: error == .headerOverflow ? 431 : 400, text: "Bad request: \(error)")
        }
    }

    /// - Returns: Whether the connection can take another request.
    private func serve(_ head: HTTPRequestHead) async throws -> Bool {
        let request = IncomingRequest(
            verb: HTTPVerb(rawValue: head.method.rawValue), target: head.uri, headers: HeaderFields(head.headers),
            body: body(of: head), connection: info)
        switch await responder(request) {
        case .response(let response):
            return try await answer(response, to: request, head: head)
        case .webSocket(let options, let run):
            guard case .webSocket(let key)? = request.upgrade else {
                return try await answer(Self.notAnUpgrade("websocket"), to: request, head: head)
            }
            try await switchProtocol(to: .webSocket(options), headers: webSocketHeaders(key), request: request)
            try await serveWebSocket(run)
        case .raw(let run):
            guard case .raw(let name)? = request.upgrade else {
                return try await answer(Self.notAnUpgrade("stream"), to: request, head: head)
            }
            try await switchProtocol(
                to: .raw, headers: [("Connection", "Upgrade"), ("Upgrade", name)], request: request)
            try await run(RawConnection(link: link))
        }
        return false
    }

    private func body(of head: HTTPRequestHead) -> IncomingBody {
        let expectsContinue = head.headers.first(name: "expect")?.lowercased() == "100-continue"
        let isChunked = head.headers.contains(name: "transfer-encoding")
        let length = isChunked ? nil : head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        let announce: @Sendable () async throws -> Void = { [link] in
            try await link.send(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
        }
        return IncomingBody(
            contentLength: length, limitBytes: limits.bodyBytesMax, onFirstRead: expectsContinue ? announce : nil
        ) { [link] in
            switch try await link.next() {
            case .body(let buffer)?: return buffer
            case .end?: return nil
            case nil: throw HTTPTransportError.bodyTruncated
            default: throw HTTPTransportError.protocolViolation("no request body")
            }
        }
    }

    private func answer(_ response: OutgoingResponse, to request: IncomingRequest, head: HTTPRequestHead) async throws
        -> Bool
    {
        // After an upgrade request NIO's decoder stops; and a body left unread past a bound is cheaper to cut off.
        let keepAlive =
            head.isKeepAlive && !head.headers.contains(name: "upgrade") && canSkipRest(of: request.body, head)
        var fields = response.headers
        fields["Date"] = HTTPDate.now
        if !keepAlive {
            fields["Connection"] = "close"
        } else if head.version.minor == 0 {
            fields["Connection"] = "keep-alive"
        }
        if let length = response.body.length, response.status >= 200, response.status != 204,
            fields["Content-Length"] == nil
        {
            fields["Content-Length"] = String(length)
        }
        let responseHead = HTTPResponseHead(
            version: head.version, status: HTTPResponseStatus(statusCode: response.status), headers: fields.nioHeaders)
        try await send(responseHead, response.body, bodyless: head.method == .HEAD, last: !keepAlive)
        guard keepAlive else {
            await lingerBriefly(request.body)
            return false
        }
        while try await request.body.next() != nil {}
        return true
    }

    private func send(_ head: HTTPResponseHead, _ body: OutgoingBody, bodyless: Bool, last: Bool) async throws {
        switch body {
        case .bytes(let buffer) where !bodyless && !last:
            return try await link.send(contentsOf: [.head(head), .body(buffer), .end])
        case .bytes(let buffer) where !bodyless:
            try await link.send(contentsOf: [.head(head), .body(buffer)])
        case .stream(let length, let write) where !bodyless:
            try await link.send(.head(head))
            let writer = BodyWriter { [link] in try await link.send(.body($0)) }
            try await write(writer)
            // Too short: the client must see a broken message, not a shorter file.
            if let length, writer.writtenBytes != length { throw HTTPTransportError.bodyLengthMismatch }
        default:
            try await link.send(.head(head))
        }
        if last { try await link.sendAndFlush(.end) } else { try await link.send(.end) }
    }

    /// Whether the rest of a request's body is small enough to be read and thrown away.
    private func canSkipRest(of body: IncomingBody, _ head: HTTPRequestHead) -> Bool {
        if body.isFinished { return true }
        if head.headers.first(name: "expect") != nil { return body.contentLength == 0 }
        guard let length = body.contentLength else { return false }
        return length <= 256 << 10
    }

    /// Closing with unread bytes in the socket resets the connection, and the client would lose our answer.
    private func lingerBriefly(_ body: IncomingBody) async {
        guard !body.isFinished, body.contentLength != 0 else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [link] in
                try? await link.closeOutput()  // The answer is out; a peer that is gone needs nothing more.
                while let part = try? await link.next() { if case .end = part { return } }
            }
            group.addTask { try? await Task.sleep(for: .seconds(2)) }  // Cancelled when the peer is done sooner.
            await group.next()
            group.cancelAll()
        }
    }

    private func switchProtocol(to target: SwitchTarget, headers: [(String, String)], request: IncomingRequest)
        async throws
    {
        while try await request.body.next() != nil {}
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: HTTPHeaders(headers))
        try await link.send(contentsOf: [.head(head), .switchProtocol(target)])
    }

    private func serveWebSocket(_ run: @Sendable (WebSocketConnection) async throws -> Void) async throws {
        let socket = WebSocketConnection(link: link)
        do {
            try await run(socket)
            await socket.close()
        } catch {
            logger.debug("websocket ended: \(error)")
            await socket.close(WebSocketClose(code: 1011))
        }
        // The other side answers our close frame, or the handler cuts it off; reading lets its frame arrive.
        while (try? await socket.receive()) != nil {}
        await socket.waitUntilClosed()
    }

    private func webSocketHeaders(_ key: String) -> [(String, String)] {
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return [
            ("Connection", "Upgrade"), ("Upgrade", "websocket"),
            ("Sec-WebSocket-Accept", Data(digest).base64EncodedString()),
        ]
    }

    private func refuse(status: Int, text: String) async throws {
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status),
            headers: [
                "Connection": "close", "Content-Type": "text/plain; charset=utf-8",
                "Content-Length": "\(text.utf8.count)",
            ])
        try await link.send(contentsOf: [.head(head), .body(ByteBuffer(string: text))])
        try await link.sendAndFlush(.end)
    }

    private static func notAnUpgrade(_ kind: String) -> OutgoingResponse {
        let text = #"{"type":"error","error":"This endpoint needs a \#(kind) upgrade","error_code":400}"# + "\n"
        return OutgoingResponse(status: 400, headers: ["Content-Type": "application/json"], body: .string(text))
    }
}
