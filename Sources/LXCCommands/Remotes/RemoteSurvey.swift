import LXDAPI
import LXDClient

/// One question to all servers at once.
struct RemoteSurvey {
    /// Ordered by the names of the remotes.
    struct Answers<Value: Sendable> {
        var values: [(remote: String, value: Value)] = []
        var failures: [(remote: String, reason: String)] = []
    }

    private let session: Session
    private let limit: Duration

    /// - Parameter limit: How long a server may take.
    init(_ session: Session, limit: Duration = .seconds(5)) {
        self.session = session
        self.limit = limit
    }

    /// Asks every remote that has instances; image servers are passed over.
    ///
    /// The slowest server that answers sets the pace; those that have not answered at the limit are given up.
    func ask<Value: Sendable>(
        _ question: @escaping @Sendable (ServerConnection) async throws -> Value
    ) async -> Answers<Value> {
        let names = session.configuration.remotes.filter { !$0.value.isPublic && $0.value.protocol != "simplestreams" }.keys
        var waiting = Set(names)
        let (answers, continuation) = AsyncStream.makeStream(of: (String, Result<Value, any Error>).self)
        // Not children of this task: one that is stuck in connecting must not hold up the others.
        for name in waiting {
            Task { [session] in
                do {
                    continuation.yield((name, .success(try await question(try session.server(name)))))
                } catch {
                    continuation.yield((name, .failure(error)))
                }
            }
        }
        let timer = Task { [limit] in
            try await Task.sleep(for: limit)
            continuation.finish()
        }
        defer { timer.cancel() }
        var result = Answers<Value>()
        if waiting.isEmpty { return result }
        for await (name, answer) in answers {
            waiting.remove(name)
            switch answer {
            case .success(let value): result.values.append((name, value))
            case .failure(let error): result.failures.append((name, FailureText.of(error)))
            }
            if waiting.isEmpty { break }
        }
        for name in waiting { result.failures.append((name, "still silent after \(limit.components.seconds) seconds")) }
        result.values.sort { $0.remote < $1.remote }
        result.failures.sort { $0.remote < $1.remote }
        return result
    }
}
