import Crypto
import Foundation
import Glibc
import LXDHTTP
import Testing

/// Servers that have said all before the client has looked at their first word.
@Suite struct EarlyCloseTests {
    @Test func aWebSocketBringsWhatWasSentBeforeItWasClosed() async throws {
        let server = try OneAnswerServer { key in
            let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
            let head =
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Accept: \(Data(digest).base64EncodedString())\r\n\r\n"
            // Two binary messages, an empty text and the close frame.
            return Array(head.utf8) + [0x82, 2, 104, 105, 0x82, 1, 33, 0x81, 0, 0x88, 2, 0x03, 0xe8]
        }
        defer { server.stop() }
        let socket = try await HTTPClientSession(.unix(path: server.path)).webSocket("/1.0/operations/a/websocket?secret=b")
        var messages: [String] = []
        while let message = try await socket.receive() { messages.append(message.string) }
        #expect(messages == ["hi", "!", ""])
    }
}

/// Answers one request with bytes in one piece, and closes.
private final class OneAnswerServer: Sendable {
    let path = NSTemporaryDirectory() + "/lxdhttp-" + UUID().uuidString.prefix(8) + ".socket"
    private let listener: CInt

    /// - Parameter answer: Given the request's `Sec-WebSocket-Key`.
    init(_ answer: @escaping @Sendable (String) -> [UInt8]) throws {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        listener = descriptor
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0, listen(descriptor, 1) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread {
            let peer = accept(descriptor, nil, nil)
            guard peer >= 0 else { return }
            var request: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
                let count = recv(peer, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                request += buffer.prefix(count)
            }
            let lines = String(decoding: request, as: UTF8.self).components(separatedBy: "\r\n")
            let mark = "sec-websocket-key: "
            let key = lines.first { $0.lowercased().hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) } ?? ""
            let bytes = answer(key)
            _ = send(peer, bytes, bytes.count, CInt(MSG_NOSIGNAL))
            close(peer)
        }
    }

    func stop() {
        close(listener)
        unlink(path)
    }
}
