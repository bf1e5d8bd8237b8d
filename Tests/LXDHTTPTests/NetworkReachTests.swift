import Logging
import Synchronization
import Testing

@testable import LXDHTTP

@Suite struct NetworkReachTests {
    static let own = [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "febf::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    ]

    @Test(arguments: own)
    func addressesOfTheHostItselfAreKnown(_ address: String) throws {
        #expect(try #require(IPBytes(address)).isOfThisHostOnly)
        let url = try #require(WebAddress("https://\(address.contains(":") ? "[\(address)]" : address):8443/"))
        #expect(NetworkReach.everywhere.mayReach(url))
        #expect(!NetworkReach.beyondThisHost(except: []).mayReach(url))
        #expect(NetworkReach.beyondThisHost(except: [address]).mayReach(url))
    }

    @Test(arguments: ["10.0.0.1", "192.168.1.1", "8.8.8.8", "128.0.0.1", "169.253.1.1", "2001:db8::1", "fd00::1", "::ffff:10.0.0.1"])
    func othersAreNot(_ address: String) throws {
        #expect(try #require(IPBytes(address)).isOfThisHostOnly == false)
    }

    /// A name is looked up before it is known to be one; nothing is sent to what it stands for.
    @Test func aNameThatStandsForTheHostItselfIsRefusedBeforeAnythingIsSent() async throws {
        try await withServer { port, asked in
            for host in ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001"] {
                var settings = WebClient.Settings()
                settings.reach = .beyondThisHost(except: [])
                let address = try #require(WebAddress("http://\(host):\(port)/"))
                await #expect(throws: WebError.self, "\(host)") { _ = try await WebClient(settings).send(.get, address) }
                settings.reach = .beyondThisHost(except: [host])
                _ = try await WebClient(settings).send(.get, address)
            }
            #expect(asked() == 5)
        }
    }

    @Test func aRedirectDoesNotLeadThere() async throws {
        try await withServer { port, asked in
            var settings = WebClient.Settings()
            settings.reach = .beyondThisHost(except: ["127.0.0.1"])
            let address = try #require(WebAddress("http://127.0.0.1:\(port)/away"))
            await #expect(throws: WebError.refusedAddress("localhost")) { _ = try await WebClient(settings).send(.get, address) }
            #expect(asked() == 1)
        }
    }

    /// A server in plain HTTP on the loopback interface that leads from `/away` to itself by another name.
    private func withServer(_ body: (_ port: UInt16, _ asked: () -> Int) async throws -> Void) async throws {
        let count = Mutex(0)
        let place = Mutex("")
        let server = HTTPServer(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { request in
            count.withLock { $0 += 1 }
            guard request.path == "/away" else { return text("ok") }
            return .response(OutgoingResponse(status: 302, headers: ["Location": place.withLock { $0 }]))
        }
        let listener = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        let port = try #require(listener.address.split(separator: ":").last.flatMap { UInt16($0) })
        place.withLock { $0 = "http://localhost:\(port)/secret" }
        try await body(port) { count.withLock { $0 } }
        await server.shutdown(grace: .milliseconds(100))
    }
}
