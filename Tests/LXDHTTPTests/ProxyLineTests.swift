import NIOCore
import NIOEmbedded
import Testing

@testable import LXDHTTP

@Suite struct ProxyLineTests {
    @Test(arguments: [
        ("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443", "192.0.2.7:56324"),
        ("PROXY TCP6 2001:db8::7 2001:db8::1 56324 443", "[2001:db8::7]:56324"),
        ("PROXY UNKNOWN", ""), ("PROXY UNKNOWN whatever comes here", ""),
    ])
    func theClientIsTakenFromTheLine(_ line: String, _ client: String) {
        #expect(ProxyLineHandler.client(line) == client)
    }

    @Test(arguments: [
        "PROXY", "PROXY TCP4", "PROXY TCP4 192.0.2.7 198.51.100.1 56324", "PROXY TCP4 a b 1 2",
        "PROXY TCP4 2001:db8::7 2001:db8::1 1 2", "PROXY TCP6 192.0.2.7 198.51.100.1 1 2",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443", "PROXY TCP4  192.0.2.7 198.51.100.1 1 2",
    ])
    func aWrongLineIsRefused(_ line: String) {
        #expect(ProxyLineHandler.client(line) == nil)
    }

    /// What is sent in pieces, what the next handler gets, what the client's address is, whether the connection lives.
    @Test(arguments: [
        (["PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\nhello"], "hello", "192.0.2.7:1", true),
        (["PRO", "XY TCP4 192.0.2.7 198.51.100.1 1 2", "\r", "\n", "hello"], "hello", "192.0.2.7:1", true),
        (["GET / HTTP/1.1\r\n"], "GET / HTTP/1.1\r\n", nil, true),
        (["P", "OST"], "POST", nil, true),
        (["PROXY nonsense\r\nhello"], "", nil, false),
        (["PROXY " + String(repeating: "x", count: 200)], "", nil, false),
    ] as [([String], String, String?, Bool)])
    func theLineIsTakenOffTheStream(_ sent: [String], _ expected: String, _ address: String?, _ lives: Bool) throws {
        let handler = ProxyLineHandler()
        let channel = EmbeddedChannel(handler: handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        for piece in sent where channel.isActive { _ = try? channel.writeInbound(ByteBuffer(string: piece)) }
        var received = ""
        while let buffer = try channel.readInbound(as: ByteBuffer.self) { received += String(buffer: buffer) }
        #expect(received == expected)
        #expect(handler.told.address == address)
        #expect(channel.isActive == lives)
    }

    @Test func onlyListedHostsMayTellAnAddress() throws {
        let proxies = TrustedProxies()
        proxies.replace(with: "192.0.2.1, 2001:DB8::1,nonsense,")
        #expect(proxies.handler(for: try SocketAddress(ipAddress: "192.0.2.1", port: 5)) != nil)
        #expect(proxies.handler(for: try SocketAddress(ipAddress: "::ffff:192.0.2.1", port: 5)) != nil)
        #expect(proxies.handler(for: try SocketAddress(ipAddress: "2001:db8::1", port: 5)) != nil)
        #expect(proxies.handler(for: try SocketAddress(ipAddress: "192.0.2.2", port: 5)) == nil)
        proxies.replace(with: "")
        #expect(proxies.handler(for: try SocketAddress(ipAddress: "192.0.2.1", port: 5)) == nil)
    }
}
