import Foundation
import Glibc
import LXDAuth
import LXDHTTP
import NIOCore
import Logging
import NIOCore
import Synchronization
import Testing

@Suite struct WebClientTests {
    /// A TLS server that answers with the path it was asked for, and a client that trusts nobody else.
    private func withServer(
        proxies: (Int) -> ProxyRules = { _ in ProxyRules() }, _ body: (WebClient, _ port: UInt16) async throws -> Void
    ) async throws {
        let pair = try KeyPair.make(.server, addsHosts: true)
        let server = HTTPServer(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { request in
            switch request.path {
            case "/to-http":
                .response(OutgoingResponse(status: 302, headers: ["Location": "http://127.0.0.1:1/"]))
            case "/around":
                .response(OutgoingResponse(status: 307, headers: ["Location": "/end"]))
            default: text(request.target)
            }
        }
        let listener = try await server.listen(
            on: .tcp(host: "127.0.0.1", port: 0),
            tls: ServerTLS(certificatePEM: pair.certificatePEM, keyPEM: pair.keyPEM))
        let port = try #require(listener.address.split(separator: ":").last.flatMap { UInt16($0) })
        var settings = WebClient.Settings()
        settings.verification = .pinned(der: try CertificateFacts(pem: pair.certificatePEM).der)
        settings.proxies = proxies(Int(port))
        try await body(WebClient(settings), port)
        await server.shutdown(grace: .milliseconds(100))
    }

    private func fetch(_ client: WebClient, _ url: String) async throws -> String {
        let answer = try await client.send(.get, try #require(WebAddress(url)))
        return String(buffer: try await answer.body.collect(upTo: 1000))
    }

    @Test func redirectsNeverLeaveTLS() async throws {
        try await withServer { client, port in
            let around = try await fetch(client, "https://127.0.0.1:\(port)/around")
            #expect(around == "/end")
            let error = await #expect(throws: WebError.self) {
                _ = try await fetch(client, "https://127.0.0.1:\(port)/to-http?secret")
            }
            #expect(error == .insecureRedirect(from: "https://127.0.0.1:\(port)/to-http", to: "http://127.0.0.1:1/"))
        }
    }

    @Test func tlsGoesThroughAProxyByATunnel() async throws {
        let proxy = try TunnelProxy()
        try await withServer(proxies: { port in
            proxy.start(target: port)
            return ProxyRules(https: "http://me:secret@127.0.0.1:\(proxy.port)")
        }) { client, port in
            let answer = try await fetch(client, "https://far.example:\(port)/x?y")
            #expect(answer == "/x?y")
            #expect(
                proxy.heads.first?.hasPrefix("CONNECT far.example:\(port) HTTP/1.1\r\nHost: far.example:\(port)\r\n")
                    == true)
            #expect(proxy.heads.first?.contains("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n") == true)
        }
    }

    @Test func aProxyThatRefusesIsHeard() async throws {
        let proxy = try TunnelProxy(answer: "HTTP/1.1 403 Not for you\r\n\r\n")
        try await withServer(proxies: { port in
            proxy.start(target: port)
            return ProxyRules(https: "127.0.0.1:\(proxy.port)")
        }) { client, port in
            let error = await #expect(throws: WebError.self) {
                _ = try await fetch(client, "https://far.example:\(port)/")
            }
            #expect(error == .proxyRefused(status: "HTTP/1.1 403 Not for you"))
        }
    }

    @Test func plainHTTPIsAskedOfTheProxyWhole() async throws {
        let server = HTTPServer(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { request in
            text(request.target + " " + (request.headers["Host"] ?? ""))
        }
        let listener = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        var settings = WebClient.Settings()
        settings.proxies = ProxyRules(http: listener.address)
        let answer = try await fetch(WebClient(settings), "http://far.example/x")
        #expect(answer == "http://far.example/x far.example")
        await server.shutdown(grace: .milliseconds(100))
    }
}

/// A proxy that leads every tunnel to one port of this machine.
private final class TunnelProxy: Sendable {
    let port: UInt16
    private let listener: CInt
    private let answer: String
    private let seen = Mutex<[String]>([])

    /// What was asked of it.
    var heads: [String] { seen.withLock { $0 } }

    init(answer: String = "HTTP/1.1 200 Connection established\r\n\r\n") throws {
        self.answer = answer
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        listener = descriptor
        var address = Self.local(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, name, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, name, &length) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            throw POSIXError(.EADDRINUSE)
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(listener) }

    func start(target: Int) {
        Thread.detachNewThread { [self] in
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            var head: [UInt8] = []
            var byte: UInt8 = 0
            while !head.suffix(4).elementsEqual([13, 10, 13, 10]), recv(client, &byte, 1, 0) == 1 { head.append(byte) }
            seen.withLock { $0.append(String(decoding: head, as: UTF8.self)) }
            _ = Array(answer.utf8).withUnsafeBytes { send(client, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            let server = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            var address = Self.local(UInt16(target))
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if connected == 0 {
                Thread.detachNewThread { Self.pump(from: client, to: server) }
                Self.pump(from: server, to: client)
            }
            close(server)
            close(client)
        }
    }

    private static func pump(from source: CInt, to target: CInt) {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0, send(target, buffer, count, CInt(MSG_NOSIGNAL)) == count else { break }
        }
        shutdown(target, CInt(SHUT_WR))
    }

    private static func local(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }
}
