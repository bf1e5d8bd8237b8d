import LXDAPI
import LXDCore
import Logging
import Synchronization
import Testing

@Suite struct OperationProgressTests {
    private func run(_ steps: (inout OperationProgress) throws -> Void) throws -> OperationProgress {
        var progress = OperationProgress()
        try steps(&progress)
        return progress
    }

    @Test func aTaskEndsAsItsWorkDid() throws {
        let success = try run {
            try $0.start(); $0.finish(.success(()))
        }
        #expect(success.code == .success && success.errorText.isEmpty)
        let failure = try run {
            try $0.start(); $0.finish(.failure(LXDError.notFound("gone")))
        }
        #expect(failure.code == .failure && failure.errorText == "gone")
        let cancelled = try run {
            try $0.start(); $0.finish(.failure(CancellationError()))
        }
        #expect(cancelled.code == .cancelled)
    }

    @Test func workThatWasDoneBeforeItsCancellationCountsAsDone() throws {
        #expect(
            try run {
                try $0.start(); try $0.cancel(mayCancel: true); $0.finish(.success(()))
            }.code == .success)
        #expect(
            try run {
                try $0.start(); try $0.cancel(mayCancel: true); $0.finish(.failure(LXDError.conflict("x")))
            }.code == .cancelled)
    }

    @Test func theFirstEndCounts() throws {
        var progress = try run {
            try $0.start(); $0.finish(.success(()))
        }
        let second = progress.finish(.failure(CancellationError()))
        #expect(!second)
        #expect(progress.code == .success)
    }

    @Test func whatDoesNotRunCannotBeCancelled() throws {
        var progress = OperationProgress()
        #expect(throws: LXDError.self) { try progress.cancel(mayCancel: true) }
        try progress.start()
        #expect(throws: LXDError.self) { try progress.start() }
        #expect(throws: LXDError.self) { try progress.cancel(mayCancel: false) }
        try progress.cancel(mayCancel: true)
        #expect(throws: LXDError.self) { try progress.cancel(mayCancel: true) }
    }
}

@Suite struct OperationsTests {
    private let events = Events()
    private let operations: Operations

    init() {
        operations = Operations(
            events: events, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            resultLifetime: .milliseconds(100))
    }

    @Test func theResultStaysForAWhileAndIsThenForgotten() async throws {
        let operation = try operations.start(.instanceStart, project: "default") { $0.update(["a": 1]) }
        #expect(operation.statusCode == .running)
        let ended = try await operations.wait(id: operation.id)
        #expect(ended.statusCode == .success && ended.metadata["a"] == 1)
        try await Task.sleep(for: .milliseconds(400))
        #expect(throws: LXDError.self) { try operations.operation(id: operation.id) }
    }

    @Test func cancellingStopsTheWork() async throws {
        let operation = try operations.start(.imageDownload, project: "default", isCancellable: true) { _ in
            try await Task.sleep(for: .seconds(60))
        }
        try operations.cancel(id: operation.id)
        #expect(try await operations.wait(id: operation.id).statusCode == .cancelled)
    }

    @Test func aWaiterThatGoesAwayChangesNothing() async throws {
        let operations = operations
        let operation = try operations.start(.imageDownload, project: "default") { _ in
            try? await Task.sleep(for: .milliseconds(200))
        }
        let waiter = Task { try await operations.wait(id: operation.id) }
        waiter.cancel()
        #expect(try await waiter.value.statusCode == .running)
        #expect(try await operations.wait(id: operation.id).statusCode == .success)
    }

    @Test func aSecretWorksOnce() async throws {
        let operations = operations
        let operation = try operations.startWebsocket(
            .commandExec, project: "default", sockets: ["0"], metadata: { ["fds": .strings($0)] }
        ) { handle in
            let socket = try await handle.socket("0")
            try await socket.send(.text(Array("hi".utf8)))
            try await Task.sleep(for: .milliseconds(200))
        }
        let secret = try #require(operation.metadata["fds"]?["0"].stringValue)
        let first = RecordingSocket()
        async let connected: Void = operations.connect(id: operation.id, secret: secret, socket: first)
        try await Task.sleep(for: .milliseconds(50))
        await #expect(throws: LXDError.self) {
            try await operations.connect(id: operation.id, secret: secret, socket: RecordingSocket())
        }
        try await connected
        #expect(first.sent == ["hi"])
    }

    @Test func nobodyConnectingFailsTheWorkInTime() async throws {
        let operation = try operations.startWebsocket(
            .commandExec, project: "default", sockets: ["0"], metadata: { _ in [:] }
        ) { handle in
            _ = try await handle.socket("0", within: .milliseconds(50))
        }
        let ended = try await operations.wait(id: operation.id)
        #expect(ended.err == "Timed out waiting for websockets to connect")
    }

    @Test func shuttingDownTakesNoMoreAndCancelsWhatItCan() async throws {
        let operation = try operations.start(.imageDownload, project: "default", isCancellable: true) { _ in
            try await Task.sleep(for: .seconds(60))
        }
        await operations.shutdown(atMost: .seconds(5))
        #expect(try operations.operation(id: operation.id).statusCode == .cancelled)
        #expect(throws: LXDError.self) { try operations.start(.instanceStart, project: "default") { _ in } }
    }

    @Test func resourcesBecomePaths() throws {
        let operation = try operations.start(
            .instanceStart, project: "default", resources: ["instances": ["c1", "/1.0/instances/c2"]]
        ) { _ in }
        #expect(operation.resources == ["instances": ["/1.0/instances/c1", "/1.0/instances/c2"]])
    }

    /// Whoever may see operations of the project could use the token otherwise, to become an administrator.
    @Test func theSecretOfATokenIsSeenByAdministratorsOnly() async throws {
        let listener = events.subscribe(types: [EventType.operation], project: "default")
        let token = try operations.addToken(
            .certificateAddToken, project: "default", metadata: ["secret": "abc", "addresses": ["1.2.3.4"]])
        #expect(token.metadata["secret"] == "abc")
        #expect(try operations.operation(id: token.id, for: .admin).metadata["secret"] == "abc")
        #expect(try operations.operation(id: token.id).metadata == ["addresses": ["1.2.3.4"]])
        #expect(operations.list(project: "default").allSatisfy { $0.metadata["secret"] == nil })
        for event in try #require(await listener.next()) { #expect(!String(decoding: event, as: UTF8.self).contains("abc")) }
        #expect(try operations.isSecret("abc", ofToken: token.id))
        #expect(try !operations.isSecret("abd", ofToken: token.id) && !operations.isSecret("", ofToken: token.id))
    }

    @Test func aTokenRunsUntilItIsUsed() throws {
        let token = try operations.addToken(.certificateAddToken, project: "default", metadata: ["secret": "s"])
        #expect(token.class == "token" && token.mayCancel)
        #expect(operations.tokens(.certificateAddToken).map(\.id) == [token.id])
        try operations.cancel(id: token.id)
        #expect(operations.tokens(.certificateAddToken).isEmpty)
    }
}

private final class RecordingSocket: OperationSocket {
    private let messages = Mutex<[String]>([])
    var sent: [String] { messages.withLock { $0 } }

    func receive() async throws -> OperationMessage? { nil }
    func send(_ message: OperationMessage) async throws {
        messages.withLock { $0.append(String(decoding: message.bytes, as: UTF8.self)) }
    }
    func close() async {}
}
