import Foundation
import Glibc
import LXDAPI
import LXDAuth
import LXDHTTP
import LXDLinux
import LXDTestSupport
import NIOCore
import Testing

/// A daemon that anybody can reach: what clients may not do to it over TLS.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(5)))
struct NetworkMisuseTests {
    /// Options of curl, whether the handshake gets through.
    static let handshakes: [(options: [String], isServed: Bool)] = [
        ([], true), (["--tlsv1.3"], true), (["--tls-max", "1.2"], false), (["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"], false),
    ]

    @Test func onlyTheNewestTLSIsSpoken() async throws {
        try await TestDaemon.withDaemon { daemon in
            let clients = try await NetworkClients(daemon)
            for (options, isServed) in Self.handshakes {
                let result = try await daemon.run(
                    "curl", ["-sk", "--max-time", "10"] + options + ["https://127.0.0.1:\(clients.port)/1.0"],
                    deadline: .seconds(20))
                #expect(result.exit.isSuccess == isServed, "\(options)")
            }
            // Plain HTTP on the port is no request.
            let plain = try await daemon.run(
                "curl", ["-s", "--max-time", "10", "http://127.0.0.1:\(clients.port)/1.0"], deadline: .seconds(20))
            #expect(!plain.exit.isSuccess && plain.outputText.isEmpty)
        }
    }

    /// Certificates that were trusted and are out of date, or not in date yet.
    @Test(arguments: ["20200101000000Z 20200102000000Z", "20980101000000Z 20990101000000Z"])
    func aCertificateOutOfDateIsNotTrusted(_ dates: String) async throws {
        try await TestDaemon.withDaemon { daemon in
            let clients = try await NetworkClients(daemon)
            let times = dates.split(separator: " ").filter { $0.hasSuffix("Z") }.map(String.init)
            let made = try await daemon.run(
                "sh",
                [
                    "-ec",
                    """
                    printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\ndefault_md=sha256\\npolicy=p\\n[p]\\n' > c
                    printf 'commonName=supplied\\n' >> c
                    : > index; echo 01 > serial
                    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout late.key -out ca.crt -subj /CN=late
                    openssl req -new -key late.key -subj /CN=late -out late.csr
                    openssl ca -batch -config c -selfsign -keyfile late.key -in late.csr -cert ca.crt -notext -out late.crt \
                      -startdate \(times[0]) -enddate \(times[1])
                    """,
                ], deadline: .seconds(20))
            guard made.exit.isSuccess else { throw TestFailure("openssl: \(made.errorText)") }
            let added = try await daemon.lxc("config", "trust", "add", clients.path("late", "crt"))
            #expect(!added.exit.isSuccess && added.errorText.contains("The provided certificate is"))
            let shown = try await clients.curl(
                "/1.0/instances", "--cert", clients.path("late", "crt"), "--key", clients.path("late", "key"))
            #expect(shown.answer.status == 403)
        }
    }

