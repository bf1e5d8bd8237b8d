import Foundation
import LXDAPI
import LXDCore
import LXDHTTP
import LXDServer
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct EventStreamTests {
    private func withServer(_ body: (Events, HTTPClientSession, HTTPListener) async throws -> Void) async throws {
        let events = Events()
        let api = TestAPI([EventRoutes(events: events)])
        let path = NSTemporaryDirectory() + "/lxd-events-\(UUID().uuidString.prefix(8))"
        let server = HTTPServer(logger: TestAPI.quiet, responder: api.server.responder)
        let listener = try await server.listen(on: .unix(path: path, mode: 0o600, group: nil))
        do {
            try await body(events, HTTPClientSession(.unix(path: path)), listener)
            await server.shutdown(grace: .zero)
        } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
    }

    private func event(_ number: Int) -> EventLifecycle {
        .with {
            $0.action = "instance-updated"
            $0.source = "/1.0/instances/c\(number)"
        }
    }

    @Test func whatHappensRightAfterTheAnswerIsHeard() async throws {
        try await withServer { events, session, _ in
            for number in 0..<10 {
                let socket = try await session.webSocket("/1.0/events?type=lifecycle")
                events.publish(lifecycle: event(number), project: "default")
                #expect(try await socket.receive()?.string.contains("/c\(number)\"") == true)
                await socket.close()
            }
        }
    }

    @Test func listenersThatNeverReadAreLetGoAndTheOthersLoseNothing() async throws {
        try await withServer { events, session, listener in
            var sleepers: [WebSocketConnection] = []
            for _ in 0..<20 { sleepers.append(try await session.webSocket("/1.0/events?type=lifecycle")) }
            let event = event
            let heard = Heard()
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    let socket = try await session.webSocket("/1.0/events?type=lifecycle")
                    group.addTask {
                        var count = 0
                        while count < 4000, try await socket.receive() != nil {
                            count += 1
                            heard.add()
                        }
                        await socket.close()
                        return count
                    }
                }
                for number in 1...4000 {
                    events.publish(lifecycle: event(number), project: "default")
                    // As fast as those who read can read, whatever the machine.
                    while number % 200 == 0, heard.count < number * 20 {
                        try await Task.sleep(for: .milliseconds(2))
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(counts == Array(repeating: 4000, count: 20))
            // Cut off within seconds, whether or not they read.
            let end = ContinuousClock.now + .seconds(20)
            while listener.connectionCount > 0, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(50)) }
            #expect(listener.connectionCount == 0)
            withExtendedLifetime(sleepers) {}
        }
    }

    @Test func aSlowListenerIsToldWhyItIsLetGo() async throws {
        try await withServer { events, session, _ in
            let socket = try await session.webSocket("/1.0/events?type=lifecycle")
            for number in 0..<20_000 { events.publish(lifecycle: event(number), project: "default") }
            var count = 0
            while try await socket.receive() != nil { count += 1 }
            #expect(count > 0 && count < 20_000)
            #expect(socket.closeReceived == WebSocketClose(code: 1008, reason: "too slow: events were lost"))
        }
    }
}

/// How many events all listeners have heard together.
private final class Heard: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}
