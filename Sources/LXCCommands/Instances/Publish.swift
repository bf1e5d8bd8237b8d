import LXDAPI
import LXDClient

struct Publish: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish instances as images",
        usage: "[<remote>:]<instance>[/<snapshot>] [<remote>:] [flags] [key=value...]")
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc publish u1/snap0 --alias web description="Our web server"
            Make an image from a snapshot of "u1".
        """

    @Flag(help: "Make the image public") var `public` = false
    @Option(help: "New alias to define at target") var alias: [String] = []
    @Flag(short: "f", help: "Stop the instance if currently running") var force = false
    @Option(help: "Compression algorithm to use (`none` for uncompressed)") var compression = ""
    @Option(help: "Image expiration date (format: rfc3339)") var expire = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let source = try session.resource(arguments[0])
        var words = Array(arguments.dropFirst())
        var destination = try session.resource("")
        if let first = words.first, !first.contains("=") {
            destination = try session.resource(first)
            words.removeFirst()
        }
        guard !source.name.isEmpty else { throw CommandFailure("Instance name is mandatory") }
        guard destination.name.isEmpty else {
            throw CommandFailure("There is no \"image name\".  Did you want an alias?")
        }
        var properties: [String: String] = [:]
        for word in words {
            guard let (key, value) = word.split(once: "=") else { throw CommandFailure("Bad key=value pair: [\(word)]") }
            properties[key] = value
        }
        let request = try request(source, isLocal: source.remote == destination.remote, properties)
        let fingerprint = try await whileStopped(source) { try await publish(request, source, session) }
        if source.remote != destination.remote {
            let image = try await source.server.image(fingerprint).value
            _ = try await ImageTransfer(
                session: session, source: .lxd(source.server), destination: destination.server, mode: "pull"
            ).run(image, from: source.server, isPublic: `public`, autoUpdate: false, alias: "")
            try await source.server.deleteImage(fingerprint).wait()
        }
        try await ImageAliases.ensure(alias, on: destination.server, fingerprint: fingerprint)
        Standard.output("Instance published with fingerprint: \(fingerprint)\n")
    }

    private func request(_ source: Resource, isLocal: Bool, _ properties: [String: String]) throws -> JSONValue {
        var request = ImagesPost()
        request.source = .with {
            $0.type = source.reference.snapshot == nil ? "instance" : "snapshot"
            $0.name = source.name
        }
        request.compressionAlgorithm = compression
        request.public = isLocal && `public`
        if !expire.isEmpty {
            guard let time = LXDTime(rfc3339: expire) else {
                throw CommandFailure("Invalid expiration date: \(expire.goQuoted) is not of the form 2006-01-02T15:04:05Z")
            }
            request.expiresAt = time
        }
        request.properties = properties
        var body = try JSONValue(encoding: request)
        // An empty map would take away the properties that the instance's own image had.
        if properties.isEmpty { body["properties"] = .null }
        return body
    }

    private func publish(_ request: JSONValue, _ source: Resource, _ session: Session) async throws -> String {
        let ended = try await session.wait(
            try await source.server.createImage(request), showing: session.renderer("Publishing instance: %s"))
        guard let fingerprint = ended.metadata["fingerprint"]?.stringValue else {
            throw CommandFailure("The server did not tell the fingerprint of the image")
        }
        return fingerprint
    }

    /// Stops a running instance first, if that was asked for, and starts it again afterwards.
    private func whileStopped(_ source: Resource, _ work: () async throws -> String) async throws -> String {
        guard source.reference.snapshot == nil else { return try await work() }
        let (server, name) = (source.server, source.name)
        let current = try await server.instance(name)
        if current.value.statusCode == .unset || current.value.statusCode == .stopped { return try await work() }
        guard force else {
            throw CommandFailure("The instance is currently running. Use --force to have it stopped and restarted")
        }
        if current.value.ephemeral {
            // Else it would be gone once it has stopped.
            var request = current.value.writable
            request.ephemeral = false
            try await server.updateInstance(name, request, etag: current.etag).wait()
        }
        do {
            try await server.changeInstanceState(
                name,
                .with {
                    $0.action = "stop"
                    $0.timeout = -1
                    $0.force = true
                }
            ).wait()
        } catch {
            throw CommandFailure("Stopping instance failed!")
        }
        if current.value.ephemeral {
            let stopped = try await server.instance(name)
            var request = stopped.value.writable
            request.ephemeral = true
            try await server.updateInstance(name, request, etag: stopped.etag).wait()
        }
        func startAgain() async throws {
            try await server.changeInstanceState(
                name,
                .with {
                    $0.action = "start"
                    $0.timeout = -1
                }
            ).wait()
        }
        do {
            let result = try await work()
            try await startAgain()
            return result
        } catch {
            try? await startAgain()  // What went wrong first is what the person must hear.
            throw error
        }
    }
}
