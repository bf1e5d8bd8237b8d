import LXDAPI
import LXDLinux
import LXDRuntime
import LXDRuntimePlan
package import Logging
import Synchronization

/// Whether instances can be checkpointed and restored on this host: found out once, by doing it.
package final class CheckpointSupport: Sendable {
    package enum Status: Sendable, Equatable {
        case available(version: String)
        /// Why not, in a sentence.
        case unavailable(String)
    }
    private let helperPath: String
    private let folder: String
    private let cacheDirectory: String?
    private let hostIDs: IDMapSet.HostRange
    private let logger: Logger
    private let task = Mutex<Task<Status, Never>?>(nil)
    private let known = Mutex<Status?>(nil)
    private let extras = Mutex<[String: String]>([:])

    /// - Parameters:
    ///   - folder: Made for the trial.
    ///   - cacheDirectory: Where the runtime keeps what is true until the next boot.
    package init(helperPath: String, folder: String, cacheDirectory: String? = nil, hostIDs: IDMapSet.HostRange, logger: Logger) {
        (self.helperPath, self.folder, self.cacheDirectory) = (helperPath, folder, cacheDirectory)
        (self.hostIDs, self.logger) = (hostIDs, logger)
    }

    /// What is known by now; nil while it is being tried.
    package var current: Status? { known.withLock { $0 } }

    /// What more this host can do, or why not; known as long as ``current`` is.
    package var features: [String: String] { extras.withLock { $0 } }

    /// Gives up finding out, and returns when nothing of the trial is left.
    package func end() async {
        guard let task = task.withLock({ $0 }) else { return }
        task.cancel()
        _ = await task.value
    }

    /// Starts to find out; may be called again.
    package func begin() { _ = running() }

    /// Waits until it is known.
    package func status() async -> Status { await running().value }

    /// - Throws: `notImplemented` with the reason when it does not work here.
    package func require() async throws {
        if case .unavailable(let reason) = await status() { throw LXDError.notImplemented(reason) }
    }

    /// The version of criu.
    ///
    /// - Throws: Like ``require()``.
    package func version() async throws -> String {
        switch await status() {
        case .available(let version): return version
        case .unavailable(let reason): throw LXDError.notImplemented(reason)
        }
    }

    private func running() -> Task<Status, Never> {
        task.withLock { task in
            if let task { return task }
            let new = Task { [self] in
                let status = await probe()
                known.withLock { $0 = status }
                switch status {
                case .available(let version): logger.info("Live migration is available", metadata: ["criu": "\(version)"])
                case .unavailable(let reason): logger.info("Live migration is not available", metadata: ["reason": "\(reason)"])
                }
                return status
            }
            task = new
            return new
        }
    }

    private func probe() async -> Status {
        let criu = ContainerRuntime.criuPath
        guard ProcessRunner.locate(criu) != nil else {
            return .unavailable("Live migration needs criu 4.2.1 or newer at \(criu) (scripts/install-criu puts it there)")
        }
        do {
            let version = try await CheckpointSelfTest.version(of: criu)
            let parts = version.split(separator: ".").compactMap { Int($0) }
            guard parts.count >= 2, parts.lexicographicallyPrecedes([4, 2, 1]) == false else {
                return .unavailable("Live migration needs criu 4.2.1 or newer (found \(version))")
            }
            let idmap = [
                IDMapEntry(isUID: true, isGID: false, hostID: UInt32(clamping: hostIDs.uidBase), namespaceID: 0, range: 65536),
                IDMapEntry(isUID: false, isGID: true, hostID: UInt32(clamping: hostIDs.gidBase), namespaceID: 0, range: 65536),
            ]
            try await CheckpointSelfTest.run(
                helperPath: helperPath, folder: folder, cacheDirectory: cacheDirectory, idmap: idmap, logger: logger)
            let (postCopy, preCopy) = await (CheckpointFeatures.postCopyRefusal(), CheckpointFeatures.preCopyRefusal())
            extras.withLock {
                $0 = [
                    "postcopy": postCopy.map { "false: " + $0 } ?? "true",
                    "incremental_memory": "false: " + (preCopy ?? "this server does not do that yet"),
                ]
            }
            return .available(version: version)
        } catch is CancellationError {
            return .unavailable("Live migration was not tried: the daemon is ending")
        } catch {
            return .unavailable("Live migration does not work on this host: \(LXDError.from(error).message)")
        }
    }
}
