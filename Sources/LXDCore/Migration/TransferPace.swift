import LXDConfig
import LXDStorage
import Synchronization

/// How fast bytes may go: a pool's `rsync.bwlimit`, for the ways of sending that are not rsync's own.
struct TransferPace: Sendable {
    /// Since when all that was sent has had its time; nil before the first byte.
    private var paid: ContinuousClock.Instant?
    let bytesPerSecond: Int64

    /// - Parameter text: A size for each second; a bare number counts KiB, as rsync has it.
    /// - Returns: nil where nothing is limited.
    init?(_ text: String?) {
        guard let text, !text.isEmpty else { return nil }
        // Checked when it was written.
        guard let bytes = Int64(text).map({ $0.multipliedReportingOverflow(by: 1024).partialValue }) ?? (try? ByteCount.parse(text)),
            bytes > 0
        else { return nil }
        bytesPerSecond = bytes
    }

    /// How long to wait before bytes are sent. Time in which nothing was sent is not saved up.
    mutating func pause(before bytes: Int, at now: ContinuousClock.Instant) -> Duration {
        let start = max(paid ?? now, now)
        paid = start + .seconds(Double(bytes) / Double(bytesPerSecond))
        return now.duration(to: start)
    }
}

/// A channel that is held to a pace.
final class PacedChannel: TransferChannel {
    private let channel: any TransferChannel
    private let pace: Mutex<TransferPace>

    init(_ channel: any TransferChannel, _ pace: TransferPace) {
        self.channel = channel
        self.pace = Mutex(pace)
    }

    func read() async throws -> [UInt8]? { try await channel.read() }

    func write(_ bytes: [UInt8]) async throws {
        let wait = pace.withLock { $0.pause(before: bytes.count, at: .now) }
        if wait > .zero { try await Task.sleep(for: wait) }
        try await channel.write(bytes)
    }

    func finish() async throws { try await channel.finish() }
}
