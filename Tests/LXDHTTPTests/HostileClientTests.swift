import Foundation
import Glibc
import LXDAuth
import LXDHTTP
import Logging
import NIOCore
import Testing

/// Clients that want to keep the server from serving others, or to make it take one request for two.
@Suite struct HostileClientTests {
    @Test func manySlowClientsDoNotKeepOthersFromBeingServed() async throws {
        var limits = HTTPLimits()
        limits.headTimeout = .seconds(60)
        try await TestServer.with(limits: limits, responder: { _ in text("ok") }) { server in
            let slow = try SlowClients(server.path, count: 500)
            defer { slow.close() }
            #expect(try await eventually { server.listener.connectionCount >= 500 })
            for _ in 0..<20 {
                slow.sendOneByteEach()
                let response = try await server.session.send(OutgoingRequest(.get, "/", timeout: .seconds(10)))
                #expect(response.status == 200)
                _ = try await response.body.collect(upTo: 10)
            }
        }
    }

    @Test func slowHeadsAreCutOffThoughBytesKeepComing() async throws {
        var limits = HTTPLimits()
        limits.headTimeout = .milliseconds(300)
        try await TestServer.with(limits: limits, responder: { _ in text("ok") }) { server in
            let slow = try SlowClients(server.path, count: 20)
            defer { slow.close() }
            let gone = try await eventually {
                slow.sendOneByteEach()
                return server.listener.connectionCount == 0
            }
            #expect(gone)
        }
    }

    @Test func anIdleConnectionIsClosedWithinAMinute() async throws {
        let limits = HTTPLimits()
        // The wire looks every five seconds at most.
        #expect(limits.idleTimeout + .seconds(5) < .seconds(60) && limits.headTimeout + .seconds(5) < .seconds(60))
        var short = HTTPLimits()
        short.idleTimeout = .milliseconds(200)
        try await TestServer.with(limits: short, responder: { _ in text("ok") }) { server in
            let socket = try RawSocket(server.path)
            socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await socket.receive().hasSuffix("ok"))
            #expect(try await eventually { server.listener.connectionCount == 0 })
        }
    }

    /// What is sent behind the head of a chunked request, and how the answer begins.
    @Test(arguments: [
        "zz\r\nabc\r\n0\r\n\r\n", "-1\r\nabc\r\n", "ffffffffffffffffffff\r\nabc\r\n", "3\r\nabcde\r\n0\r\n\r\n",
        String(repeating: "1", count: 100_000),
    ])
    func aBrokenChunkIsNeverTakenForABody(_ chunks: String) async throws {
        let responder: Responder = { request in
            do { return text("took \(try await request.body.collect(upTo: 1 << 20).readableBytes)") } catch {
                return text("refused", status: 400)
            }
        }
        try await TestServer.with(responder: responder) { server in
            let socket = try RawSocket(server.path)
            socket.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
            socket.closeOutput()
            let answer = await socket.receive()
            #expect(!answer.contains("took") && !answer.contains("HTTP/1.1 200"))
        }
    }

    /// Two lengths, or a length that is none: who stands before us might have read another one.
    @Test(arguments: [
        "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: +3\r\n", "Content-Length: 3x\r\n", "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip, identity\r\n", "Content-Length : 3\r\n",
    ])
    func aMessageOfDoubtfulLengthIsRefused(_ fields: String) async throws {
        try await TestServer.with(responder: { request in text("<\(request.target)>") }) { server in
            let socket = try RawSocket(server.path)
            socket.send("POST /a HTTP/1.1\r\nHost: a\r\n\(fields)\r\nabcGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")
            socket.closeOutput()
            #expect(await !socket.receive().contains("evil"))
        }
    }

    @Test func tooManyHeadersAreRefused() async throws {
        try await TestServer.with(responder: { _ in text("ok") }) { server in
            let socket = try RawSocket(server.path)
            let fields = (0..<1000).map { "X-\($0): 1\r\n" }.joined()
            socket.send("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
            #expect(await socket.receive().hasPrefix("HTTP/1.1 431"))
        }
    }

    @Test func aFloodOfPipelinedRequestsWaitsForItsAnswers() async throws {
        let handled = Counter()
        try await TestServer.with(responder: { _ in
            handled.add()
            return .response(OutgoingResponse(body: .string(String(repeating: "x", count: 1 << 20))))
        }) { server in
            let socket = try RawSocket(server.path)
            socket.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000))
            try await Task.sleep(for: .milliseconds(500))
            // Nobody reads: what the socket holds is all that was made.
            #expect(handled.value < 20)
        }
    }

    @Test func aClientThatConnectsAndSaysNothingDoesNotKeepItsPlace() async throws {
        let pair = try KeyPair.make(.server, addsHosts: true)
        var limits = HTTPLimits()
        limits.headTimeout = .milliseconds(200)
        let server = HTTPServer(limits: limits, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { _ in
            text("ok")
        }
        let listener = try await server.listen(
            on: .tcp(host: "127.0.0.1", port: 0),
            tls: ServerTLS(certificatePEM: pair.certificatePEM, keyPEM: pair.keyPEM))
        let port = try #require(listener.address.split(separator: ":").last.flatMap { UInt16($0) })
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(connected == 0)
        #expect(try await eventually { listener.connectionCount == 1 })
        #expect(try await eventually { listener.connectionCount == 0 })
        await server.shutdown(grace: .zero)
    }
}

/// Connections that send a head byte by byte and never end it.
private final class SlowClients {
    private let descriptors: [CInt]

    init(_ path: String, count: Int) throws {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        var opened: [CInt] = []
        for _ in 0..<count {
            let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
            let result = withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
            opened.append(descriptor)
            _ = send(descriptor, "GET /", 5, CInt(MSG_NOSIGNAL))
        }
        descriptors = opened
    }

    func sendOneByteEach() {
        for descriptor in descriptors { _ = send(descriptor, "a", 1, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)) }
    }

    func close() { for descriptor in descriptors { Glibc.close(descriptor) } }
}
