import LXDAPI
import LXDLinux
import LXDStorage
import Synchronization
import SystemPackage

/// The websockets of one migration: `control` for headers and the outcome, `fs` for the contents.
///
/// LXD's protocol. The source sends its offer, the target its answer; then the contents travel on `fs` while both
/// listen on `control` for the other's failure; at the end the target says whether it has everything.
package final class MigrationConnection: Sendable {
    /// The names of the sockets in an operation's metadata, as LXD has them. A running instance takes `criu` too.
    static let socketNames = ["control", "fs"]
    static let liveSocketNames = socketNames + ["criu"]
    /// What is offered for one: `pages` is connected only when memory is to follow it.
    static let offeredLiveSocketNames = liveSocketNames + ["pages"]
    /// How long the sockets may take to be connected, as in LXD.
    static let patience = Duration.seconds(10)

    private let control: any OperationSocket
    private let fs: any OperationSocket
    private let criu: (any OperationSocket)?
    /// The contents as storage reads and writes them.
    let contents: SocketChannel
    /// Images of processes.
    let images: SocketChannel?
    private let outcome = Mutex<ControlWatch?>(nil)
    private let heart = Mutex<Task<Void, any Error>?>(nil)
    private let pagesOpener: (@Sendable () async throws -> any OperationSocket)?
    private let pagesSocket = Mutex<(any OperationSocket)?>(nil)

    /// - Parameter pages: Connects the socket for pages of memory, when it is asked for.
    init(
        control: any OperationSocket, fs: any OperationSocket, criu: (any OperationSocket)? = nil,
        pages: (@Sendable () async throws -> any OperationSocket)? = nil
    ) {
        pagesOpener = pages
        self.control = control
        self.fs = fs
        self.criu = criu
        images = criu.map { SocketChannel($0) }
        contents = SocketChannel(fs)
    }

    /// The sockets that clients connect to an operation.
    convenience init(of handle: OperationHandle, isLive: Bool = false) async throws {
        do {
            let control = try await handle.socket("control", within: Self.patience)
            let fs = try await handle.socket("fs", within: Self.patience)
            let criu = isLive ? try await handle.socket("criu", within: Self.patience) : nil
            let pages: @Sendable () async throws -> any OperationSocket = {
                try await handle.socket("pages", within: Self.patience)
            }
            self.init(control: control, fs: fs, criu: criu, pages: isLive ? pages : nil)
        } catch let error as LXDError where error.code == .timeout {
            throw LXDError.timeout("Timed out waiting for migration connections")
        }
    }

    /// The socket over which pages of memory follow a running instance; connected once.
    func pages() async throws -> any OperationSocket {
        if let socket = pagesSocket.withLock({ $0 }) { return socket }
        guard let pagesOpener else { throw LXDError.internalError("Missing pages secret") }
        let socket = try await pagesOpener()
        pagesSocket.withLock { $0 = socket }
        return socket
    }

    // MARK: Headers

    func send(_ header: MigrationHeader) async throws { try await control.send(.binary(header.encoded)) }

    /// The peer's header.
    ///
    /// - Throws: What the peer says instead if it cannot go on.
    func receiveHeader() async throws -> MigrationHeader {
        let bytes = try await Self.message(on: control)
        do {
            return try MigrationHeader(decoding: bytes)
        } catch {
            // A peer that gives up says so at any time; its message begins like a header.
            if let control = try? MigrationControl(decoding: bytes), !control.isSuccess {
                throw LXDError.internalError(control.message)
            }
            throw error
        }
    }

    fileprivate static func message(on socket: any OperationSocket) async throws -> [UInt8] {
        switch try await socket.receive() {
        case .binary(let bytes)?: return bytes
        case .text?: throw LXDError.badRequest("Only binary messages allowed")
        case nil: throw LXDError.internalError("The other server closed the connection")
        }
    }

    // MARK: The outcome

    /// Runs `body`, which moves contents, while listening for the peer to give up.
    ///
    /// - Throws: The peer's reason when it has one: it says more than the connection that broke with it. A full disk
    ///   here is the reason itself.
    func whileListening<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result
    {
        let watch = startWatching()
        let work = Task { try await body() }
        watch.whenFailed {
            Task {
                // What broke here may be why the peer gave up; it is about to be told.
                try await Task.sleep(for: .milliseconds(300))
                work.cancel()
            }
        }
        do {
            return try await withTaskCancellationHandler {
                try await work.value
            } onCancel: {
                work.cancel()
            }
        } catch {
            try Task.checkCancellation()
            if Self.isFullDisk(error) { throw error }
            if let reason = await watch.failure(within: .seconds(2)) { throw reason }
            throw error
        }
    }

    private static func isFullDisk(_ error: any Error) -> Bool {
        switch (error as? LXDError)?.cause {
        case let cause as Errno: cause == .noSpace || cause == .diskQuotaExceeded
        case let cause as ArchiveError: cause.kind == .noSpace
        default: false
        }
    }

    // MARK: Running instances

    /// Says something on the way.
    func say(_ step: MigrationControl.Step) async throws { try await control.send(.binary(MigrationControl(step).encoded)) }

    /// Waits until the peer says this.
    func awaitStep(_ step: MigrationControl.Step) async throws { try await startWatching().said(step) }

    /// Tells the peer every second that we are there, and gives it up for lost when it says nothing for so long: a cable that
    /// was cut says nothing either.
    func keepAlive(giveUpAfter limit: Duration) {
        startWatching().giveUp(afterSilence: limit)
        let task = Task { [control] in
            while !Task.isCancelled {
                try await control.send(.binary(MigrationControl(.alive).encoded))
                try await Task.sleep(for: .seconds(1))
            }
        }
        heart.withLock { $0 = task }
    }

    /// Calls `body` when the peer gives up or is lost; at once if it is already.
    func whenLost(_ body: @escaping @Sendable () -> Void) { startWatching().whenFailed(body) }

    /// Why the peer gave up, when it has said so.
    var refusal: String? { outcome.withLock { $0 }?.refusal }

    /// Waits for the target's word that it has everything.
    func awaitSuccess() async throws { try await startWatching().success() }

    private func startWatching() -> ControlWatch {
        outcome.withLock { watch in
            let running = watch ?? ControlWatch(control)
            watch = running
            return running
        }
    }

    /// Tells the source that everything has arrived.
    func reportSuccess() async throws { try await control.send(.binary(MigrationControl(isSuccess: true).encoded)) }

    /// Ends the connection; a failure is told to the peer first. Safe to call more than once and when cancelled.
    func close(after failure: (any Error)? = nil) async {
        let (control, fs, criu) = (control, fs, criu)
        let pages = pagesSocket.withLock { $0 }
        heart.withLock { $0?.cancel() }
        await Task {
            if let failure {
                let text = failure is CancellationError ? "Operation was cancelled" : LXDError.from(failure).message
                // A peer that is gone needs no reason.
                try? await control.send(.binary(MigrationControl(isSuccess: false, message: text).encoded))
            }
            await control.close()
            await fs.close()
            await criu?.close()
            await pages?.close()
        }.value
    }
}

