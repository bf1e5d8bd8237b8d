import Foundation
import LXDAPI
import LXDCore
import LXDLinux
import LXDServer
import Logging
import Synchronization

/// The daemon's life: set up, serve, end.
struct Daemon {
    let global: GlobalOptions
    let group: String?

    func run() async throws {
        ProcessMemory.limit()
        let environment = ProcessInfo.processInfo.environment
        let wishes = Signals.stream()
        let paths = DaemonPaths(environment: environment)
        let folders = try DaemonFolders(paths)
        let events = Events()
        let log = try DaemonLog(global, events: events)
        log.logger.info("LXD is starting", metadata: ["version": "\(serverVersion)", "path": "\(paths.root)"])

        let control = Control()
        let graph = try await DaemonGraph(
            paths: paths, events: events, logger: log.logger, control: control, isVerbose: global.debug)
        try await graph.listeners.listenLocally(path: LocalServer.socketPath, group: group, environment: environment)
        do {
            try await graph.start()
        } catch {
            await graph.listeners.shutdown()
            throw error
        }
        graph.api.enter(.ready)
        await graph.startInstances()
        control.becomeReady()
        ServiceNotification.send("READY=1", environment: environment)
        log.logger.info("Daemon started")
        ProcessMemory.giveBack()

        let end = await control.end(wishes)
        ServiceNotification.send("STOPPING=1", environment: environment)
        log.logger.info("Stopping", metadata: ["instances": end.wish == .powerOff ? "stopped" : "left running"])
        graph.api.enter(.stopping)
        await graph.stop(wish: end.wish, force: end.force)
        control.finished()
        await graph.listeners.shutdown()
        try await graph.close()
        log.logger.info("Daemon stopped")
        withExtendedLifetime(folders) {}
    }
}

/// How far the daemon is and who asked it to end.
final class Control: DaemonControl {
    struct End: Sendable {
        var wish: Signals.Wish
        var force: Bool
    }

    private struct State {
        var isReady = false
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let requests: AsyncStream<End>
    private let request: AsyncStream<End>.Continuation

    init() {
        (requests, request) = AsyncStream.makeStream(of: End.self)
    }

    var isReady: Bool { state.withLock { $0.isReady } }

    func becomeReady() { state.withLock { $0.isReady = true } }

    func shutdown(force: Bool) async throws {
        request.yield(End(wish: .powerOff, force: force))
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.waiters.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }

    /// Waits for a signal or a request to end.
    func end(_ wishes: AsyncStream<Signals.Wish>) async -> End {
        let request = request
        let listening = Task {
            for await wish in wishes { request.yield(End(wish: wish, force: false)) }
        }
        defer { listening.cancel() }
        var iterator = requests.makeAsyncIterator()
        return await iterator.next() ?? End(wish: .leave, force: false)
    }

    /// Everything is stopped: who asked for it is told.
    func finished() {
        let waiters = state.withLock { state in
            state.isFinished = true
            state.isReady = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
