import Foundation
import NIOCore
import Testing

@testable import LXDHTTP

@Suite struct ServerConnectionTests {
    @Test func aRefusedUpgradeIsAnOrdinaryAnswer() async throws {
        try await TestServer.with(responder: { _ in text("no such thing", status: 404) }) { server in
            let socket = try RawSocket(server.path)
            socket.send(
                "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n"
            )
            let answer = await socket.receive()
            #expect(answer.hasPrefix("HTTP/1.1 404"))
            #expect(answer.hasSuffix("no such thing"))
        }
    }

    @Test func anUpgradeAnswerToAnOrdinaryRequestIsABadRequest() async throws {
        try await TestServer.with(responder: { _ in .webSocket { _ in } }) { server in
            let response = try await server.session.send(OutgoingRequest(.get, "/1.0/events"))
            #expect(response.status == 400)
        }
    }

    @Test func aKeptConnectionCanStillBeUpgraded() async throws {
        let responder: Responder = { request in
            request.path == "/ws" ? .webSocket { try await $0.send(text: "hello") } : text("plain")
        }
        try await TestServer.with(responder: responder) { server in
            let connection = try await HTTPConnection.open(.unix(path: server.path))
            let first = try await connection.send(OutgoingRequest(.get, "/"))
            #expect(String(buffer: try await first.body.collect(upTo: 100)) == "plain")
            #expect(connection.isReusable)
            let socket = try await connection.webSocket("/ws")
            #expect(try await socket.receive()?.string == "hello")
            #expect(try await socket.receive() == nil)
            #expect(socket.closeReceived?.code == 1000)
        }
    }

    @Test(arguments: 1...20) func aMessageRightBehindTheUpgradeArrives(_: Int) async throws {
        try await TestServer.with(responder: { _ in .webSocket { try await $0.send(text: "first") } }) { server in
            let socket = try await server.session.webSocket("/")
            #expect(try await socket.receive()?.string == "first")
        }
    }

