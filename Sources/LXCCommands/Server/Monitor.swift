import Glibc
import LXDAPI
import LXDClient

struct Monitor: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor", abstract: "Monitor a local or remote LXD server", usage: "[<remote>:]",
        discussion: """
            Monitor a local or remote LXD server

            By default the monitor will listen to all message types.
            """,
        shouldDisplay: false)
    static let argumentCount = 0...1
    static let examples = """
        lxc monitor --type=logging
            Only show log messages.

        lxc monitor --pretty --type=logging --loglevel=info
            Show a pretty log of messages with info level or higher.

        lxc monitor --type=lifecycle
            Only show lifecycle events.
        """

    @Flag(help: "Pretty rendering (short for --format=pretty)") var pretty = false
    @Flag(help: "Show events from all projects") var allProjects = false
    @Option(help: "Event type to listen for") var type: [String] = []
    @Option(help: "Minimum level for log messages (only available when using pretty format)") var loglevel = ""
    @Option(short: "f", help: "Format (json|pretty|yaml)") var format = "yaml"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        guard ["json", "pretty", "yaml"].contains(format) else { throw CommandFailure("Invalid format: \(format)") }
        let isPretty = pretty || format == "pretty"
        if !isPretty, !loglevel.isEmpty {
            throw CommandFailure("Log level filtering can only be used with pretty formatting")
        }
        let limit = try EventLine.rank(loglevel.isEmpty ? "debug" : loglevel)
        let server = try session.resource(arguments.first ?? "").server
        let events = try await server.events(types: type, allProjects: allProjects)
        while let event = try await events.next() {
            if isPretty {
                if let line = EventLine.of(event, limit: limit) { Standard.output(line) }
            } else {
                let value = try JSONValue(encoding: event)
                let text = format == "json" ? try LXDJSON.encodeString(value) : try LXDYAML.encode(value)
                Standard.output(text + "\n\n")
            }
        }
        throw CommandFailure("The server closed the connection")
    }
}

/// An event as one line of a log.
enum EventLine {
    private static let levels = ["panic", "fatal", "error", "warning", "info", "debug", "trace"]

    static func rank(_ level: String) throws -> Int {
        let name = ["warn": "warning", "dbug": "debug", "eror": "error", "crit": "fatal"][level] ?? level.lowercased()
        guard let rank = levels.firstIndex(of: name) else {
            throw CommandFailure("not a valid logrus Level: \(level.goQuoted)")
        }
        return rank
    }

    /// - Parameter limit: Less important levels than this are passed over.
    static func of(_ event: Event, limit: Int) -> String? {
        var level = "info"
        var message = ""
        var context: [String: String] = [:]
        switch event.type {
        case EventType.logging:
            guard let record: EventLogging = try? event.metadata.decode() else { return nil }
            level = record.level
            message = record.message
            context = record.context
        case EventType.lifecycle:
            guard let record: EventLifecycle = try? event.metadata.decode() else { return nil }
            message = "Action: \(record.action), Source: \(record.source)"
            for (key, value) in record.context { context[key] = text(value) }
        case EventType.operation:
            guard let record: Operation = try? event.metadata.decode() else { return nil }
            message = "ID: \(record.id), Class: \(record.class), Description: \(record.description)"
            context = ["CreatedAt": "\(record.createdAt)", "Err": record.err, "Status": record.status, "UpdatedAt": "\(record.updatedAt)"]
        default: return nil
        }
        guard let rank = try? rank(level), rank <= limit else { return nil }
        var line = levels[rank].uppercased()
        line += String(repeating: " ", count: max(0, 7 - line.count))
        line += "[\(event.timestamp)] \(message)"
        line += String(repeating: " ", count: max(0, 44 - message.count))
        for (key, value) in context.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(quoted(value))" }
        return line + "\n"
    }

    private static func text(_ value: JSONValue) -> String {
        value.stringValue ?? (try? LXDJSON.encodeString(value)) ?? ""
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { byte in
            (byte >= 48 && byte <= 57) || (byte | 32 >= 97 && byte | 32 <= 122) || "-._/@^+".utf8.contains(byte)
        }
        return isPlain ? text : text.goQuoted
    }
}
