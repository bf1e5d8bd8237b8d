/// How far a transfer is, in LXD's words: `Unpack: 42% (8.59MB/s)`.
package struct ProgressText: Sendable {
    private let stage: String
    private let totalBytes: Int64
    private let start = ContinuousClock.now

    /// - Parameters:
    ///   - stage: What is being done; empty leaves it out. Example: `Unpack`.
    ///   - totalBytes: What it will be at the end; 0 when it is not known.
    package init(_ stage: String, totalBytes: Int64) {
        self.stage = stage.isEmpty ? "" : stage + ": "
        self.totalBytes = totalBytes
    }

    package func text(doneBytes: Int64, now: ContinuousClock.Instant = .now) -> String {
        let seconds = max(start.duration(to: now) / .seconds(1), 0.001)
        let rate = Self.size(Double(max(doneBytes, 0)) / seconds) + "/s"
        guard totalBytes > 0 else { return "\(stage)\(Self.size(Double(max(doneBytes, 0)))) (\(rate))" }
        return "\(stage)\(min(100, max(doneBytes, 0) * 100 / totalBytes))% (\(rate))"
    }

    private static func size(_ bytes: Double) -> String {
        var value = bytes
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 || unit == "GB" {
                let hundredths = Int64(value * 100)
                let fraction = hundredths % 100
                return unit == "B" ? "\(Int64(value))B" : "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)\(unit)"
            }
            value /= 1000
        }
        return "\(Int64(bytes))B"
    }
}
