import LXDAPI
import LXDHTTP
import Synchronization
import Testing

@testable import LXCCommands
@testable import LXDClient

/// Copies between two servers, as far as the client has a part in them.
@Suite struct ServerTransferTests {
    private func transfer(_ mode: String, _ from: ServerConnection, _ to: ServerConnection) -> ServerTransfer {
        ServerTransfer(
            session: .knowing(), mode: mode, from: from, to: to, progressText: "%s", pullFailure: "Failed instance creation",
            pushFailure: "Failed instance migration")
    }

    private static let secrets = ["control": "c", "fs": "f"]

    @Test func aRelayPassesOnEveryMessageBothWaysInOrder() async throws {
        let received = Mutex<[String]>([])
        let answered = Mutex<[String]>([])
        let done = AsyncStream.makeStream(of: Void.self)
        try await FakeServer.with { request in
            switch request {
            case "GET /1.0/operations/sending/websocket?secret=f":
                .webSocket { socket in
                    for number in 0..<500 { try await socket.send(binary: Array("\(number)".utf8)) }
                    try await socket.send(text: "")
                    while let message = try await socket.receive() { answered.withLock { $0.append(message.string) } }
                }
            case "GET /1.0/operations/sending/websocket?secret=c": .webSocket { socket in _ = try await socket.receive() }
            case "GET /1.0/operations/sending/wait?timeout=10": .ended("sending")
            default: nil
            }
        } _: { source in
            try await FakeServer.with { request in
                switch request {
                case "GET /1.0/operations/receiving/websocket?secret=f":
                    .webSocket { socket in
                        while let message = try await socket.receive(), message.kind == .binary {
                            received.withLock { $0.append(message.string) }
                        }
                        try await socket.send(text: "thanks")
                        await socket.close()
                        done.continuation.finish()
                    }
                case "GET /1.0/operations/receiving/websocket?secret=c": .webSocket { socket in _ = try await socket.receive() }
                case "GET /1.0/operations/receiving/wait":
                    await Self.wait(for: done.stream, then: .ended("receiving"))
                default: nil
                }
            } _: { target in
                let ended = try await transfer("relay", source.connection, target.connection).run { place in
                    #expect(place.mode == "push" && place.operation.isEmpty)
                    return target.connection.running("receiving", Self.secrets)
                } send: { place in
                    #expect(place == nil)
                    return source.connection.running("sending", Self.secrets)
                }
                #expect(ended.id == "receiving")
                #expect(source.requests.contains("GET /1.0/operations/sending/wait?timeout=10"))
            }
        }
        #expect(received.withLock { $0 } == (0..<500).map { "\($0)" })
        #expect(answered.withLock { $0 } == ["thanks"])
    }

    private static func wait(for stream: AsyncStream<Void>, then reply: Reply) async -> Reply {
        for await _ in stream {}
        return reply
    }

    @Test func aFailedRelayAsksBothSidesToStop() async throws {
        try await FakeServer.with { request in
            switch request {
            case "GET /1.0/operations/receiving/wait": .ended("receiving", error: "no space left on device")
            case let line where line.contains("/websocket?"): .webSocket { socket in _ = try await socket.receive() }
            case let line where line.hasPrefix("DELETE "): .sync("{}")
            default: nil
            }
        } _: { server in
            let error = await #expect(throws: OperationFailure.self) {
                try await transfer("relay", server.connection, server.connection).run { _ in
                    server.connection.running("receiving", Self.secrets)
                } send: { _ in
                    server.connection.running("sending", Self.secrets)
                }
            }
            #expect(error?.description == "no space left on device")
            #expect(
                server.requests.filter { $0.hasPrefix("DELETE") }.sorted() == [
                    "DELETE /1.0/operations/receiving", "DELETE /1.0/operations/sending",
                ])
        }
    }

    @Test func aRelayNeedsEverySocketOfTheTarget() async throws {
        try await FakeServer.with { _ in .sync("{}") } _: { server in
            let error = await #expect(throws: CommandFailure.self) {
                try await transfer("relay", server.connection, server.connection).run { _ in
                    server.connection.running("receiving", ["control": "c", "criu": "s"])
                } send: { _ in
                    server.connection.running("sending", Self.secrets)
                }
            }
            #expect(error?.description == "Migration target expects the \"criu\" socket but source isn't providing it")
        }
    }

    @Test func aPullTriesTheNextAddressOnlyWhenOneIsNotReached() async throws {
        let tried = Mutex<[String]>([])
        func run(_ errors: [String: String]) async throws -> String {
            try await RemoteSource.tryAll(["a", "b", "c"], failure: "Failed instance creation") { address in
                tried.withLock { $0.append(address) }
                guard let text = errors[address] else { return address }
                throw OperationFailure(operation: .with { $0.err = text })
            }
        }
        #expect(try await run(["a": "Unable to connect to: a:8443 ([dial tcp: refused])"]) == "b")
        #expect(tried.withLock { $0 } == ["a", "b"])

        tried.withLock { $0 = [] }
        let error = await #expect(throws: CommandFailure.self) { try await run(["a": "Instance 'web' already exists"]) }
        #expect(tried.withLock { $0 } == ["a"])
        #expect(error?.description == "Failed instance creation: Instance 'web' already exists")
    }

    @Test func aServerThatListensNowhereCannotBePulledFrom() async throws {
        try await FakeServer.with { request in
            request == "GET /1.0" ? .sync("{\"environment\":{\"addresses\":[\":8443\"],\"certificate\":\"\"}}") : nil
        } _: { server in
            let error = await #expect(throws: CommandFailure.self) {
                try await transfer("pull", server.connection, server.connection).run { _ in
                    server.connection.running("receiving")
                } send: { _ in
                    server.connection.running("sending")
                }
            }
            #expect(error?.description == "The source server isn't listening on the network")
        }
    }
}

/// Questions to all servers at once.
@Suite struct RemoteSurveyTests {
    @Test func aSilentServerHoldsUpNobodyAndIsNamed() async throws {
        let never = AsyncStream.makeStream(of: Void.self)
        defer { never.continuation.finish() }
        try await FakeServer.with { _ in .sync("[\"/1.0/instances/web\"]") } _: { quick in
            try await FakeServer.with { _ in
                for await _ in never.stream {}
                return nil
            } _: { silent in
                let session = Session.knowing([
                    "quick": quick.address, "silent": silent.address, "gone": "unix:///nonexistent/unix.socket",
                ])
                let answers = await RemoteSurvey(session, limit: .seconds(1)).ask { try await $0.instanceNames() }
                #expect(answers.values.map(\.remote) == ["quick"])
                #expect(answers.values.first?.value == ["web"])
                #expect(answers.failures.map(\.remote) == ["gone", "silent"])
                #expect(answers.failures.last?.reason == "still silent after 1 seconds")
            }
        }
    }
}
