import Glibc
package import LXDAPI
import LXDLinux
package import Logging
import Synchronization
import SystemPackage

/// The dnsmasq of one bridge: found again after a restart of the daemon, started anew when it dies.
///
/// It runs on its own, as a child of init, so that instances keep DHCP and DNS while the daemon is away.
package final class DnsmasqProcess: Sendable {
    private struct State {
        var process: ProcessHandle?
        var plan: DnsmasqPlan?
        /// Counts starts and stops; a watcher of an older one has nothing to say.
        var generation: UInt64 = 0
    }

    package let files: DnsmasqPlan.Files
    private let network: String
    private let logger: Logger
    private let state = Mutex(State())

    private static let startDeadline = Duration.seconds(20)
    private static let stopDeadline = Duration.seconds(5)
    private static let restartDelays: [Duration] = [
        .milliseconds(100), .seconds(1), .seconds(2), .seconds(10), .seconds(60),
    ]

    package init(network: String, files: DnsmasqPlan.Files, logger: Logger) {
        self.network = network
        self.files = files
        self.logger = logger
    }

    package var isRunning: Bool { state.withLock { $0.process.map { $0.exit == nil } ?? false } }

    /// Makes dnsmasq run by the plan: one that does already is told to read its files again.
    /// - Throws: With dnsmasq's own words when it refuses.
    package func ensure(_ plan: DnsmasqPlan) async throws(LXDError) {
        guard let program = ProcessRunner.locate("dnsmasq") else {
            throw .internalError("dnsmasq is required for LXD managed bridges")
        }
        let isRawSame = (try? AtomicFile.readText(files.raw)) == plan.rawText
        do {
            try AtomicFile.write(plan.rawText, to: files.raw, mode: 0o644, sync: false)
        } catch { throw .internalError("Failed to write \(files.raw): \(error)") }
        if isRawSame, let running = found(), Self.arguments(of: running.pid).dropFirst().elementsEqual(plan.arguments) {
            adopt(running, plan)
            try? running.signal(SIGHUP)
            return
        }
        try await stop()
        let process = try await start(program, plan)
        adopt(process, plan)
    }

    /// Tells dnsmasq to read its hosts again. Without a process there is nothing to tell.
    package func reload() {
        let process = state.withLock { $0.process } ?? found()
        // A process that ended meanwhile reads the files when it is started again.
        try? process?.signal(SIGHUP)
    }

    /// Ends dnsmasq; may be called when none runs.
    package func stop() async throws(LXDError) {
        let known = state.withLock { state in
            state.generation += 1
            state.plan = nil
            let process = state.process
            state.process = nil
            return process
        }
        guard let process = known ?? found() else { return removePIDFile() }
        do {
            try process.signal(SIGTERM)
            if await process.wait(timeout: Self.stopDeadline) == nil {
                try process.signal(SIGKILL)
                if await process.wait(timeout: Self.stopDeadline) == nil {
                    throw LXDError.internalError("Unable to kill dnsmasq: it does not end")
                }
            }
        } catch { throw .from(error).wrapped("Unable to kill dnsmasq") }
        removePIDFile()
    }

    /// Lets a running dnsmasq be: the daemon ends, or the network was given another name.
    package func abandon() {
        state.withLock { state in
            state.generation += 1
            state.process = nil
            state.plan = nil
        }
    }

    private func start(_ program: String, _ plan: DnsmasqPlan) async throws(LXDError) -> ProcessHandle {
        unlink(files.ownPID)
        let result: ToolResult
        do {
            // The first process ends once the sockets are open and the privileges dropped: no guessing whether it runs.
            result = try await ProcessRunner.run(program, plan.arguments, deadline: Self.startDeadline)
        } catch { throw .internalError("Failed to run dnsmasq: \(error)", cause: error) }
        guard result.exit.isSuccess else {
            let words = String(decoding: result.errorOutput, as: UTF8.self).trimmingSpaces()
            throw .internalError(
                "The DNS and DHCP service exited prematurely: exit status \(result.exit.shellStatus) (\(goQuoted(words)))"
            )
        }
        guard let text = try? AtomicFile.readText(files.ownPID), let pid = Int32(text.trimmingSpaces()), pid > 1,
            let process = try? ProcessHandle(pid: pid), Self.isOurs(pid, files)
        else { throw .internalError("The DNS and DHCP service exited prematurely") }
        do {
            let record = "name: dnsmasq\npid: \(pid)\nstart: \(Self.startTime(of: pid) ?? 0)\n"
            try AtomicFile.write(record, to: files.pid, mode: 0o600, sync: false)
        } catch {
            try? process.signal(SIGKILL)
            throw .internalError("Failed to save subprocess details: \(error)")
        }
        unlink(files.ownPID)
        return process
    }

    private func adopt(_ process: ProcessHandle, _ plan: DnsmasqPlan) {
        let generation = state.withLock { state in
            state.generation += 1
            state.process = process
            state.plan = plan
            return state.generation
        }
        Task { await self.watch(process, generation) }
    }

    private func watch(_ process: ProcessHandle, _ generation: UInt64) async {
        _ = await process.wait()
        for attempt in 0... {
            let delay = Self.restartDelays[min(attempt, Self.restartDelays.count - 1)]
            try? await Task.sleep(for: delay)
            guard let plan = state.withLock({ $0.generation == generation ? $0.plan : nil }) else { return }
            guard let program = ProcessRunner.locate("dnsmasq") else { continue }
            logger.warning("DNS and DHCP service ended, starting it again", metadata: ["network": "\(network)"])
            do {
                let next = try await start(program, plan)
                let isCurrent = state.withLock { $0.generation == generation }
                guard isCurrent else {
                    try? next.signal(SIGTERM)
                    return
                }
                return adopt(next, plan)
            } catch {
                logger.error(
                    "DNS and DHCP service does not start", metadata: ["network": "\(network)", "error": "\(error)"])
            }
        }
    }

    /// The process named by the pid file, if it is still the one that was started for this network.
    private func found() -> ProcessHandle? {
        guard let text = try? AtomicFile.readText(files.pid, limit: 65536) else { return nil }
        var pid: Int32?
        var start: UInt64?
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count == 2 else { continue }
            if fields[0] == "pid:" { pid = Int32(fields[1]) }
            if fields[0] == "start:" { start = UInt64(fields[1]) }
        }
        guard let pid, pid > 1, let handle = try? ProcessHandle(pid: pid), Self.isOurs(pid, files) else { return nil }
        // A number can be another's by now. LXD's own files have no start time: its arguments must do.
        if let start, start != Self.startTime(of: pid) { return nil }
        return handle
    }

    private func removePIDFile() {
        unlink(files.pid)
        unlink(files.ownPID)
    }

    private static func isOurs(_ pid: Int32, _ files: DnsmasqPlan.Files) -> Bool {
        arguments(of: pid).contains("--conf-file=\(files.raw)")
    }

    private static func arguments(of pid: Int32) -> [String] {
        guard let bytes = try? AtomicFile.read("/proc/\(pid)/cmdline", limit: 1 << 20) else { return [] }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Field 22 of `/proc/PID/stat`: clock ticks since boot.
    private static func startTime(of pid: Int32) -> UInt64? {
        guard let text = try? AtomicFile.readText("/proc/\(pid)/stat", limit: 65536), let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
