internal import Foundation
package import NIOCore

/// A whole WebSocket message, fragments joined and unmasked.
package struct WebSocketMessage: Sendable, Equatable {
    package enum Kind: Sendable { case text, binary }

    package var kind: Kind
    package var data: ByteBuffer

    package init(kind: Kind, data: ByteBuffer) {
        self.kind = kind
        self.data = data
    }

    package static func text(_ string: String) -> WebSocketMessage {
        .init(kind: .text, data: ByteBuffer(string: string))
    }
    package static func binary(_ data: ByteBuffer) -> WebSocketMessage { .init(kind: .binary, data: data) }
    package static func binary(_ bytes: [UInt8]) -> WebSocketMessage {
        .init(kind: .binary, data: ByteBuffer(bytes: bytes))
    }

    package var string: String { String(buffer: data) }
    package var bytes: [UInt8] { Array(data.readableBytesView) }
}

/// Why a WebSocket ended (RFC 6455, section 7.4).
package struct WebSocketClose: Sendable, Equatable {
    /// 1000–4999; 1005 stands for a close frame without a code.
    package var code: UInt16
    /// At most 123 bytes are sent.
    package var reason: String

    package init(code: UInt16 = 1000, reason: String = "") {
        self.code = code
        self.reason = reason
    }

    package static let normal = WebSocketClose()
    package static let goingAway = WebSocketClose(code: 1001)

    var payload: ByteBuffer {
        var buffer = ByteBuffer()
        guard code != 1005 else { return buffer }
        buffer.writeInteger(code)
        buffer.writeBytes(reason.utf8.prefix(123))
        return buffer
    }

    init(payload: ByteBuffer) {
        var payload = payload
        code = payload.readInteger() ?? 1005
        reason = String(buffer: payload)
    }
}
