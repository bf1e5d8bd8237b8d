internal import FoundationEssentials
package import LXDAPI
package import LXDHTTP

/// What a handler answers; errors are thrown instead.
package struct Answer: Sendable {
    let reply: Reply

    private init(_ reply: Reply) { self.reply = reply }

    /// Done, nothing to say: LXD's empty sync response.
    package static var done: Answer { Answer(Envelope.sync(Data("{}".utf8))) }

    /// A value, with an ETag of something when clients may change it.
    ///
    /// - Parameters:
    ///   - etag: The state the value stands for, hashed; nil: no ETag header.
    ///   - headers: Further headers.
    package static func sync(
        _ value: some Encodable, etag: (any Encodable)? = nil, headers: HeaderFields = [:]
    ) throws(LXDError) -> Answer {
        var headers = headers
        if let etag { headers["ETag"] = "\"\(try Self.hash(etag))\"" }
        return Answer(Envelope.sync(try LXDJSON.encode(value), headers: headers))
    }

    /// A list that may be long: its parts are encoded side by side.
    package static func list<Element: Encodable & Sendable>(_ elements: [Element]) async throws -> Answer {
        let share = 128
        guard elements.count > share else { return try sync(elements) }
        let parts = try await withThrowingTaskGroup(of: (Int, Data).self, returning: [Data].self) { group in
            for start in stride(from: 0, to: elements.count, by: share) {
                group.addTask {
                    (start / share, try LXDJSON.encode(Array(elements[start..<min(start + share, elements.count)])))
                }
            }
            var parts = [Data](repeating: Data(), count: (elements.count + share - 1) / share)
            for try await (index, part) in group { parts[index] = part }
            return parts
        }
        return Answer(Envelope.sync(parts: parts))
    }

    /// Created: 201 with its path.
    package static func created(_ location: String) -> Answer {
        Answer(Envelope.sync(Data("{}".utf8), status: 201, headers: ["Location": location]))
    }

    /// Created: 201 with its path and a value.
    package static func created(_ location: String, _ value: some Encodable) throws(LXDError) -> Answer {
        Answer(Envelope.sync(try LXDJSON.encode(value), status: 201, headers: ["Location": location]))
    }

    /// An operation was started: 202 with its path.
    package static func async(_ operation: Operation) throws(LXDError) -> Answer {
        Answer(try Envelope.async(operation))
    }

    /// An answer of one's own, without the envelope: files, logs, metrics.
    package static func response(_ response: OutgoingResponse) -> Answer { Answer(.response(response)) }

    /// A file's bytes.
    ///
    /// - Parameters:
    ///   - fileName: For `Content-Disposition`; nil leaves it out.
    ///   - length: Announced when known.
    ///   - write: Writes exactly `length` bytes; throwing cuts the answer off visibly.
    package static func file(
        named fileName: String?, length: Int?, headers: HeaderFields = [:],
        write: @escaping @Sendable (BodyWriter) async throws -> Void
    ) -> Answer {
        var headers = headers
        headers["Content-Type"] = headers["Content-Type"] ?? "application/octet-stream"
        if let fileName { headers["Content-Disposition"] = "inline;filename=\(fileName)" }
        return Answer(.response(OutgoingResponse(headers: headers, body: .stream(length: length, write: write))))
    }

    /// The connection becomes a WebSocket and ends when `serve` returns.
    package static func webSocket(
        options: WebSocketOptions = WebSocketOptions(),
        _ serve: @escaping @Sendable (WebSocketConnection) async throws -> Void
    ) -> Answer {
        Answer(.webSocket(options, serve: serve))
    }

    /// The connection becomes plain bytes and ends when `serve` returns. The request's `Upgrade` names the protocol.
    package static func raw(_ serve: @escaping @Sendable (RawConnection) async throws -> Void) -> Answer {
        Answer(.raw(serve: serve))
    }

    /// The answer for an error; messages of ours go out, causes to the log only.
    package static func error(_ error: any Error) -> Answer {
        Answer(Envelope.error(Self.visible(error)))
    }

    private static func visible(_ error: any Error) -> LXDError {
        switch error {
        case let error as LXDError: error
        case let error as HTTPTransportError: error.asLXDError
        default: .from(error)
        }
    }

    private static func hash(_ value: any Encodable) throws(LXDError) -> String {
        func open(_ value: some Encodable) throws(LXDError) -> String { try EntityTag.of(value) }
        return try open(value)
    }
}

/// LXD's envelope around answers, written as bytes: it is the same for all types.
enum Envelope {
    private static let syncHead =
        #"{"type":"sync","status":"Success","status_code":200,"operation":"","error_code":0,"error":"","metadata":"#

    static func sync(_ metadata: Data, status: Int = 200, headers: HeaderFields = [:]) -> Reply {
        var body = Data(capacity: syncHead.utf8.count + metadata.count + 2)
        body.append(contentsOf: syncHead.utf8)
        body.append(metadata)
        body.append(contentsOf: "}\n".utf8)
        return reply(status, body, headers)
    }

    /// A list in parts, each of them a list that is not empty.
    static func sync(parts: [Data]) -> Reply {
        var body = Data(capacity: parts.reduce(syncHead.utf8.count + 4) { $0 + $1.count })
        body.append(contentsOf: syncHead.utf8)
        body.append(UInt8(ascii: "["))
        for (index, part) in parts.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(part.dropFirst().dropLast())
        }
        body.append(contentsOf: "]}\n".utf8)
        return reply(200, body, [:])
    }

    static func async(_ operation: Operation) throws(LXDError) -> Reply {
        let path = "/1.0/operations/\(operation.id)"
        var body = Data(
            #"{"type":"async","status":"Operation created","status_code":100,"operation":"\#(path)","error_code":0,"error":"","metadata":"#
                .utf8)
        body.append(try LXDJSON.encode(operation))
        body.append(contentsOf: "}\n".utf8)
        return reply(202, body, ["Location": path])
    }

    static func error(_ error: LXDError) -> Reply {
        let status = error.code.httpStatus
        // A string always encodes; the fallback only satisfies the compiler's view of it.
        let message = (try? LXDJSON.encodeString(error.message)) ?? "\"\""
        let body =
            Data(
                #"{"type":"error","status":"","status_code":0,"operation":"","error_code":\#(status),"error":\#(message),"metadata":null}"#
                    .utf8)
            + Data("\n".utf8)
        return reply(status, body, ["X-Content-Type-Options": "nosniff"])
    }

    private static func reply(_ status: Int, _ body: Data, _ headers: HeaderFields) -> Reply {
        var response = OutgoingResponse.json(status: status, body)
        for field in headers.fields { response.headers[field.name] = field.value }
        return .response(response)
    }
}
