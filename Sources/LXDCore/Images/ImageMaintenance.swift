import LXDAPI
package import Logging
import Synchronization

/// Looks after images that came from other servers, in the background: replaces them by newer ones, and removes those
/// nothing uses any more. Shown as operations of the server's own.
package final class ImageMaintenance: Sendable {
    private let images: ImageService
    private let operations: Operations
    private let logger: Logger
    private let start = ContinuousClock.now
    /// One piece of work after the other.
    private let turns = KeyedLocks<String>(patience: .seconds(86_400))
    private let knownExpiry = Mutex<String?>(nil)

    package init(images: ImageService, operations: Operations, logger: Logger) {
        self.images = images
        self.operations = operations
        self.logger = logger
    }

    /// Works until cancelled: expired images each day, newer ones each hour by their projects' rules, both at once now.
    package func run() async {
        var hours: Int64 = 0
        while !Task.isCancelled {
            if hours % 24 == 0 { await expire() }
            await update(hoursSinceStart: hours)
            hours += 1
            do { try await Task.sleep(until: start + .seconds(hours * 3600), clock: .continuous) } catch { return }
        }
    }

    /// A shorter time of keeping acts at once.
    package func configChanged(_ config: [String: String]) {
        let expiry = config["images.remote_cache_expiry"] ?? ""
        let old = knownExpiry.withLock { known in
            defer { known = expiry }
            return known
        }
        if let old, old != expiry { Task { await expire() } }
    }

    private func expire() async {
        let images = images
        await work(.imagesExpire) { try await images.removeExpired(now: .now()) }
    }

    private func update(hoursSinceStart: Int64) async {
        let images = images
        await work(.imagesUpdate) { try await images.refreshDue(hoursSinceStart: hoursSinceStart) }
    }

    private func work(_ kind: OperationKind, _ body: @escaping @Sendable () async throws -> Void) async {
        do {
            try await turns.with("work", .update) {
                let operation = try operations.start(kind, project: "", isCancellable: true) { _ in try await body() }
                try await operations.waitForSuccess(id: operation.id)
            }
        } catch {
            logger.error(
                "Failed to look after images", metadata: ["work": "\(kind)", "err": "\(LXDError.from(error).message)"])
        }
    }
}
