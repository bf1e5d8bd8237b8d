import Foundation
import Glibc
import LXDAPI
import LXDCore
import Logging
import Synchronization

/// Where the daemon's log goes: standard error, a file, syslog, and those who listen to events.
struct DaemonLog: Sendable {
    let logger: Logger

    /// - Throws: When the log file cannot be opened.
    init(_ options: GlobalOptions, events: Events) throws {
        let level: Logger.Level = options.debug ? .debug : options.verbose ? .info : .warning
        var file: LogFile?
        if let path = options.logfile, !path.isEmpty { file = try LogFile(path: path) }
        let toSyslog = options.syslog
        if toSyslog { openlog(nil, LOG_PID, LOG_DAEMON) }
        let output = LogOutput(file: file, toSyslog: toSyslog)
        logger = Logger(label: "lxd") { _ in
            var events = EventLogHandler(events: events, logLevel: level)
            events.logLevel = level
            return MultiplexLogHandler([TextLogHandler(output: output, logLevel: level), events])
        }
    }
}

/// A log file that is appended to.
final class LogFile: Sendable {
    private let descriptor: CInt

    init(path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw LXDError.internalError("Failed to open log file \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func append(_ line: String) {
        var bytes = Array(line.utf8)
        // One write a line, so that lines of several threads do not mix.
        _ = write(descriptor, &bytes, bytes.count)
    }
}

struct LogOutput: Sendable {
    let file: LogFile?
    let toSyslog: Bool

    func emit(_ line: String, _ level: Logger.Level) {
        var bytes = Array(line.utf8)
        _ = write(2, &bytes, bytes.count)
        file?.append(line)
        guard toSyslog else { return }
        let priority =
            switch level {
            case .trace, .debug: LOG_DEBUG
            case .info, .notice: LOG_INFO
            case .warning: LOG_WARNING
            case .error: LOG_ERR
            case .critical: LOG_CRIT
            }
        line.withCString { text in withVaList([text]) { vsyslog(priority, "%s", $0) } }
    }
}

/// LXD's lines: `time="2022-01-01T00:00:00Z" level=info msg="..." key=value`.
struct TextLogHandler: LogHandler {
    let output: LogOutput
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(output: LogOutput, logLevel: Logger.Level) {
        self.output = output
        self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let level =
            switch event.level {
            case .trace: "trace"
            case .debug: "debug"
            case .info, .notice: "info"
            case .warning: "warning"
            case .error: "error"
            case .critical: "fatal"
            }
        var now = LXDTime.now()
        now.nanoseconds = 0
        var line = "time=\"\(now)\" level=\(level) msg=\(goQuoted(event.message.description))"
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            let text = "\(value)"
            let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
            line += " \(key)=\(isPlain ? text : goQuoted(text))"
        }
        output.emit(line + "\n", event.level)
    }
}
