import FoundationEssentials
import LXDAPI
import LXDClient
import LXDHTTP

struct Query: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Send a raw query to LXD", usage: "[<remote>:]<API path>", shouldDisplay: false)
    static let argumentCount = 1...1
    static let examples = """
        lxc query -X DELETE --wait /1.0/instances/c1
            Delete local instance "c1".
        """

    @Flag(help: "Wait for the operation to complete") var wait = false
    @Flag(help: "Print the raw response") var raw = false
    @Option(short: "X", help: "Action (defaults to GET)") var request = "GET"
    @Option(short: "d", help: "Input data") var data = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        guard session.globals.project.isEmpty else {
            throw CommandFailure("--project cannot be used with the query command")
        }
        let resource = try session.resource(arguments[0])
        guard resource.name.hasPrefix("/") else { throw CommandFailure("Query path must start with /") }
        let server = resource.server.using(project: "")
        let body = try self.body()
        let answer = try await server.send(
            request, resource.name, headers: body == nil ? [] : [("Content-Type", "application/json")],
            body: body.map { .data($0) } ?? .none)
        let content = try await answer.body.collectData(upTo: 1 << 30)
        guard var envelope: JSONValue = try? LXDJSON.decode(from: content), envelope.objectValue != nil else {
            guard answer.status == 200 else {
                throw LXDError(
                    .init(httpStatus: answer.status), "Failed to fetch \(server.url)\(resource.name): \(answer.status)")
            }
            // Files and logs come as they are.
            content.withUnsafeBytes { Standard.write($0, to: Standard.outputDescriptor) }
            return
        }
        if envelope["type"].stringValue == ResponseType.error {
            throw LXDError(.init(httpStatus: answer.status), envelope["error"].stringValue ?? "")
        }
        if wait, let operation = envelope["operation"].stringValue, !operation.isEmpty {
            envelope = try await ended(operation, server)
        }
        let shown = raw ? envelope : envelope["metadata"]
        if shown == .null || shown == .object([:]) { return }
        Standard.output(PrettyJSON.text(shown) + "\n\n")
    }

    private func ended(_ operation: String, _ server: ServerConnection) async throws -> JSONValue {
        let (path, query) = operation.split(once: "?") ?? (operation, "")
        let answer = try await server.send("GET", "\(path)/wait?\(query)")
        let envelope: JSONValue = try LXDJSON.decode(from: try await answer.body.collectData(upTo: 1 << 30))
        if envelope["type"].stringValue == ResponseType.error {
            throw LXDError(.init(httpStatus: answer.status), envelope["error"].stringValue ?? "")
        }
        if let text = envelope["metadata"]["err"].stringValue, !text.isEmpty { throw CommandFailure(text) }
        return envelope
    }

    /// JSON as it was given; any other text becomes a JSON string, as in LXD's client.
    private func body() throws -> Data? {
        if data.isEmpty { return request == "GET" || request == "DELETE" ? nil : Data("\"\"\n".utf8) }
        if (try? LXDJSON.decode(JSONValue.self, from: data)) != nil { return Data(data.utf8) }
        return try LXDJSON.encode(data)
    }
}

/// JSON for people: one member a line, indented by tabs, keys in order.
enum PrettyJSON {
    static func text(_ value: JSONValue, depth: Int = 0) -> String {
        let inner = String(repeating: "\t", count: depth + 1)
        let outer = String(repeating: "\t", count: depth)
        switch value {
        case .object(let members) where !members.isEmpty:
            let lines = members.sorted { $0.key < $1.key }.map { "\(inner)\(quoted($0.key)): \(text($0.value, depth: depth + 1))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { inner + text($0, depth: depth + 1) }.joined(separator: ",\n") + "\n\(outer)]"
        case .object: return "{}"
        case .array: return "[]"
        default: return scalar(value)
        }
    }

    private static func quoted(_ text: String) -> String { scalar(.string(text)) }

    private static func scalar(_ value: JSONValue) -> String {
        (try? LXDJSON.encodeString(value)) ?? "null"  // Only a number that is none cannot be written.
    }
}
