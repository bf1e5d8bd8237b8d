internal import LXDLinux
internal import LXDRuntimePlan
internal import Logging
internal import Synchronization
internal import SystemPackage

/// The console of a container that was restored from images.
///
/// liblxc keeps what its containers show in memory and in a file, but nothing of one that criu made. So we are at its console, of
/// which there is one place only, write the file, and let a client's session in.
final class KeptConsole: Sendable {
    /// At the console itself.
    let session: ConsoleSession
    private let logPath: String
    private let viewer = Mutex<AsyncStream<[UInt8]>.Continuation?>(nil)
    /// How many pieces wait for a client at most. The container and its log never wait for one: the oldest are dropped.
    private static let waitingMax = 512
    /// The log is cut to its end when it has grown to eight times that.
    private static let keptBytes = 128 << 10

    init(_ session: ConsoleSession, logPath: String) { (self.session, self.logPath) = (session, logPath) }

    /// Writes the log until the console is gone.
    func run() async throws {
        defer {
            leave()
            session.close()
        }
        try await session.output { bytes in
            viewer.withLock { _ = $0?.yield(bytes) }
            try await BlockingPool.shared.run { try self.append(bytes) }
        }
    }

    /// A session of a client; nil while there is another.
    func join() -> ConsoleSession? {
        viewer.withLock { viewer in
            guard viewer == nil else { return nil }
            let (stream, continuation) = AsyncStream.makeStream(
                of: [UInt8].self, bufferingPolicy: .bufferingNewest(Self.waitingMax))
            viewer = continuation
            return ConsoleSession(self, shown: stream)
        }
    }

    /// Ends the client's session, if there is one.
    func leave() {
        let ended = viewer.withLock { viewer in
            defer { viewer = nil }
            return viewer
        }
        ended?.finish()
    }

    private func append(_ bytes: [UInt8]) throws {
        // Opened anew each time: it may have been cleared.
        let file = OwnedDescriptor(
            adopting: try FileDescriptor.open(
                logPath, .readWrite, options: [.append, .create, .noFollow, .closeOnExec], permissions: [.ownerRead, .ownerWrite]))
        try writeAll(bytes, to: file.descriptor)
        let size = try file.descriptor.seek(offset: 0, from: .end)
        guard size > 8 * Int64(Self.keptBytes) else { return }
        try file.descriptor.seek(offset: size - Int64(Self.keptBytes), from: .start)
        let end = try readAll(file.descriptor, limit: Self.keptBytes)
        try AtomicFile.write(end, to: logPath, mode: 0o600, sync: false)
    }
}

extension ContainerRuntime {
    /// Keeps the log of a restored container's console as long as it runs.
    func keepConsole(of entry: Entry) {
        guard let logPath = entry.consoleLogPath else { return }
        Task {
            var pause = Duration.seconds(1)
            while running(entry.name)?.initPID == entry.initProcess.pid {
                do {
                    let console = KeptConsole(try await openTerminal(entry.name), logPath: logPath)
                    keptConsoles.withLock { $0[entry.name] = console }
                    defer { keptConsoles.withLock { if $0[entry.name] === console { $0[entry.name] = nil } } }
                    try await console.run()
                } catch {
                    // A client of the last daemon's may still be there.
                    logger.debug("The log of a console is not kept", metadata: ["name": "\(entry.name)", "error": "\(error)"])
                }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(60))
            }
        }
    }

    /// The console of a running container, with nobody else at it.
    package func openConsole(_ name: String) async throws -> ConsoleSession {
        guard let kept = keptConsoles.withLock({ $0[name] }) else { return try await openTerminal(name) }
        guard let session = kept.join() else {
            throw RuntimeError.failed(HelperFailure(step: "open the console of", number: Errno.resourceBusy.rawValue, subject: name))
        }
        return session
    }

    private func openTerminal(_ name: String) async throws -> ConsoleSession {
        _ = try entry(name)
        let answer = try await helper.perform(
            .openConsole(name: name, stateDirectory: stateDirectory), purpose: "open the console")
        guard let master = answer.take(0), let reservation = answer.take(1) else {
            throw RuntimeError.helperDied("open the console")
        }
        return try ConsoleSession(master: master.release(), reservation: reservation.release())
    }
}
