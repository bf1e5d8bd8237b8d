package import LXDAPI
import LXDDatabase
import Synchronization

/// What to fetch from another server, and what becomes of it here.
package struct ImageFetch: Sendable {
    package var project = "default"
    /// `lxd`, which empty means too, `simplestreams` or `direct`.
    package var imageProtocol = ""
    package var server = ""
    package var certificate = ""
    /// Opens a private image; empty for public ones.
    package var secret = ""
    /// An alias, a fingerprint or the beginning of one.
    package var name = ""
    /// `container`, `virtual-machine`, or empty for either.
    package var type = ""
    /// The project on the other server; empty for its default.
    package var sourceProject = ""
    package var isPublic = false
    package var autoUpdate = false
    /// Fetched for an instance: goes again when long unused.
    package var isCached = false
    /// Whether an image that is kept up to date from there will do, though there may be a newer one.
    package var prefersCached = false

    package init() {}

    package init(_ source: ImagesPostSource) {
        imageProtocol = source.protocol
        server = source.server
        certificate = source.certificate
        secret = source.secret
        name = source.fingerprint.isEmpty ? source.alias : source.fingerprint
        type = source.imageType
        sourceProject = source.project
    }

    var effectiveProtocol: String { imageProtocol.isEmpty ? "lxd" : imageProtocol }

    var sourceRow: ImageSourceRow {
        var row = ImageSourceRow()
        row.server = server
        row.imageProtocol = effectiveProtocol
        row.certificate = certificate
        row.alias = name
        return row
    }
}

/// Says how far a download is, not more often than somebody can read: `rootfs: 42% (12.30MB/s)`.
final class DownloadMeter: Sendable {
    private struct State {
        var file: String?
        var text = ProgressText("", totalBytes: 0)
        var shown = ""
        var shownAt: ContinuousClock.Instant?
    }

    private let sink: ProgressSink
    private let state = Mutex(State())

    init(_ sink: ProgressSink) { self.sink = sink }

    /// - Parameters:
    ///   - file: The part of the image, such as `rootfs`; empty for all of it.
    ///   - total: Bytes in all; 0 when not known.
    func report(_ file: String, _ done: Int64, _ total: Int64) {
        let news = state.withLock { state -> String? in
            if state.file != file {
                state.file = file
                state.text = ProgressText(file, totalBytes: total)
                state.shownAt = nil
            }
            let now = ContinuousClock.now
            if let last = state.shownAt, now - last < .milliseconds(100), done < total { return nil }
            let text = state.text.text(doneBytes: done, now: now)
            guard text != state.shown else { return nil }
            state.shown = text
            state.shownAt = now
            return text
        }
        if let news { sink("download_progress", news) }
    }
}

/// Bytes that have come so far.
final class ByteCounter: Sendable {
    private let count = Mutex(Int64(0))

    /// - Returns: The new sum.
    func add(_ bytes: Int) -> Int64 {
        count.withLock { count in
            count += Int64(bytes)
            return count
        }
    }

    var value: Int64 { count.withLock { $0 } }
}
