internal import LXDLinux
internal import LXDRuntimePlan

/// A container that is being made from images.
///
/// What needs no images is done while they may still be on their way. ``waitReady(deadline:)`` wants them complete; after it all of
/// the container is there and nothing of it has run. Then exactly one of ``resume(_:)`` and ``abort()``. A daemon that dies
/// before aborts by that.
///
/// In a post-copy pages of memory are still with the source then, and come while the container runs: ``waitPages(deadline:)``.
package final class RestoreSession: Sendable {
    private let session: CriuSession
    private let pages: PageArrival?
    private let lateMemory: LateMemory
    private let name: String
    private let finish: @Sendable (CriuStep) throws -> Void
    private let complete: @Sendable (HelperMessage) throws -> RunningContainer
    private let cleanUp: @Sendable (_ failed: Bool) -> Void

    /// - Parameters:
    ///   - finish: Gives what has been restored its owners and limits.
    ///   - complete: Takes note of the container that runs.
    init(
        _ session: CriuSession, pages: PageArrival?, lateMemory: LateMemory, name: String,
        finish: @escaping @Sendable (CriuStep) throws -> Void,
        complete: @escaping @Sendable (HelperMessage) throws -> RunningContainer,
        cleanUp: @escaping @Sendable (_ failed: Bool) -> Void
    ) {
        self.session = session
        self.pages = pages
        (self.lateMemory, self.name) = (lateMemory, name)
        self.finish = finish
        self.complete = complete
        self.cleanUp = cleanUp
    }

    /// Waits until everything has been restored from the images, which are complete now.
    ///
    /// - Throws: What went wrong, in criu's words; nothing is left then.
    package func waitReady(deadline: Duration = .seconds(300)) async throws {
        try await BlockingPool.shared.run { [self] in
            do {
                while true {
                    switch try session.next("restore the container", deadline: deadline) {
                    case .step(let step) where step.name == CriuStep.prepared:
                        // criu takes timers that ran out while it wrote for timers that were never set.
                        try CriuImages.rearmTimers(in: session.workspace.imageDirectory)
                        try pages?.begin()
                        try session.answer(true)
                    case .step(let step) where step.name == "post-restore":
                        try finish(step)
                        try session.noteMonitor(ofInit: step.initPID)
                        return try pages?.hold(initPID: step.initPID) ?? ()
                    case .step: try session.answer(true)
                    case .message: throw RuntimeError.helperDied("restore the container")
                    }
                }
            } catch {
                let reason = CriuLog.firstError(at: session.workspace.imageDirectory + "/restore.log")
                session.kill()
                pages?.end()
                cleanUp(true)
                throw reason.map { RuntimeError.criu("restore", $0) } ?? error
            }
        }
    }

    /// Lets it run.
    ///
    /// - Parameter beforeRunning: Called with its init when it is about to run: the network can be plugged in.
    package func resume(
        _ beforeRunning: @escaping @Sendable (_ initPID: Int32) async throws -> Void = { _ in }
    ) async throws -> RunningContainer {
        do {
            // From here on its connections say goodbye when it ends: what cannot go on ends before.
            try session.requireAttended()
            try await answer(true)
            while true {
                let event = try await step { [self] in
                    try session.next("resume the container", deadline: .seconds(60))
                }
                switch event {
                case .step(let step) where step.name == "pre-resume":
                    // criu goes on whatever is said here: what fails is undone by ending the container.
                    var failure: (any Error)?
                    do {
                        try session.requireAttended()
                        try await beforeRunning(step.initPID)
                    } catch { failure = error }
                    try await answer(failure == nil)
                    if let failure { throw failure }
                case .step: try await answer(true)
                case .message(let message):
                    if pages != nil { lateMemory.insert(name) }
                    let running = try complete(message)
                    cleanUp(false)
                    return running
                }
            }
        } catch {
            lateMemory.remove(name)
            await BlockingPool.shared.run { [self] in
                session.kill()
                pages?.end()
                cleanUp(true)
            }
            throw error
        }
    }

    /// Takes everything back.
    package func abort() async throws {
        await BlockingPool.shared.run { [self] in
            defer {
                pages?.end()
                cleanUp(true)
            }
            // The helper takes back what it made when criu fails; how it tells so does not matter.
            guard (try? session.answer(false)) != nil else { return }
            while case .step? = try? session.next("take the restore back", deadline: .seconds(60)) {
                try? session.answer(false)
            }
        }
    }

    /// Waits until a container that runs has all of its memory; at once when it is no post-copy.
    ///
    /// - Throws: When not all of it could be fetched; the container has been ended then, since it cannot go on.
    package func waitPages(deadline: Duration = .seconds(3600)) async throws {
        guard let pages else { return }
        defer { lateMemory.remove(name) }
        try await BlockingPool.shared.run { try pages.wait(deadline: deadline) }
    }

    private func answer(_ goOn: Bool) async throws { try await step { [self] in try session.answer(goOn) } }

    private func step<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await BlockingPool.shared.run(body)
    }
}
