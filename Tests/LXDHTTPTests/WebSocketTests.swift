import LXDHTTP
import NIOCore
import NIOWebSocket
import Testing

@testable import LXDHTTP

@Suite struct WebSocketAssemblerTests {
    private func frame(_ opcode: WebSocketOpcode, _ text: String, fin: Bool = true) -> WebSocketFrame {
        WebSocketFrame(fin: fin, opcode: opcode, data: ByteBuffer(string: text))
    }

    @Test func fragmentsAreJoinedAndControlFramesMayComeBetween() throws {
        var assembler = WebSocketAssembler(messageBytesMax: 100, peerMasks: false)
        #expect(try assembler.accept(frame(.text, "ab", fin: false)) == nil)
        #expect(try assembler.accept(frame(.ping, "p")) == .ping(ByteBuffer(string: "p")))
        #expect(try assembler.accept(frame(.continuation, "cd", fin: false)) == nil)
        #expect(try assembler.accept(frame(.continuation, "ef")) == .message(.text("abcdef")))
        #expect(try assembler.accept(frame(.binary, "x")) == .message(.binary(ByteBuffer(string: "x"))))
    }

    @Test func maskedFramesAreUnmasked() throws {
        var assembler = WebSocketAssembler(messageBytesMax: 100, peerMasks: true)
        let key: WebSocketMaskingKey = [1, 2, 3, 4]
        var data = ByteBuffer(string: "secret")
        data.webSocketMask(key)
        #expect(
            try assembler.accept(WebSocketFrame(fin: true, opcode: .text, maskKey: key, data: data))
                == .message(.text("secret")))
    }

    @Test func brokenSequencesEndTheConnection() {
        let cases: [(frames: [WebSocketFrame], code: UInt16)] = [
            ([frame(.continuation, "a")], 1002),
            ([frame(.text, "a", fin: false), frame(.text, "b")], 1002),
            ([frame(.ping, "a", fin: false)], 1002),
            ([frame(.ping, String(repeating: "a", count: 126))], 1002),
            ([frame(.text, String(repeating: "a", count: 101))], 1009),
            (
                [
                    frame(.text, String(repeating: "a", count: 60), fin: false),
                    frame(.continuation, String(repeating: "a", count: 60)),
                ], 1009
            ),
            ([WebSocketFrame(fin: true, opcode: .text, maskKey: [1, 2, 3, 4], data: ByteBuffer())], 1002),
        ]
        for (frames, code) in cases {
            var assembler = WebSocketAssembler(messageBytesMax: 100, peerMasks: false)
            let thrown = #expect(throws: WebSocketAssembler.Violation.self) {
                for frame in frames { _ = try assembler.accept(frame) }
            }
            #expect(thrown?.close.code == code)
        }
    }

    @Test func closeFramesCarryCodeAndReason() throws {
        var assembler = WebSocketAssembler(messageBytesMax: 100, peerMasks: false)
        let close = WebSocketClose(code: 1008, reason: "too slow")
        #expect(
            try assembler.accept(WebSocketFrame(fin: true, opcode: .connectionClose, data: close.payload))
                == .close(close))
        #expect(try assembler.accept(frame(.connectionClose, "")) == .close(WebSocketClose(code: 1005)))
    }
}

@Suite struct WebSocketConnectionTests {
    private let echo: Responder = { _ in
        .webSocket(WebSocketOptions(messageBytesMax: 1 << 20)) { socket in
            for try await message in socket { try await socket.send(message) }
        }
    }

    @Test(arguments: [0, 1, 125, 126, 65535, 65536, 1 << 20]) func messagesOfAllLengthsComeBack(_ length: Int)
        async throws
    {
        try await TestServer.with(responder: echo) { server in
            let socket = try await server.session.webSocket("/")
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
            try await socket.send(binary: bytes)
            #expect(try await socket.receive()?.bytes == bytes)
        }
    }

    @Test func aTooLongMessageClosesWithItsCode() async throws {
        try await TestServer.with(responder: echo) { server in
            let socket = try await server.session.webSocket("/")
            try await socket.send(binary: [UInt8](repeating: 0, count: (1 << 20) + 1))
            #expect(try await socket.receive() == nil)
            #expect(socket.closeReceived?.code == 1009)
        }
    }

    @Test func theServerAnswersTheCloseHandshake() async throws {
        try await TestServer.with(responder: echo) { server in
            let socket = try await server.session.webSocket("/")
            await socket.close(WebSocketClose(code: 1001, reason: "bye"))
            #expect(try await socket.receive() == nil)
            #expect(socket.closeReceived == WebSocketClose(code: 1001, reason: "bye"))
            #expect(try await eventually { server.listener.connectionCount == 0 })
        }
    }

    @Test func anUnmaskedClientFrameIsRefused() async throws {
        try await TestServer.with(responder: echo) { server in
            let socket = try RawSocket(server.path)
            socket.send(
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            #expect(await socket.receive(until: "\r\n\r\n").contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            socket.send([0x81, 0x01, 0x61])
            let answer = await socket.receive(bytes: 4)
            #expect(answer.first == 0x88 && answer.dropFirst(2).prefix(2) == [0x03, 0xEA])
        }
    }

    @Test func aSlowReaderHoldsTheWriterBack() async throws {
        let sent = Counter()
        try await TestServer.with(responder: { _ in
            .webSocket { socket in
                let chunk = [UInt8](repeating: 7, count: 64 << 10)
                for _ in 0..<1000 {
                    try await socket.send(binary: chunk)
                    sent.add(chunk.count)
                }
            }
        }) { server in
            let socket = try await server.session.webSocket("/")
            _ = try await socket.receive()
            try await Task.sleep(for: .milliseconds(300))
            #expect(sent.value < 16 << 20)
            socket.abort()
        }
    }

    @Test func rawBytesFlowBothWaysAndCloseOneByOne() async throws {
        try await TestServer.with(responder: { request in
            guard request.upgrade == .raw(name: "sftp") else { return text("no", status: 400) }
            return .raw { raw in
                var all = ByteBuffer()
                while let bytes = try await raw.receive() { all.writeImmutableBuffer(bytes) }
                try await raw.send(all)
            }
        }) { server in
            let raw = try await server.session.raw("/", protocol: "sftp")
            try await raw.send(Array("over and out".utf8))
            try await raw.closeOutput()
            var answer = ""
            while let bytes = try await raw.receive() { answer += String(buffer: bytes) }
            #expect(answer == "over and out")
        }
    }

    @Test func bytesSentWithTheUpgradeRequestAreKept() async throws {
        try await TestServer.with(responder: { _ in
            .raw { raw in if let bytes = try await raw.receive() { try await raw.send(bytes) } }
        }) { server in
            let socket = try RawSocket(server.path)
            socket.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: sftp\r\n\r\nearly")
            #expect(await socket.receive(until: "early").hasPrefix("HTTP/1.1 101"))
        }
    }
}
