import Foundation
import Glibc
import LXDHTTP
import Logging

/// A server on a unix socket in a folder of its own, for one test.
final class TestServer: Sendable {
    let folder: String
    let server: HTTPServer
    let listener: HTTPListener

    var path: String { folder + "/unix.socket" }
    var session: HTTPClientSession { HTTPClientSession(.unix(path: path)) }

    static func with<T>(
        limits: HTTPLimits = HTTPLimits(), responder: @escaping Responder, _ body: (TestServer) async throws -> T
    ) async throws -> T {
        let test = try await TestServer(limits: limits, responder: responder)
        do {
            let result = try await body(test)
            await test.stop()
            return result
        } catch {
            await test.stop()
            throw error
        }
    }

    private init(limits: HTTPLimits, responder: @escaping Responder) async throws {
        folder = NSTemporaryDirectory() + "/lxdhttp-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        server = HTTPServer(
            limits: limits, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, responder: responder)
        listener = try await server.listen(on: .unix(path: folder + "/unix.socket", mode: 0o660, group: nil))
    }

    private func stop() async {
        await server.shutdown(grace: .milliseconds(200))
        try? FileManager.default.removeItem(atPath: folder)  // A temporary folder left behind fails no test.
    }
}

/// A client that sends exactly the bytes it is told to.
struct RawSocket: ~Copyable {
    private let descriptor: CInt

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.send(descriptor, Array(rest), rest.count, CInt(MSG_NOSIGNAL))
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    func closeOutput() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Reads until the text has come, the peer closes or thirty seconds are over. On a thread of its own: a blocked one of
    /// the cooperative pool would stop the server that is to answer.
    func receive(until marker: String? = nil) async -> String {
        let all = await read { bytes in
            marker.map { String(decoding: bytes, as: UTF8.self).contains($0) } ?? false
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// Reads exactly so many bytes, fewer when the peer closes.
    func receive(bytes wanted: Int) async -> [UInt8] { await read { $0.count >= wanted } }

    private func read(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async -> [UInt8] {
        let descriptor = descriptor
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var all: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 65536)
                while !isEnough(all) {
                    let count = recv(descriptor, &buffer, buffer.count, 0)
                    guard count > 0 else { break }
                    all += buffer.prefix(count)
                }
                continuation.resume(returning: all)
            }
        }
    }
}

func text(_ string: String, status: Int = 200) -> Reply {
    .response(OutgoingResponse(status: status, headers: ["Content-Type": "text/plain"], body: .string(string)))
}

/// Polls a condition that another thread makes true.
func eventually(within seconds: Double = 20, _ condition: () -> Bool) async throws -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}
