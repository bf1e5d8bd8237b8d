package import Logging
internal import LXDAPI

/// Sends log lines to those who listen to logging events, beside the handler that writes them.
package struct EventLogHandler: LogHandler {
    private let events: Events
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]

    package init(events: Events, logLevel: Logger.Level) {
        self.events = events
        self.logLevel = logLevel
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        guard events.isHeard(EventType.logging) else { return }
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        events.publish(
            logging: .with {
                $0.message = event.message.description
                $0.level = Self.name(event.level)
                $0.context = all.mapValues { "\($0)" }
            })
    }

    /// LXD's names of the levels.
    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "trace"
        case .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warning"
        case .error: "error"
        case .critical: "fatal"
        }
    }
}