    @Test func aTokenWorksOnce() async throws {
        try await TestDaemon.withDaemon { daemon in
            let clients = try await NetworkClients(daemon)
            let text = try await daemon.mustLxc("config", "trust", "add", "--name", "guest")
            let token = try #require(text.split(whereSeparator: \.isWhitespace).last)
            let body = #"{"password": "\#(token)"}"#
            let first = try clients.session(clients.makePair("first"))
            let second = try clients.session(clients.makePair("second"))
            #expect(try await Self.post(first, body).status == 201)
            let again = try await Self.post(second, body)
            #expect(again.status == 403 && again.error == "No matching certificate add operation found")
            #expect(try await Self.get(first, "/1.0/instances") == 200)
            #expect(try await Self.get(second, "/1.0/instances") == 403)
            // Twenty who try at once: one gets in.
            let other = try await daemon.mustLxc("config", "trust", "add", "--name", "guest2")
            let shared = #"{"password": "\#(try #require(other.split(whereSeparator: \.isWhitespace).last))"}"#
            let pairs = try (0..<20).map { _ in try KeyPair.make(.client, addsHosts: false) }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for pair in pairs { group.addTask { try await Self.post(clients.session(pair), shared).status } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 201 }.count == 1 && statuses.filter { $0 == 403 }.count == 19)
        }
    }

    @Test func anExpiredTokenIsRefusedAndGone() async throws {
        try await TestDaemon.withDaemon { daemon in
            let clients = try await NetworkClients(daemon)
            try await daemon.mustLxc("config", "set", "core.remote_token_expiry", "1S")
            let text = try await daemon.mustLxc("config", "trust", "add", "--name", "guest")
            let token = try #require(text.split(whereSeparator: \.isWhitespace).last)
            try await Task.sleep(for: .seconds(2))
            let late = try await Self.post(try clients.session(clients.makePair("late")), #"{"password": "\#(token)"}"#)
            #expect(late.status == 403)
            #expect(!(try await daemon.mustLxc("config", "trust", "list-tokens")).contains("guest"))
        }
    }

    /// The fields of its own entry that the holder of a restricted certificate tries to change.
    @Test(arguments: [
        #"{"restricted": false}"#, #"{"projects": []}"#, #"{"projects": ["default"]}"#,
        #"{"projects": ["shop", "default"]}"#, #"{"name": "other"}"#, #"{"type": "server"}"#, #"{"type": "metrics"}"#,
    ])
    func aRestrictedCertificateCannotFreeItself(_ patch: String) async throws {
        try await TestDaemon.withDaemon { daemon in
            let clients = try await NetworkClients(daemon)
            try await daemon.mustLxc("project", "create", "shop")
            let pair = try clients.makePair("inside")
            try await daemon.mustLxc(
                "config", "trust", "add", clients.path("inside", "crt"), "--restricted", "--projects", "shop")
            let path = "/1.0/certificates/" + (try CertificateFingerprint.of(pem: pair.certificatePEM))
            let before = try await daemon.request("GET", path).body
            let answer = try await clients.session(pair).send(
                OutgoingRequest(.patch, path, body: .bytes(ByteBuffer(string: patch))))
            #expect(answer.status == 403)
            _ = try await answer.body.collect(upTo: 1 << 20)
            #expect(try await daemon.request("GET", path).body == before)
        }
    }

    @Test func anAddressThatIsTakenLeavesTheOldOneServed() async throws {
        try await TestDaemon.withDaemon { daemon in
            let clients = try await NetworkClients(daemon)
            let taken = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            defer { close(taken) }
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let bound = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(taken, $0, length) == 0 && listen(taken, 1) == 0 && getsockname(taken, $0, &length) == 0
                }
            }
            #expect(bound)
            let port = UInt16(bigEndian: name.sin_port)
            let refused = try await daemon.lxc("config", "set", "core.https_address", "127.0.0.1:\(port)")
            #expect(!refused.exit.isSuccess && refused.errorText.contains("address already in use"))
            #expect(try await clients.curl("/1.0").answer.status == 200)
            #expect(try await daemon.mustLxc("config", "get", "core.https_address") == "127.0.0.1:\(clients.port)\n")
            // The same port on all addresses can be had though the old listener has it.
            for address in [":\(clients.port)", "[::]:\(clients.port)", "127.0.0.1:\(clients.port)"] {
                try await daemon.mustLxc("config", "set", "core.https_address", address)
                #expect(try await clients.curl("/1.0").answer.status == 200, "\(address)")
            }
            try await daemon.mustLxc("config", "unset", "core.https_address")
            #expect(try await clients.curl("/1.0").status == 7)
        }
    }

    @Test func aProxyMayTellTheClientsAddress() async throws {
        try await TestDaemon.withDaemon { daemon in
            let clients = try await NetworkClients(daemon)
            _ = try clients.makePair("admin")
            try await daemon.mustLxc("config", "trust", "add", clients.path("admin", "crt"))
            try await daemon.mustLxc("config", "set", "core.https_trusted_proxy", "127.0.0.1")
            let identity = ["--cert", clients.path("admin", "crt"), "--key", clients.path("admin", "key")]
            let through = try await daemon.run(
                "curl",
                ["-sk", "--haproxy-protocol", "-X", "POST", "-d", #"{"name": "p1"}"#] + identity
                    + ["https://127.0.0.1:\(clients.port)/1.0/profiles"], deadline: .seconds(20))
            #expect(through.exit.isSuccess && through.outputText.contains("Success"))
            try await daemon.mustLxc("config", "unset", "core.https_trusted_proxy")
            let refused = try await daemon.run(
                "curl", ["-sk", "--haproxy-protocol"] + identity + ["https://127.0.0.1:\(clients.port)/1.0"],
                deadline: .seconds(20))
            #expect(!refused.exit.isSuccess)
        }
    }

    private static func post(_ session: HTTPClientSession, _ body: String) async throws -> NetworkAnswer {
        let response = try await session.send(
            OutgoingRequest(.post, "/1.0/certificates", body: .bytes(ByteBuffer(string: body))))
        return NetworkAnswer(status: response.status, body: String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    private static func get(_ session: HTTPClientSession, _ path: String) async throws -> Int {
        let response = try await session.send(OutgoingRequest(.get, path))
        _ = try await response.body.collect(upTo: 1 << 20)
        return response.status
    }
}
