internal import LXDLinux
internal import LXDRuntimePlan
internal import Synchronization
package import SystemPackage

/// A container that is being written to images.
///
/// criu is loaded and knows the kernel, and the container runs. ``waitDumped(deadline:)`` stops it; then it stands still and the
/// images are complete, and exactly one of ``commit()`` and ``abort()`` follows. A daemon that dies before aborts by that.
///
/// In a post-copy the images have no pages of memory: after ``waitDumped(deadline:)`` they are served over ``takePages()`` to
/// the target's ``RestoreSession``, which needs some of them before it is ready. The container stands until all have been
/// fetched or the stream is closed, and is ended or goes on as `commit` or `abort` says: that may be called before.
package final class CheckpointSession: Sendable {
    private let begin: @Sendable (_ pages: Int32?) throws -> CriuSession
    private let current: Mutex<CriuSession>
    private let pages: PageStream?
    private let cleanUp: @Sendable () -> Void
    private let initPID: Int32

    /// - Parameter begin: Starts criu, to be called again when it has to be tried again.
    init(
        initPID: Int32, isPostCopy: Bool, begin: @escaping @Sendable (_ pages: Int32?) throws -> CriuSession,
        cleanUp: @escaping @Sendable () -> Void
    ) throws {
        self.initPID = initPID
        self.begin = begin
        self.cleanUp = cleanUp
        pages = isPostCopy ? PageStream() : nil
        let session = try begin(pages?.open())
        pages?.handedOver()
        current = Mutex(try Self.prepared(session))
    }

    /// The stream over which pages of memory are asked for and sent, of a post-copy that has been dumped; once, and the caller closes it.
    package func takePages() -> FileDescriptor? { pages?.take() }

    private var session: CriuSession { current.withLock { $0 } }

    /// Lets criu come to where it would stop the first process. Blocks.
    private static func prepared(_ session: CriuSession) throws -> CriuSession {
        do {
            while true {
                switch try session.next("prepare the checkpoint", deadline: .seconds(60)) {
                case .step(let step) where step.name == "pre-dump": return session
                case .step: try session.answer(true)
                case .message: throw RuntimeError.helperDied("checkpoint the container")
                }
            }
        } catch {
            throw explained(error, session)
        }
    }

    /// Stops the container, and waits until the images are complete.
    ///
    /// - Parameter locked: Called when everything stands still and criu is about to keep packets away; blocks it.
    /// - Throws: What went wrong, in criu's words; the container runs on then, as if nothing had been.
    package func waitDumped(deadline: Duration = .seconds(300), locked: @escaping @Sendable () -> Void = {}) async throws {
        for attempt in 1... {
            do {
                return try await BlockingPool.shared.run { [self] in try dump(session, deadline, locked) }
            } catch let error where attempt <= Self.attemptsMax && Self.passesByItself(error) {
                // It has run on: when it has read what the kernel told it, it can be written down.
                try await Task.sleep(for: .milliseconds(100 * attempt))
                try await BlockingPool.shared.run { [self] in
                    do {
                        try Self.empty(session.workspace.imageDirectory)
                        let session = try begin(pages?.open())
                        pages?.handedOver()
                        let new = try Self.prepared(session)
                        current.withLock { $0 = new }
                    } catch {
                        cleanUp()
                        throw error
                    }
                }
            } catch {
                await removeNetworkLock()
                await BlockingPool.shared.run(cleanUp)
                throw error
            }
        }
    }

    /// criu keeps packets away while it works, by a table of its own; one that was killed leaves it.
    private func removeNetworkLock() async {
        let script =
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin; nft list tables inet | while read -r table family name; do "
            + "case $name in CRIU-*) nft delete table inet \"$name\" ;; esac; done"
        // The container may have ended too; then there is nothing to be unlocked.
        _ = try? await ProcessRunner.run(
            "nsenter", ["-t", "\(initPID)", "-n", "/bin/sh", "-c", script], deadline: .seconds(10))
    }

    private static let attemptsMax = 5

    private func dump(_ session: CriuSession, _ deadline: Duration, _ locked: () -> Void) throws {
        do {
            try session.answer(true)
            while true {
                switch try session.next("checkpoint the container", deadline: deadline) {
                case .step(let step) where step.name == "post-dump": return
                case .step(let step) where step.name == "status-ready": return try session.answer(true)
                case .step(let step) where step.name == "network-lock":
                    locked()
                    try session.answer(true)
                case .step: try session.answer(true)
                case .message: throw RuntimeError.helperDied("checkpoint the container")
                }
            }
        } catch {
            throw Self.explained(error, session)
        }
    }

    /// What criu cannot write down only at this moment: news of the kernel that nobody has read yet.
    private static func passesByItself(_ error: any Error) -> Bool {
        guard case RuntimeError.criu(_, let reason) = error else { return false }
        return reason.contains("The socket has data to read")
    }

    private static func empty(_ folder: String) throws {
        let directory = try ConfinedDirectory(path: folder)
        for name in try directory.list() { try directory.removeTree(name) }
    }

    /// From now on a daemon that dies decides nothing by that: the container stands still until the next one has called
    /// ``ContainerRuntime/settle(isCommitted:)``. Called right before a decision is written down.
    package func awaitDecision() async throws {
        try await BlockingPool.shared.run { [self] in
            try AtomicFile.write([], to: session.workspace.directory + "/" + CriuDecision.open, mode: 0o600, sync: false)
        }
    }

    /// The images are what counts: the container ends, or goes on if it was asked to keep running.
    package func commit() async throws { try await end(goOn: true) }

    /// The container goes on.
    package func abort() async throws {
        do { try await end(goOn: false) } catch RuntimeError.failed {
            // criu and liblxc call it a failure when they are told to give up.
        }
    }

    private func end(goOn: Bool) async throws {
        try await BlockingPool.shared.run { [self] in
            defer { cleanUp() }
            if pages == nil { try session.answer(goOn) } else if !goOn { pages?.close() }
            let deadline: Duration = pages == nil ? .seconds(120) : .seconds(3600)
            while true {
                switch try session.next("finish the checkpoint", deadline: deadline) {
                case .step(let step) where step.name == "post-dump": try session.answer(goOn)
                case .step: try session.answer(true)
                case .message: return
                }
            }
        }
    }

    private static func explained(_ error: any Error, _ session: CriuSession) -> any Error {
        guard let reason = CriuLog.firstError(at: session.workspace.imageDirectory + "/dump.log") else { return error }
        return RuntimeError.criu("checkpoint", reason)
    }
}
