import LXDHTTP
import NIOCore

/// Content to be sent that is not JSON.
public struct UploadBody: Sendable {
    let outgoing: OutgoingBody

    public static let empty = UploadBody(outgoing: .none)

    public static func bytes(_ bytes: [UInt8]) -> UploadBody { UploadBody(outgoing: .bytes(bytes)) }

    /// Content that is made while it is sent.
    ///
    /// - Parameters:
    ///   - length: Its size in bytes, if known.
    ///   - write: Gives all of it, in pieces; each call of the sink waits while the server does not read.
    public static func stream(
        length: Int?, _ write: @escaping @Sendable (_ sink: (_ piece: [UInt8]) async throws -> Void) async throws -> Void
    ) -> UploadBody {
        UploadBody(outgoing: .stream(length: length) { writer in try await write { try await writer.write($0) } })
    }
}

/// Content that comes in, with its headers; read once.
public struct Download: Sendable {
    private let response: IncomingResponse

    init(_ response: IncomingResponse) { self.response = response }

    /// A header's value; nil if the server sent none.
    public func header(_ name: String) -> String? { response.headers[name] }

    /// Size in bytes, if the server told it.
    public var length: Int? { response.body.contentLength }

    /// The next piece; nil at the end.
    public func next() async throws -> [UInt8]? {
        try await response.body.next().map { Array($0.readableBytesView) }
    }

    /// All of it.
    ///
    /// - Parameter limit: More than so many bytes are refused.
    public func collect(upTo limit: Int = 256 << 20) async throws -> [UInt8] {
        Array(try await response.body.collect(upTo: limit).readableBytesView)
    }
}