    @Test func giantHeadersAreRefusedWithoutReadingThemAll() async throws {
        var limits = HTTPLimits()
        limits.headBytesMax = 16 << 10
        try await TestServer.with(limits: limits, responder: { _ in text("ok") }) { server in
            let socket = try RawSocket(server.path)
            socket.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 64 << 10) + "\r\n\r\n")
            #expect(await socket.receive().hasPrefix("HTTP/1.1 431"))
        }
    }

    @Test func garbageIsABadRequest() async throws {
        try await TestServer.with(responder: { _ in text("ok") }) { server in
            let socket = try RawSocket(server.path)
            socket.send("\u{1}\u{2}\u{3} nonsense\r\n\r\n")
            #expect(await socket.receive().hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test func aSlowHeadIsCutOff() async throws {
        var limits = HTTPLimits()
        limits.headTimeout = .milliseconds(200)
        try await TestServer.with(limits: limits, responder: { _ in text("ok") }) { server in
            let socket = try RawSocket(server.path)
            let start = Date()
            socket.send("GET / HT")
            #expect(await socket.receive() == "")
            #expect(Date().timeIntervalSince(start) < 3)
        }
    }

    @Test func aBodyThatStopsIsCutOff() async throws {
        var limits = HTTPLimits()
        limits.bodyTimeout = .milliseconds(200)
        let responder: Responder = { request in
            do { return text("\(try await request.body.collect(upTo: 1 << 20).readableBytes)") } catch {
                return text("cut", status: 400)
            }
        }
        try await TestServer.with(limits: limits, responder: responder) { server in
            let socket = try RawSocket(server.path)
            socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
            let answer = await socket.receive()
            #expect(!answer.contains("200"))
        }
    }

    @Test func clientsThatLeaveInTheMiddleLeaveNothing() async throws {
        try await TestServer.with(responder: { request in
            _ = try? await request.body.collect(upTo: 1 << 20)
            return text("ok")
        }) { server in
            for start in [
                "", "GET", "GET / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
            ] {
                let socket = try RawSocket(server.path)
                socket.send(start)
            }
            #expect(try await eventually { server.listener.connectionCount == 0 })
        }
    }

    @Test func aHalfClosedClientStillGetsItsAnswer() async throws {
        try await TestServer.with(responder: { _ in
            try? await Task.sleep(for: .milliseconds(50))
            return text("late")
        }) { server in
            let socket = try RawSocket(server.path)
            socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            socket.closeOutput()
            #expect(await socket.receive().hasSuffix("late"))
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await TestServer.with(responder: { request in text("<\(request.target)>") }) { server in
            let socket = try RawSocket(server.path)
            socket.send((1...5).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            let answer = await socket.receive(until: "</5>")
            let order = (1...5).compactMap { answer.range(of: "</\($0)>")?.lowerBound }
            #expect(order.count == 5 && order == order.sorted())
        }
    }

    @Test func anUnreadBodyDoesNotBecomeTheNextRequest() async throws {
        try await TestServer.with(responder: { request in text("<\(request.target)>") }) { server in
            let socket = try RawSocket(server.path)
            socket.send(
                "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 24\r\n\r\nGET /evil HTTP/1.1\r\n\r\n..GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            let answer = await socket.receive(until: "</b>")
            #expect(answer.contains("</a>") && !answer.contains("evil"))
        }
    }

    @Test func continueIsSentWhenTheBodyIsWanted() async throws {
        try await TestServer.with(responder: { request in
            text("\((try? await request.body.collect(upTo: 100).readableBytes) ?? -1)")
        }) { server in
            let socket = try RawSocket(server.path)
            socket.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            #expect(await socket.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
            socket.send("abc")
            #expect(await socket.receive(until: "\r\n\r\n3").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func aBodyBeyondTheLimitIsRefused() async throws {
        try await TestServer.with(responder: { request in
            request.body.limit(toBytes: 1000)
            do {
                while try await request.body.next() != nil {}
                return text("all")
            } catch {
                return text("\(error)", status: 413)
            }
        }) { server in
            let response = try await server.session.send(
                OutgoingRequest(
                    .post, "/",
                    body: .stream(length: nil) {
                        for _ in 0..<8 { try await $0.write([UInt8](repeating: 1, count: 500)) }
                    }))
            #expect(response.status == 413)
        }
    }

    /// NIO ends the process when a connection is accepted while its listener goes away and nobody takes it.
    @Test func clientsThatConnectWhileAListenerIsDroppedDoNoHarm() async throws {
        for _ in 0..<50 {
            try await TestServer.with(responder: { _ in text("ok") }) { server in
                let path = server.path
                let clients = Task { for _ in 0..<20 { _ = try? RawSocket(path) } }
                await server.server.drop(server.listener)
                await clients.value
            }
        }
    }

    @Test func connectionsBeyondTheLimitAreClosed() async throws {
        var limits = HTTPLimits()
        limits.connectionsMax = 2
        try await TestServer.with(limits: limits, responder: { _ in text("ok") }) { server in
            let first = try RawSocket(server.path)
            let second = try RawSocket(server.path)
            #expect(try await eventually { server.listener.connectionCount == 2 })
            let third = try RawSocket(server.path)
            third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await third.receive() == "")
            first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await first.receive(until: "ok").hasPrefix("HTTP/1.1 200"))
            second.send("")
        }
    }

    @Test func aHeaderValueCannotStartAnotherHeader() async throws {
        try await TestServer.with(responder: { _ in
            .response(OutgoingResponse(headers: ["X-Name": "a\r\nSet-Cookie: b"], body: .string("ok")))
        }) { server in
            let response = try await server.session.send(OutgoingRequest(.get, "/"))
            #expect(response.headers["Set-Cookie"] == nil)
            #expect(response.headers["X-Name"] == "a  Set-Cookie: b")
        }
    }

    @Test func aStreamShorterThanAnnouncedIsVisiblyBroken() async throws {
        try await TestServer.with(responder: { _ in
            .response(OutgoingResponse(body: .stream(length: 100) { try await $0.write("short") }))
        }) { server in
            let response = try await server.session.send(OutgoingRequest(.get, "/"))
            await #expect(throws: (any Error).self) { try await response.body.collect(upTo: 1000) }
        }
    }

    @Test func headAnswersHaveALengthAndNoBody() async throws {
        try await TestServer.with(responder: { _ in text("12345") }) { server in
            let connection = try await HTTPConnection.open(.unix(path: server.path))
            let response = try await connection.send(OutgoingRequest(.head, "/"))
            #expect(response.headers["Content-Length"] == "5")
            #expect(try await response.body.collect(upTo: 10).readableBytes == 0)
            #expect(connection.isReusable)
        }
    }

    @Test func answersAreDated() async throws {
        #expect(HTTPDate.text(of: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate.text(of: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        try await TestServer.with(responder: { _ in text("ok") }) { server in
            let response = try await server.session.send(OutgoingRequest(.get, "/"))
            #expect(response.headers["Date"]?.hasSuffix(" GMT") == true)
        }
    }

    @Test func thePeerOfAUnixSocketIsThisProcess() async throws {
        try await TestServer.with(responder: { request in
            guard case .unix(let process) = request.connection.peer else { return text("?") }
            return text("\(process.pid) \(process.uid)")
        }) { server in
            let response = try await server.session.send(OutgoingRequest(.get, "/"))
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == "\(getpid()) \(getuid())")
        }
    }
}
