import Glibc
import LXDAPI
import LXDConfig
import LXDDatabase
import LXDLinux
import LXDRuntime
import Logging
import Synchronization
import SystemPackage

/// Pages of memory on their way between criu here and criu on the other server, over the `pages` socket of a move.
///
/// criu's own words in both directions as binary messages; a text message where one side's stream ends. It ends whole: when
/// either side is done, or lost, the other sees the end of its stream.
final class PageCarrier: Sendable {
    private static let chunkBytes = 256 << 10

    private struct State {
        /// The peer said that its stream ends.
        var isWhole = false
        var isOver = false
        var task: Task<Void, Never>?
    }
    private let state = Mutex(State())
    private let stream: (reading: AsyncDescriptor, writing: AsyncDescriptor)
    private let end: StreamEnd

    /// Begins to carry; takes over `stream`, a stream socket.
    init(_ stream: FileDescriptor, over socket: any OperationSocket) throws {
        let owned = OwnedDescriptor(adopting: stream)
        end = StreamEnd(try owned.duplicate())
        self.stream = try AsyncDescriptor.bothWays(owning: owned.release())
        let task = Task { await carry(over: socket) }
        state.withLock { $0.task = task }
    }

    deinit { cut() }

    /// Ends it now, as a lost connection would.
    func cut() {
        end.shutDown()
        state.withLock { $0.task }?.cancel()
    }

    /// Whether it ended, and nobody said that it would.
    var isLost: Bool { state.withLock { $0.isOver && !$0.isWhole } }

    /// Returns when nothing moves any more.
    func wait() async { await state.withLock { $0.task }?.value }

    private func carry(over socket: any OperationSocket) async {
        await withTaskGroup(of: Void.self) { [stream, end] group in
            group.addTask {
                do {
                    while let bytes = try await stream.reading.read(limit: Self.chunkBytes) { try await socket.send(.binary(bytes)) }
                    try await socket.send(.text([]))
                } catch {
                    // The other server is gone: criu is told by the end of its stream.
                }
                end.shutDown()
            }
            group.addTask { [self] in
                do {
                    receiving: while let message = try await socket.receive() {
                        switch message {
                        case .binary(let bytes): try await stream.writing.write(bytes)
                        case .text:
                            state.withLock { $0.isWhole = true }
                            break receiving
                        }
                    }
                } catch {
                    // Likewise, or criu needs no more.
                }
                end.shutDown()
            }
        }
        state.withLock { $0.isOver = true }
        stream.reading.close()
        stream.writing.close()
    }
}

/// One more descriptor of a stream, by which it is ended for everybody who has one.
private final class StreamEnd: Sendable {
    private let descriptor: OwnedDescriptor
    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    func shutDown() { _ = shutdown(descriptor.rawValue, Int32(SHUT_RDWR)) }
}

/// The target's side of a post-copy: memory that comes while the instance runs.
final class ArrivingPages: Sendable {
    private struct State {
        var carrier: PageCarrier?
        var session: RestoreSession?
    }
    private let state = Mutex(State())
    private let connection: MigrationConnection

    private let socket: Task<any OperationSocket, any Error>

    /// Connects at once: the source stops nothing before.
    init(over connection: MigrationConnection) {
        self.connection = connection
        socket = Task { try await connection.pages() }
    }

    /// Begins to carry.
    ///
    /// - Returns: criu's end; the caller closes it.
    func stream() async throws -> FileDescriptor {
        let socket = try await socket.value
        var ends = try SocketPair(.stream)
        guard let near = ends.first.take(), let far = ends.second.take() else { throw Errno.badFileDescriptor }
        let carrier = try PageCarrier(near.release(), over: socket)
        state.withLock { $0.carrier = carrier }
        // A cable that was cut says nothing on this socket.
        connection.whenLost { carrier.cut() }
        return far.release()
    }

    /// The instance runs, with pages still to come.
    func follow(_ session: RestoreSession) { state.withLock { $0.session = session } }

    func cut() { state.withLock { $0.carrier }?.cut() }

    /// The instance did not come to run here.
    func giveUp() async {
        cut()
        // What it would say is known already.
        try? await state.withLock { $0.session }?.waitPages()
    }

    /// Waits until the instance has all of its memory.
    ///
    /// - Throws: When it never will; it has been ended then.
    func wait() async throws {
        try await state.withLock { $0.session }?.waitPages()
        await state.withLock { $0.carrier }?.wait()
    }

    // MARK: What is known after a crash

    private static let mark = "postcopy"

    /// Notes beside the images that they are not all there is.
    static func mark(_ folder: LiveFolder) async throws {
        try await BlockingPool.shared.run { try AtomicFile.write([], to: folder.path + "/" + mark, mode: 0o600, sync: false) }
    }

    /// Whether nothing can be made of images alone.
    static func areWanted(by images: String) async -> Bool {
        await BlockingPool.shared.run { (try? FileStatus.of(path: images + "/" + mark)) != nil }
    }
}

extension MigrationService {
    /// Whether an instance is to move with its memory following it.
    ///
    /// - Throws: When it is, and this host cannot send memory so.
    func wantsPostCopy(_ instance: LoadedInstance) async throws -> Bool {
        guard isTrue(instance.expandedConfig["migration.postcopy"]) else { return false }
        if let reason = await lifecycle.engine.postCopyRefusal() { throw PostCopyText.refusal("source", reason) }
        return true
    }

    /// - Throws: When memory is to follow, and this host cannot take it so.
    func requirePostCopy(_ terms: LiveTerms) async throws {
        guard terms.isPostCopy, let reason = await lifecycle.engine.postCopyRefusal() else { return }
        throw PostCopyText.refusal("target", reason)
    }

    /// The end of an instance whose memory did not all come: nothing of it runs here any more, and nobody else has it.
    ///
    /// - Returns: What to tell the one who moves it.
    func lose(_ record: LiveMigrationRow, _ instance: LoadedInstance, after error: any Error) async -> LXDError {
        let text = PostCopyText.loss
        environment.logger.error(
            "\(text)", metadata: ["instance": "\(instance.key)", "error": "\(LXDError.from(error).message)"])
        // Ended already by who waited for the pages, unless that was killed.
        do { try await lifecycle.engine.kill(instance.runtimeName) } catch {
            environment.logger.error("Failed to end an instance", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
        }
        do {
            try await settle(record, instance)
            if let row = try await environment.store.read({ try $0.instance(project: instance.project, name: instance.name) }) {
                try await warnings.raise(
                    .instanceMemoryLost, text, project: instance.project, entity: .instance, id: row.id)
            }
        } catch {
            environment.logger.error(
                "Failed to note the loss of an instance's memory", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
        }
        await LiveFolder(path: record.images).remove()
        Task { [decisions] in await decisions.confirm(record) }
        return LXDError.internalError(text, cause: error)
    }
}

enum PostCopyText {
    static let loss =
        "The memory of the instance did not all come from the source server (migration.postcopy): it could not go on and was stopped; its files are here, lxc start begins anew"

    static func refusal(_ side: String, _ reason: String) -> LXDError {
        LXDError.badRequest(
            "Memory can't follow a running instance (migration.postcopy): on the \(side) server \(HostFacts.hostName()), \(reason); unset the key or use another server")
    }
}