/// Waits on the control socket for the one message that ends a migration.
private final class ControlWatch: Sendable {
    private struct State {
        var end: Result<Void, any Error>?
        var whenFailed: [@Sendable () -> Void] = []
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextID: UInt64 = 0
        var said: Set<MigrationControl.Step> = []
        var lastWord = ContinuousClock.now
    }
    private let state = Mutex(State())

    init(_ control: any OperationSocket) {
        // Not a child task: a reader that is cancelled would end the connection before our last word is sent.
        Task {
            do {
                var word = try MigrationControl(decoding: await MigrationConnection.message(on: control))
                while let step = word.step {
                    note(step)
                    word = try MigrationControl(decoding: await MigrationConnection.message(on: control))
                }
                finish(word.isSuccess ? .success(()) : .failure(PeerFailure(message: word.message)))
            } catch {
                finish(.failure(error))
            }
        }
    }

    /// - Parameter body: Called once when the peer gives up or is lost; at once if it already has.
    func whenFailed(_ body: @escaping @Sendable () -> Void) {
        let isFailed = state.withLock { state in
            if case .failure? = state.end { return true }
            state.whenFailed.append(body)
            return false
        }
        if isFailed { body() }
    }

    /// Waits for a word on the way.
    func said(_ step: MigrationControl.Step) async throws {
        while true {
            let (isSaid, end) = state.withLock { ($0.said.contains(step), $0.end) }
            if isSaid { return }
            if let end {
                do { try end.get() } catch { throw Self.visible(error) }
                throw LXDError.badRequest("The other server ended the migration too early")
            }
            await wait(nil) { $0.said.contains(step) }
            try Task.checkCancellation()
        }
    }

