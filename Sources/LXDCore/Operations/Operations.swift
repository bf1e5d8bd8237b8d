internal import FoundationEssentials
package import LXDAPI
package import Logging
internal import Synchronization

/// Answers websockets at addresses of operations that are no more, or never were: what has to outlive the daemon.
protocol OperationDesk: Sendable {
    func knows(id: String, secret: String) async -> Bool
    func serve(id: String, over socket: any OperationSocket) async
}

/// All operations of this server: long work that outlives the request that started it.
///
/// An operation always ends, its result stays readable for a while after its end, and a client that goes away changes
/// nothing about it.
package final class Operations: Sendable {
    private struct State {
        var records: [String: OperationRecord] = [:]
        var isClosing = false
        var desk: (any OperationDesk)?
    }

    private let state = Mutex(State())
    private let events: Events
    private let logger: Logger
    private let resultLifetime: Duration
    private let location: String

    /// - Parameters:
    ///   - location: This server's name in answers; `none` outside a cluster.
    ///   - resultLifetime: How long an ended operation can still be asked for; LXD keeps five seconds.
    package init(events: Events, logger: Logger, location: String = "none", resultLifetime: Duration = .seconds(5)) {
        self.events = events
        self.logger = logger
        self.location = location
        self.resultLifetime = resultLifetime
    }

    // MARK: - Starting

    /// Starts work that runs by itself.
    ///
    /// - Parameters:
    ///   - resources: Names by kind as LXD has them, `["instances": ["c1"]]`; paths are made from them.
    ///   - isCancellable: Whether the work stops at its next safe step when its task is cancelled.
    ///   - work: Its end is the operation's: returning is success, throwing failure with the error's message.
    /// - Returns: The view for whoever started it.
    /// - Throws: `unavailable` while the daemon shuts down.
    package func start(
        _ kind: OperationKind, project: String, resources: [String: [String]] = [:],
        metadata: [String: JSONValue] = [:],
        isCancellable: Bool = false, requestor: EventLifecycleRequestor? = nil,
        work: @escaping @Sendable (OperationHandle) async throws -> Void
    ) throws(LXDError) -> Operation {
        let record = OperationRecord(
            id: Self.newID(), form: .task, kind: kind, project: project, resources: resources, metadata: metadata,
            mayCancel: isCancellable, requestor: requestor, secrets: [:], location: location)
        return try launch(record, work)
    }

    /// Starts work that talks over websockets.
    ///
    /// - Parameters:
    ///   - sockets: Their names, such as `0` and `control`; each gets a secret of its own.
    ///   - metadata: Made from the secrets by name, in the shape the kind of operation has.
    ///   - work: Gets its sockets with ``OperationHandle/socket(_:within:)``.
    package func startWebsocket(
        _ kind: OperationKind, project: String, resources: [String: [String]] = [:], sockets: [String],
        isCancellable: Bool = false, requestor: EventLifecycleRequestor? = nil,
        metadata: (_ secrets: [String: String]) -> [String: JSONValue],
        work: @escaping @Sendable (OperationHandle) async throws -> Void
    ) throws(LXDError) -> Operation {
        let secrets = Dictionary(sockets.map { ($0, Self.newSecret()) }) { first, _ in first }
        let record = OperationRecord(
            id: Self.newID(), form: .websocket, kind: kind, project: project, resources: resources,
            metadata: metadata(secrets),
            mayCancel: isCancellable, requestor: requestor, secrets: secrets, location: location)
        return try launch(record, work)
    }

    /// Adds a token: an operation without work that runs until it is used, cancelled or out of date.
    ///
    /// - Parameter lifetime: Nil: until the daemon ends, as LXD's.
    package func addToken(
        _ kind: OperationKind, project: String, resources: [String: [String]] = [:], metadata: [String: JSONValue],
        lifetime: Duration? = nil, requestor: EventLifecycleRequestor? = nil
    ) throws(LXDError) -> Operation {
        let record = OperationRecord(
            id: Self.newID(), form: .token, kind: kind, project: project, resources: resources, metadata: metadata,
            mayCancel: true,
            requestor: requestor, secrets: [:], location: location)
        return try launch(record) { _ in
            // Sleeps until cancelled: the cancellation is how a token ends.
            try await Task.sleep(for: lifetime ?? .seconds(100 * 365 * 86400))
            throw CancellationError()
        }
    }

    private func launch(
        _ record: OperationRecord, _ work: @escaping @Sendable (OperationHandle) async throws -> Void
    ) throws(LXDError) -> Operation {
        let isClosing = state.withLock { state in
            if !state.isClosing { state.records[record.id] = record }
            return state.isClosing
        }
        if isClosing { throw .unavailable("LXD is shutting down") }
        announce(record)
        try record.start()
        announce(record)
        let view = record.view(for: .starter)
        let handle = OperationHandle(record: record) { [weak self] in self?.announce($0) }
        record.setWork(
            Task {
                do {
                    try await work(handle)
                    self.end(record, .success(()))
                } catch {
                    self.end(record, .failure(error))
                }
            })
        return view
    }

    private func end(_ record: OperationRecord, _ result: Result<Void, any Error>) {
        guard record.finish(result) else { return }
        if case .failure(let error) = result, !(error is CancellationError) {
            let cause = (error as? LXDError)?.cause.map { " (\($0))" } ?? ""
            logger.debug(
                "Failure for operation: \(LXDError.from(error).message)\(cause)",
                metadata: ["operation": "\(record.id)"])
        }
        announce(record)
        Task { [weak self, resultLifetime] in
            try await Task.sleep(for: resultLifetime)
            self?.state.withLock { _ = $0.records.removeValue(forKey: record.id) }
        }
    }

    private func announce(_ record: OperationRecord) {
        guard events.isHeard(EventType.operation) else { return }
        events.publish(operation: record.view(for: .other), project: record.project)
    }

    // MARK: - Asking

    /// - Throws: `notFound` with LXD's text.
    package func operation(id: String, for reader: OperationReader = .other) throws(LXDError) -> Operation {
        try record(id).view(for: reader)
    }

    /// Whether a token has this secret. Compared in constant time.
    package func isSecret(_ secret: String, ofToken id: String) throws(LXDError) -> Bool {
        guard let kept = try record(id).metadata["secret"]?.stringValue else { return false }
        let (left, right) = (Array(kept.utf8), Array(secret.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// The project an operation belongs to; empty for the server's own.
    package func project(ofOperation id: String) throws(LXDError) -> String { try record(id).project }

    /// How many are known, ended ones that can still be asked for included.
    package var count: Int { state.withLock { $0.records.count } }

    /// Operations of one project and the server's own, oldest first; nil: all projects.
    package func list(project: String?, for reader: OperationReader = .other) -> [Operation] {
        let records = state.withLock { Array($0.records.values) }
        return records.filter { project == nil || $0.project.isEmpty || $0.project == project }
            .map { $0.view(for: reader) }
            .sorted { $0.createdAt < $1.createdAt }
    }

    /// Waits for an end, at most so long (nil: for ever), and returns the operation as it then is.
    package func wait(id: String, atMost timeout: Duration? = nil) async throws(LXDError) -> Operation {
        let record = try record(id)
        await record.wait(atMost: timeout)
        return record.view(for: .other)
    }

    /// Waits for the end and throws what it failed with: for services that build on operations of their own.
    package func waitForSuccess(id: String) async throws(LXDError) {
        let record = try record(id)
        await record.wait(atMost: nil)
        switch record.progress.status {
        case .ended(.failure(let text)): throw .internalError(text)
        case .ended(.cancelled): throw .internalError("Operation was cancelled")
        default: return
        }
    }

    // MARK: - Acting

    /// Asks the work to stop. Its end follows as an event.
    package func cancel(id: String, requestor: EventLifecycleRequestor? = nil) throws(LXDError) {
        let record = try record(id)
        try record.cancel()
        announce(record)
        events.publish(
            lifecycle: .with {
                $0.action = LifecycleAction.operationCancelled.rawValue
                $0.source = record.path
                $0.requestor = requestor
            }, project: record.project)
    }

    /// Whether a websocket with this secret would be taken: asked before the upgrade is granted.
    ///
    /// - Throws: `notFound`; `badRequest` for an operation without websockets or not running; `forbidden` for the secret.
    package func checkSocket(id: String, secret: String) throws(LXDError) {
        let record = try record(id)
        guard record.form == .websocket else { throw .badRequest("Only websocket operations can be connected") }
        guard record.progress.status == .running else { throw .badRequest("Only running operations can be connected") }
        guard record.sockets.knows(secret: secret) else { throw .forbidden() }
    }

    /// Names who answers at addresses of operations that are no more.
    func answer(at desk: any OperationDesk) { state.withLock { $0.desk = desk } }

    /// Whether a secret opens a websocket of an operation, or of the desk.
    package func mayConnect(id: String, secret: String) async throws(LXDError) {
        do {
            try checkSocket(id: id, secret: secret)
        } catch {
            guard error.code == .notFound, let desk = state.withLock({ $0.desk }), await desk.knows(id: id, secret: secret) else {
                throw error
            }
        }
    }

    /// Serves a client's websocket, like ``connect(id:secret:socket:)``, or at the desk.
    package func serve(id: String, secret: String, socket: any OperationSocket) async throws(LXDError) {
        if let desk = state.withLock({ state in state.records[id] == nil ? state.desk : nil }) {
            guard await desk.knows(id: id, secret: secret) else { throw .notFound("Operation not found") }
            return await desk.serve(id: id, over: socket)
        }
        try await connect(id: id, secret: secret, socket: socket)
    }

    /// Hands a client's websocket to the work and returns when the work is done with it.
    package func connect(id: String, secret: String, socket: any OperationSocket) async throws(LXDError) {
        let record = try record(id)
        guard record.sockets.accept(socket, secret: secret) else { throw .forbidden() }
        await record.sockets.waitUntilClosed()
    }

    /// Running tokens of one kind, with their secrets.
    package func tokens(_ kind: OperationKind) -> [Operation] {
        state.withLock { Array($0.records.values) }
            .filter { $0.form == .token && $0.kind == kind && $0.progress.status == .running }
            .map { $0.view(for: .starter) }
    }

    /// Takes no more operations, cancels those that can be, and waits for the others at most so long.
    package func shutdown(atMost limit: Duration) async {
        let records = state.withLock { state in
            state.isClosing = true
            return Array(state.records.values)
        }
        for record in records where record.mayCancel {
            do { try record.cancel() } catch {
                logger.debug("operation \(record.id) ended before it was cancelled: \(error)")
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for record in records { group.addTask { await record.wait(atMost: limit) } }
        }
    }

    private func record(_ id: String) throws(LXDError) -> OperationRecord {
        guard let record = state.withLock({ $0.records[id] }) else { throw .notFound("Operation not found") }
        return record
    }

    private static func newID() -> String { UUID().uuidString.lowercased() }

    /// 32 random bytes in hexadecimal, as LXD's.
    package static func newSecret() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let word = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - word.count) + word
        }.joined()
    }
}
