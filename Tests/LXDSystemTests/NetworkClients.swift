import Foundation
import Glibc
import LXDAPI
import LXDAuth
import LXDHTTP
import LXDLinux
import LXDTestSupport
import NIOCore

/// A daemon on the network, and clients with certificates of every kind.
struct NetworkClients {
    let daemon: TestDaemon
    let port: UInt16
    private let serverDER: [UInt8]

    /// Lets the daemon listen on the loopback interface, and asks for no authority.
    init(_ daemon: TestDaemon) async throws {
        self.daemon = daemon
        port = try Self.freePort()
        try await daemon.mustLxc("config", "set", "core.https_address", "127.0.0.1:\(port)")
        serverDER = try CertificateFacts(
            pem: String(contentsOfFile: daemon.directory + "/server.crt", encoding: .utf8)
        ).der
    }

    /// A pair in files; `NAME.crt` and `NAME.key` in the daemon's work folder.
    func makePair(_ name: String) throws -> KeyPair {
        let pair = try KeyPair.make(.client, addsHosts: false)
        try pair.certificatePEM.write(toFile: path(name, "crt"), atomically: true, encoding: .utf8)
        try pair.keyPEM.write(toFile: path(name, "key"), atomically: true, encoding: .utf8)
        return pair
    }

    func path(_ name: String, _ suffix: String) -> String { daemon.work + "/\(name).\(suffix)" }

    func session(_ pair: KeyPair?) throws -> HTTPClientSession {
        HTTPClientSession(
            .tcp(
                host: "127.0.0.1", port: port,
                tls: try ClientTLS(
                    verification: .pinned(der: serverDER), certificatePEM: pair?.certificatePEM, keyPEM: pair?.keyPEM)))
    }

    /// curl over TLS, for what our own client would never do; the exit status and what was answered.
    func curl(_ path: String, _ options: String...) async throws -> (status: Int32, answer: NetworkAnswer) {
        let result = try await daemon.run(
            "curl",
            ["-sk", "--max-time", "20", "-w", "\n%{http_code}"] + options + ["https://127.0.0.1:\(port)\(path)"],
            deadline: .seconds(30))
        let lines = result.outputText.split(separator: "\n", omittingEmptySubsequences: false)
        guard case .exited(let status) = result.exit else { throw TestFailure("curl: \(result.exit)") }
        return (
            status,
            NetworkAnswer(
                status: lines.last.flatMap { Int($0) } ?? 0, body: lines.dropLast().joined(separator: "\n"))
        )
    }

    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw TestFailure("no free port: errno \(errno)") }
        return UInt16(bigEndian: name.sin_port)
    }
}

/// What came back over the network.
struct NetworkAnswer {
    var status: Int
    var body: String

    /// The `error` field; empty for a success.
    var error: String {
        (try? LXDJSON.decode(JSONValue.self, from: body))?["error"].stringValue ?? ""
    }
}
