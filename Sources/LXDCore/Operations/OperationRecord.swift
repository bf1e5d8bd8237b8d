internal import LXDAPI
internal import Synchronization

/// One operation in the registry: its wire view, its work and those who wait for its end.
final class OperationRecord: Sendable {
    private struct State {
        var progress = OperationProgress()
        var updatedAt: LXDTime
        var resources: [String: [String]]
        var metadata: [String: JSONValue]
        var work: Task<Void, Never>?
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        /// Waiters whose time was over, perhaps before they waited.
        var woken: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
    }

    let id: String
    let form: OperationForm
    let kind: OperationKind
    let project: String
    let requestor: EventLifecycleRequestor?
    let mayCancel: Bool
    let sockets: OperationSockets
    private let createdAt: LXDTime
    private let location: String
    private let state: Mutex<State>

    init(
        id: String, form: OperationForm, kind: OperationKind, project: String, resources: [String: [String]],
        metadata: [String: JSONValue], mayCancel: Bool, requestor: EventLifecycleRequestor?, secrets: [String: String],
        location: String
    ) {
        let now = LXDTime.now()
        self.id = id
        self.form = form
        self.kind = kind
        self.project = project
        self.requestor = requestor
        self.mayCancel = mayCancel
        self.location = location
        sockets = OperationSockets(secrets: secrets)
        createdAt = now
        state = Mutex(State(updatedAt: now, resources: resources, metadata: metadata))
    }

    var path: String { "/1.0/operations/\(id)" }
    var progress: OperationProgress { state.withLock { $0.progress } }
    var metadata: [String: JSONValue] { state.withLock { $0.metadata } }

    /// The wire view, with the secrets that the reader may know.
    func view(for reader: OperationReader) -> Operation {
        state.withLock { state in
            .with {
                $0.id = id
                $0.class = form.rawValue
                $0.description = kind.description
                $0.createdAt = createdAt
                $0.updatedAt = state.updatedAt
                $0.status = state.progress.code.name
                $0.statusCode = state.progress.code
                $0.resources = Self.paths(state.resources)
                $0.metadata = visible(state.metadata, to: reader)
                $0.mayCancel = mayCancel
                $0.err = state.progress.errorText
                $0.location = location
            }
        }
    }

    func start() throws(LXDError) { try state.withLock { state throws(LXDError) in try state.progress.start() } }

    func setWork(_ task: Task<Void, Never>) { state.withLock { $0.work = task } }

    /// Marks it as being cancelled and tells the work.
    func cancel() throws(LXDError) {
        let work = try state.withLock { state throws(LXDError) -> Task<Void, Never>? in
            try state.progress.cancel(mayCancel: mayCancel)
            return state.work
        }
        work?.cancel()
    }

    /// - Returns: False when it had ended before.
    func finish(_ result: Result<Void, any Error>) -> Bool {
        let (ended, waiters) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            guard state.progress.finish(result) else { return (false, []) }
            state.work = nil
            defer { state.waiters = [:] }
            return (true, Array(state.waiters.values))
        }
        guard ended else { return false }
        sockets.close()
        for waiter in waiters { waiter.resume() }
        return true
    }

    /// - Returns: Whether it took the change; an ended or cancelling operation does not.
    func update(_ change: (inout [String: JSONValue]) -> Void) -> Bool {
        state.withLock { state in
            guard state.progress.canUpdate else { return false }
            change(&state.metadata)
            state.updatedAt = .now()
            return true
        }
    }

    func update(resources: [String: [String]]) -> Bool {
        state.withLock { state in
            guard state.progress.canUpdate else { return false }
            state.resources = resources
            state.updatedAt = .now()
            return true
        }
    }

    /// Waits for the end, at most so long; returns early when the caller is cancelled.
    func wait(atMost timeout: Duration?) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let timer = timeout.map { timeout in
            Task { [weak self] in
                try await Task.sleep(for: timeout)
                self?.wake(id)
            }
        }
        defer {
            timer?.cancel()
            state.withLock { _ = $0.woken.remove(id) }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let done = state.withLock { state in
                    guard !state.progress.isEnded, !state.woken.contains(id) else { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if done { continuation.resume() }
            }
        } onCancel: {
            wake(id)
        }
    }

    private func wake(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.woken.insert(id)
            return state.waiters.removeValue(forKey: id)
        }
        waiter?.resume()
    }

    private static func paths(_ resources: [String: [String]]) -> [String: [String]] {
        Dictionary(
            uniqueKeysWithValues: resources.map { kind, names in
                (kind, names.map { $0.hasPrefix("/") ? $0 : "/1.0/\(kind)/\($0)" })
            })
    }

    private func visible(_ metadata: [String: JSONValue], to reader: OperationReader) -> [String: JSONValue] {
        switch form {
        case .task: metadata
        case .websocket:
            reader == .starter ? metadata : metadata.filter { _, value in !Self.holdsSecret(value, sockets) }
        case .token: reader == .other ? metadata.filter { key, _ in key != "secret" } : metadata
        }
    }

    private static func holdsSecret(_ value: JSONValue, _ sockets: OperationSockets) -> Bool {
        switch value {
        case .string(let text): sockets.holds(secret: text)
        case .array(let values): values.contains { holdsSecret($0, sockets) }
        case .object(let values): values.values.contains { holdsSecret($0, sockets) }
        default: false
        }
    }
}

/// Who sees an operation, as far as its secrets go.
package enum OperationReader: Sendable {
    /// Who started it and has to use them.
    case starter
    /// Sees the secrets of tokens, to hand them out again, but not those of websockets: they let their holder type into a
    /// guest.
    case admin
    case other
}
