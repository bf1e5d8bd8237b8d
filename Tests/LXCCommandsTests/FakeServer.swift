import Foundation
import LXDAPI
import LXDClient
import LXDHTTP
import Logging
import Synchronization

@testable import LXCCommands

/// A server in this process that answers as a test tells it to, on a unix socket in a folder of its own.
final class FakeServer: Sendable {
    private let folder: String
    private let server: HTTPServer
    private let log = RequestLog()

    /// Runs a test with a server.
    ///
    /// - Parameter answer: Gives the reply to `GET /1.0/operations/a` and the like; nil for 404.
    static func with<Value>(
        _ answer: @escaping @Sendable (_ request: String) async -> Reply?, _ body: (FakeServer) async throws -> Value
    ) async throws -> Value {
        let fake = try await FakeServer(answer)
        do {
            let value = try await body(fake)
            await fake.stop()
            return value
        } catch {
            await fake.stop()
            throw error
        }
    }

    private init(_ answer: @escaping @Sendable (String) async -> Reply?) async throws {
        folder = NSTemporaryDirectory() + "/lxc-fake-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let log = log
        server = HTTPServer(logger: Logger(label: "fake") { _ in SwiftLogNoOpLogHandler() }) { request in
            let line = "\(request.verb.rawValue) \(request.target)"
            log.lines.withLock { $0.append(line) }
            return await answer(line) ?? .error("not found", 404)
        }
        _ = try await server.listen(on: .unix(path: folder + "/unix.socket", mode: 0o660, group: nil))
    }

    private final class RequestLog: Sendable {
        let lines = Mutex<[String]>([])
    }

    /// What was asked, in the order in which it came.
    var requests: [String] { log.lines.withLock { $0 } }

    var address: String { "unix://\(folder)/unix.socket" }
    var connection: ServerConnection { ServerConnection(socketPath: folder + "/unix.socket") }

    private func stop() async {
        await server.shutdown(grace: .milliseconds(100))
        try? FileManager.default.removeItem(atPath: folder)  // A temporary folder left behind fails no test.
    }
}

extension Reply {
    static func json(_ text: String, _ status: Int = 200) -> Reply {
        .response(OutgoingResponse(status: status, headers: ["Content-Type": "application/json"], body: .string(text)))
    }

    static func sync(_ metadata: String) -> Reply {
        .json("{\"type\":\"sync\",\"status\":\"Success\",\"status_code\":200,\"metadata\":\(metadata)}")
    }

    static func error(_ text: String, _ code: Int) -> Reply {
        .json("{\"type\":\"error\",\"error\":\"\(text)\",\"error_code\":\(code)}", code)
    }

    /// An operation that ended well or with an error.
    static func ended(_ id: String, error: String = "") -> Reply {
        .sync("{\"id\":\"\(id)\",\"status\":\"x\",\"status_code\":\(error.isEmpty ? 200 : 400),\"err\":\"\(error)\"}")
    }
}

extension ServerConnection {
    /// An operation of this server that goes on, with the secrets of its websockets.
    func running(_ id: String, _ secrets: [String: String] = [:]) -> ServerOperation {
        ServerOperation(
            connection: self,
            initial: .with {
                $0.id = id
                $0.statusCode = .running
                $0.metadata = secrets.mapValues { .string($0) }
            })
    }
}

extension Session {
    /// A quiet one that knows these remotes.
    static func knowing(_ remotes: [String: String] = [:]) -> Session {
        var configuration = ClientConfiguration(directory: "")
        configuration.remotes = remotes.mapValues { Remote(address: $0) }
        var globals = GlobalFlags()
        globals.quiet = true
        return Session(globals: globals, configuration: configuration)
    }
}