    private func note(_ step: MigrationControl.Step) {
        let waiters = state.withLock { state in
            state.lastWord = .now
            guard state.said.insert(step).inserted, step != .alive else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    func giveUp(afterSilence limit: Duration) {
        Task { [weak self] in
            while let self {
                let (isOver, last) = state.withLock { ($0.end != nil, $0.lastWord) }
                if isOver { return }
                let silence = last.duration(to: .now)
                if silence >= limit {
                    let seconds = limit.components.seconds
                    return finish(.failure(LXDError.unavailable("The other server has not been heard of for \(seconds) seconds")))
                }
                try await Task.sleep(for: limit - silence)
            }
        }
    }

    func success() async throws {
        while state.withLock({ $0.end == nil }) {
            await wait(nil)
            try Task.checkCancellation()
        }
        try Task.checkCancellation()
        guard let end = state.withLock({ $0.end }) else { return }
        do { try end.get() } catch { throw Self.visible(error) }
    }

    /// The peer's reason, if it has given one or gives one within the time.
    func failure(within time: Duration) async -> (any Error)? {
        await wait(time)
        guard case .failure(let error)? = state.withLock({ $0.end }) else { return nil }
        return Self.visible(error)
    }

    var refusal: String? {
        guard case .failure(let error)? = state.withLock({ $0.end }) else { return nil }
        return (error as? PeerFailure)?.message
    }

    private static func visible(_ error: any Error) -> any Error {
        (error as? PeerFailure).map {
            LXDError.internalError($0.message.isEmpty ? "Migration failed on the other server" : $0.message)
        }
            ?? error
    }

    private func wait(_ limit: Duration?, until isDone: @escaping @Sendable (State) -> Bool = { _ in false }) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let timer = limit.map { limit in
            Task { [weak self] in
                try await Task.sleep(for: limit)
                self?.wake(id)
            }
        }
        defer { timer?.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    guard state.end == nil, !Task.isCancelled, !isDone(state) else { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            wake(id)
        }
    }

    private func wake(_ id: UInt64) { state.withLock { $0.waiters.removeValue(forKey: id) }?.resume() }

    private func finish(_ end: Result<Void, any Error>) {
        let (waiters, whenFailed) = state.withLock { state in
            if state.end == nil { state.end = end }
            defer {
                state.waiters = [:]
                state.whenFailed = []
            }
            return (state.waiters.values, state.whenFailed)
        }
        for waiter in waiters { waiter.resume() }
        if case .failure = end { for body in whenFailed { body() } }
    }
}

private struct PeerFailure: Error { let message: String }

/// Contents over a websocket: binary messages, and a text message where a stream ends.
final class SocketChannel: TransferChannel {
    /// Longer writes are split, so that no peer's bound on messages is met.
    private static let messageBytesMax = 256 << 10

    private let socket: any OperationSocket

    init(_ socket: any OperationSocket) { self.socket = socket }

    func read() async throws -> [UInt8]? {
        while true {
            switch try await socket.receive() {
            case .binary(let bytes)?: if !bytes.isEmpty { return bytes }
            case .text?: return nil
            case nil:
                try Task.checkCancellation()
                throw LXDError.internalError("The connection to the other server was lost")
            }
        }
    }

    func write(_ bytes: [UInt8]) async throws {
        try Task.checkCancellation()
        guard bytes.count > Self.messageBytesMax else { return try await socket.send(.binary(bytes)) }
        for start in stride(from: 0, to: bytes.count, by: Self.messageBytesMax) {
            try await socket.send(.binary(Array(bytes[start..<min(start + Self.messageBytesMax, bytes.count)])))
        }
    }

    func finish() async throws { try await socket.send(.text([])) }

    /// A whole stream of the peer.
    ///
    /// - Throws: `badRequest` when it is longer than `limit` bytes.
    func readStream(limit: Int) async throws -> [UInt8] {
        var all: [UInt8] = []
        while let part = try await read() {
            guard all.count + part.count <= limit else {
                throw LXDError.badRequest("The other server sent a description that is too long")
            }
            all += part
        }
        return all
    }
}
