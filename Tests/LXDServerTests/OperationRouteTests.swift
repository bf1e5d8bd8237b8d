import LXDAPI
import LXDCore
import LXDHTTP
import LXDServer
import Testing

@Suite struct OperationRouteTests {
    private let events = Events()
    private let operations: Operations
    private let api: TestAPI

    init() {
        operations = Operations(events: events, logger: TestAPI.quiet)
        api = TestAPI([OperationRoutes(operations: operations), EventRoutes(events: events)])
        api.trustTestCertificates()
    }

    @Test func listsAreGroupedByStatus() async throws {
        let operation = try operations.start(.instanceStart, project: "default", isCancellable: true) { _ in
            try await Task.sleep(for: .seconds(30))
        }
        #expect(
            try await api.ask(.get, "/1.0/operations").json["metadata"] == [
                "running": [.string("/1.0/operations/\(operation.id)")]
            ])
        let full = try await api.ask(.get, "/1.0/operations?recursion=1")
        #expect(full.json["metadata"]["running"].arrayValue?.first?["description"] == "Starting instance")
        #expect(try await api.ask(.delete, "/1.0/operations/\(operation.id)").status == 200)
    }

    @Test func waitingAnswersTheEnd() async throws {
        let operation = try operations.start(.instanceStart, project: "default") { _ in
            throw LXDError.notFound("Instance not found")
        }
        let answer = try await api.ask(.get, "/1.0/operations/\(operation.id)/wait?timeout=10")
        #expect(answer.json["metadata"]["status_code"] == 400)
        #expect(answer.json["metadata"]["err"] == "Instance not found")
        #expect(try await api.ask(.get, "/1.0/operations/\(operation.id)/wait?timeout=x").status == 500)
    }

    @Test func waitingEndsWithItsTimeout() async throws {
        let operation = try operations.start(.instanceStart, project: "default", isCancellable: true) { _ in
            try await Task.sleep(for: .seconds(30))
        }
        // Often: the time may be over before the waiting has begun.
        for _ in 0..<200 {
            let answer = try await api.ask(.get, "/1.0/operations/\(operation.id)/wait?timeout=0")
            try #require(answer.json["metadata"]["status"] == "Running")
        }
        try operations.cancel(id: operation.id)
    }

    @Test func whatCannotBeCancelledSaysSo() async throws {
        let operation = try operations.start(.instanceStart, project: "default") { _ in
            try? await Task.sleep(for: .milliseconds(300))
        }
        let answer = try await api.ask(.delete, "/1.0/operations/\(operation.id)")
        #expect(answer.status == 400 && answer.json["error"] == "This operation can't be cancelled")
    }

    @Test func websocketSecretsAreShownToNobodyElse() async throws {
        let operation = try operations.startWebsocket(
            .commandExec, project: "default", sockets: ["0", "control"], isCancellable: true,
            metadata: { ["fds": .strings($0), "command": ["sh"]] }
        ) { handle in _ = try await handle.socket("0") }
        #expect(operation.metadata["fds"]?["0"].stringValue?.count == 64)
        for target in [
            "/1.0/operations/\(operation.id)", "/1.0/operations/\(operation.id)/wait?timeout=0",
            "/1.0/operations?recursion=1",
        ] {
            let text = try LXDJSON.encodeString(try await api.ask(.get, target).json)
            #expect(!text.contains("fds") && text.contains("\"command\""), "\(target)")
        }
        try operations.cancel(id: operation.id)
    }

    @Test func connectingNeedsARunningWebsocketAndItsSecret() async throws {
        let task = try operations.start(.instanceStart, project: "default", isCancellable: true) { _ in
            try await Task.sleep(for: .seconds(30))
        }
        #expect(try await api.ask(.get, "/1.0/operations/\(task.id)/websocket").json["error"] == "missing secret")
        #expect(
            try await api.ask(.get, "/1.0/operations/\(task.id)/websocket?secret=a").json["error"]
                == "Only websocket operations can be connected")
        let exec = try operations.startWebsocket(
            .commandExec, project: "default", sockets: ["0"], isCancellable: true, metadata: { ["fds": .strings($0)] }
        ) { handle in _ = try await handle.socket("0") }
        #expect(try await api.ask(.get, "/1.0/operations/\(exec.id)/websocket?secret=a", from: .nobody).status == 403)
        let secret = try #require(exec.metadata["fds"]?["0"].stringValue)
        #expect(
            try await api.ask(.get, "/1.0/operations/\(exec.id)/websocket?secret=\(secret)", from: .nobody).status
                == 101)
        try operations.cancel(id: task.id)
        try operations.cancel(id: exec.id)
    }

    @Test func operationsOfOtherProjectsAreAsIfNotThere() async throws {
        let mine = try operations.start(.instanceStart, project: "shop", isCancellable: true) { _ in
            try await Task.sleep(for: .seconds(30))
        }
        let other = try operations.start(.instanceStart, project: "default", isCancellable: true) { _ in
            try await Task.sleep(for: .seconds(30))
        }
        #expect(try await api.ask(.get, "/1.0/operations/\(mine.id)", from: .restricted).status == 200)
        let hidden = try await api.ask(.get, "/1.0/operations/\(other.id)", from: .restricted)
        let missing = try await api.ask(.get, "/1.0/operations/none", from: .restricted)
        #expect(hidden.status == 404 && hidden.json == missing.json)
        #expect(try await api.ask(.delete, "/1.0/operations/\(other.id)", from: .restricted).status == 404)
        #expect(try await api.ask(.get, "/1.0/operations", from: .restricted).status == 403)
        try operations.cancel(id: mine.id)
        try operations.cancel(id: other.id)
    }

    @Test(arguments: [
        ("", TestAPI.From.unix, 400, "websocket"),
        ("?type=nonsense", .unix, 400, "\"nonsense\" isn't a supported event type"),
        ("?type=logging&project=shop", .restricted, 403, "Forbidden"), ("", .restricted, 403, "not authorized"),
        ("?all-projects=true&project=a", .unix, 400, "Cannot specify a project"), ("", .nobody, 403, "not authorized"),
    ])
    func eventsAreRefusedWithAReason(_ query: String, _ from: TestAPI.From, _ status: Int, _ message: String)
        async throws
    {
        let answer = try await api.ask(.get, "/1.0/events" + query, from: from)
        #expect(answer.status == status)
        #expect(answer.json["error"].stringValue?.contains(message) == true)
    }
}
