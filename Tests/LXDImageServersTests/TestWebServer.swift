import Crypto
import Foundation
import LXDHTTP
import LXDImageServers
import Logging
import NIOCore
import Synchronization

/// A web server in this process that says what a test wants it to say, however wrong.
final class TestWebServer: Sendable {
    /// What it does with a request for one path.
    enum Behaviour: Sendable {
        case content([UInt8])
        /// With ranges and a mark, and so many bytes of each answer before the connection is cut.
        case cutting(every: Int, [UInt8])
        /// Cut once in the middle; knows no ranges.
        case cuttingOnce(at: Int, [UInt8])
        /// One byte now and then.
        case dripping([UInt8])
        case redirect(String)
        case headers([String: String])
        case status(Int)
    }

    private let server: HTTPServer
    private let behaviours: Mutex<[String: Behaviour]>
    private let asked = Mutex<[String]>([])
    let url: String

    /// Paths with their queries, in the order in which they were asked for; ranges behind.
    var requests: [String] { asked.withLock { $0 } }

    static func with(
        _ behaviours: [String: Behaviour] = [:], _ body: (TestWebServer) async throws -> Void
    ) async throws {
        let state = Holder()
        let server = HTTPServer(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { request in
            await state.answer(request)
        }
        let listener = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        let test = TestWebServer(server, "http://" + listener.address, behaviours)
        state.test.withLock { $0 = test }
        do {
            try await body(test)
        } catch {
            await server.shutdown(grace: .milliseconds(100))
            throw error
        }
        await server.shutdown(grace: .milliseconds(100))
    }

    private init(_ server: HTTPServer, _ url: String, _ behaviours: [String: Behaviour]) {
        self.server = server
        self.url = url
        self.behaviours = Mutex(behaviours)
    }

    func serve(_ path: String, _ behaviour: Behaviour) { behaviours.withLock { $0[path] = behaviour } }

    private final class Holder: Sendable {
        let test = Mutex<TestWebServer?>(nil)

        func answer(_ request: IncomingRequest) async -> Reply {
            guard let test = test.withLock({ $0 }) else { return .response(OutgoingResponse(status: 500)) }
            return .response(test.answer(request))
        }
    }

    private func answer(_ request: IncomingRequest) -> OutgoingResponse {
        let range = request.headers["Range"]
        asked.withLock { $0.append(request.target + (range.map { " " + $0 } ?? "")) }
        guard let behaviour = behaviours.withLock({ $0[String(request.path)] }) else {
            return OutgoingResponse(status: 404)
        }
        switch behaviour {
        case .content(let bytes): return OutgoingResponse(body: .bytes(bytes))
        case .status(let status): return OutgoingResponse(status: status, body: .string("sorry"))
        case .redirect(let location): return OutgoingResponse(status: 302, headers: ["Location": location])
        case .headers(let values):
            var response = OutgoingResponse()
            for (name, value) in values { response.headers[name] = value }
            return response
        case .dripping(let bytes):
            return OutgoingResponse(
                body: .stream(length: bytes.count) { writer in
                    for byte in bytes {
                        try await writer.write([byte])
                        try await Task.sleep(for: .milliseconds(50))
                    }
                })
        case .cutting(let every, let bytes):
            let start = range.flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
            var response = Self.cut(bytes, from: start, after: every)
            response.headers["ETag"] = "\"whole\""
            if start > 0 {
                response.status = 206
                response.headers["Content-Range"] = "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"
            }
            return response
        case .cuttingOnce(let place, let bytes):
            behaviours.withLock { $0[String(request.path)] = .content(bytes) }
            return Self.cut(bytes, from: 0, after: place)
        }
    }

    private static func cut(_ bytes: [UInt8], from start: Int, after count: Int) -> OutgoingResponse {
        let rest = Array(bytes[start...])
        return OutgoingResponse(
            body: .stream(length: rest.count) { writer in
                try await writer.write(Array(rest.prefix(count)))
                guard rest.count <= count else { throw Cut() }
            })
    }

    private struct Cut: Error {}
}

/// A folder of one test.
func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "lxdservers-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
}

func sha256(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// Servers that are given up after a fraction of a second.
func impatient() -> WebClient.Settings {
    var settings = WebClient.Settings()
    settings.headTimeout = .seconds(5)
    settings.pace = BodyPace(window: .milliseconds(400), bytesMin: 1000)
    return settings
}

func makeServers(cache: StreamCache? = nil) -> ImageServers {
    ImageServers(settings: impatient(), userAgent: "test", cache: cache)
}
