import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// Bad input gets a clear error with the right status and leaves nothing behind.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(5)))
struct BadInputTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var method: String
        var path: String
        var body: String
        var status: Int
        /// A part of the message that the reader needs.
        var says: String
        var testDescription: String { "\(method) \(path) \(body.prefix(60))" }
    }

    static let cases: [Case] = [
        Case(method: "POST", path: "/1.0/instances", body: "{", status: 400, says: ""),
        Case(method: "POST", path: "/1.0/instances", body: "[]", status: 400, says: ""),
        Case(method: "POST", path: "/1.0/instances", body: #"{"name": 7}"#, status: 400, says: ""),
        Case(method: "POST", path: "/1.0/instances", body: #"{"name": "a/b", "source": {"type": "none"}}"#, status: 400, says: "reserved for snapshots"),
        Case(method: "POST", path: "/1.0/instances", body: #"{"name": "..", "source": {"type": "none"}}"#, status: 400, says: "nvalid"),
        Case(method: "POST", path: "/1.0/instances", body: #"{"name": "1a", "source": {"type": "none"}}"#, status: 400, says: "Invalid instance name"),
        Case(
            method: "POST", path: "/1.0/instances", body: #"{"name": "\#(String(repeating: "x", count: 64))", "source": {"type": "none"}}"#,
            status: 400, says: "Invalid instance name"),
        Case(method: "POST", path: "/1.0/instances", body: #"{"name": "c9", "source": {"type": "nonsense"}}"#, status: 400, says: "nonsense"),
        Case(
            method: "POST", path: "/1.0/instances", body: #"{"name": "c9", "source": {"type": "image", "alias": "nothere"}}"#, status: 404,
            says: "mage"),
        Case(
            method: "POST", path: "/1.0/instances",
            body: #"{"name": "c9", "source": {"type": "image", "alias": "busybox"}, "profiles": ["nothere"]}"#, status: 0, says: "nothere"),
        Case(
            method: "POST", path: "/1.0/instances",
            body: #"{"name": "c9", "source": {"type": "image", "alias": "busybox"}, "config": {"limits.memory": "many"}}"#, status: 0, says: "limits.memory"),
        Case(
            method: "POST", path: "/1.0/instances",
            body: #"{"name": "c9", "source": {"type": "image", "alias": "busybox"}, "config": {"environment.X": "a\nb"}}"#, status: 0, says: "environment.X"),
        Case(
            method: "POST", path: "/1.0/instances",
            body: #"{"name": "c9", "source": {"type": "image", "alias": "busybox"}, "devices": {"d": {"type": "disk", "source": "/nothere", "path": "/x", "pool": "gone"}}}"#,
            status: 0, says: ""),
        Case(
            method: "POST", path: "/1.0/instances",
            body: #"{"name": "c9", "source": {"type": "image", "alias": "busybox"}, "devices": {"root": {"type": "disk", "path": "/", "pool": "nothere"}}}"#,
            status: 0, says: "pool"),
        Case(method: "GET", path: "/1.0/instances/nothere", body: "", status: 404, says: "Instance not found"),
        Case(method: "PUT", path: "/1.0/instances/nothere/state", body: #"{"action": "start"}"#, status: 404, says: "not found"),
        Case(method: "GET", path: "/1.0/nothere", body: "", status: 404, says: "not found"),
        Case(method: "GET", path: "/2.0", body: "", status: 404, says: "not found"),
        Case(method: "POST", path: "/1.0/profiles", body: #"{"name": "a/b"}"#, status: 400, says: ""),
        Case(method: "POST", path: "/1.0/storage-pools", body: #"{"name": "p2", "driver": "nonsense"}"#, status: 0, says: "nonsense"),
        Case(method: "POST", path: "/1.0/networks", body: #"{"name": "../x", "type": "bridge"}"#, status: 400, says: ""),
        Case(method: "POST", path: "/1.0/networks", body: #"{"name": "lxdtbad0", "type": "bridge", "config": {"ipv4.address": "nonsense"}}"#, status: 0, says: "ipv4.address"),
        Case(
            method: "POST", path: "/1.0/networks",
            body: #"{"name": "lxdtbad0", "type": "bridge", "config": {"ipv4.address": "none", "ipv6.address": "none", "dns.domain": "x\ndhcp-script=/bin/sh"}}"#,
            status: 0, says: "dns.domain"),
        Case(method: "PATCH", path: "/1.0", body: #"{"config": {"core.nothere": "x"}}"#, status: 400, says: "core.nothere"),
        Case(method: "GET", path: "/1.0/operations/00000000-0000-0000-0000-000000000000", body: "", status: 404, says: "not found"),
    ]

    @Test func eachIsRefusedWithItsStatusAndLeavesNothing() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            let process = daemon.processID
            for one in Self.cases {
                let (status, message) = try await outcome(daemon, one)
                if one.status != 0 { #expect(status == one.status, "\(one.testDescription): \(message)") }
                #expect((400..<600).contains(status), "\(one.testDescription) was accepted")
                #expect(one.says.isEmpty || message.contains(one.says), "\(one.testDescription): \(message)")
                #expect(!message.isEmpty, "\(one.testDescription): no message")
            }
            #expect(daemon.processID == process)
            #expect(try await daemon.mustLxc("list", "-f", "csv") == "")
            #expect(try await daemon.mustLxc("storage", "list", "-f", "csv").split(separator: "\n").count == 1)
            #expect(!(try await daemon.mustLxc("network", "list", "-f", "csv")).contains("lxdtbad0"))
            let containers = try FileManager.default.contentsOfDirectory(atPath: daemon.directory + "/storage-pools/pool/containers")
            #expect(containers.isEmpty)
        }
    }

    @Test func aHugeBodyIsRefusedAndOthersAreServed() async throws {
        try await TestDaemon.withDaemon { daemon in
            let big = daemon.work + "/big"
            try Data(count: 64 << 20).write(to: URL(fileURLWithPath: big))
            let result = try await daemon.run(
                "curl",
                [
                    "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", daemon.directory + "/unix.socket", "-X", "POST",
                    "-H", "Expect:", "--data-binary", "@" + big, "http://lxd/1.0/profiles",
                ], deadline: .seconds(60))
            #expect(["400", "413", "000"].contains(result.outputText), "answered \(result.outputText)")
            #expect(try await daemon.request("GET", "/1.0").status == 200)
        }
    }

    @Test func aSecondDaemonOnTheSameFolderIsRefused() async throws {
        try await TestDaemon.withDaemon { daemon in
            let second = try await daemon.run(daemon.programs.daemon, [], deadline: .seconds(20))
            #expect(!second.exit.isSuccess)
            #expect((second.errorText + second.outputText).contains("already running"))
            #expect(try await daemon.request("GET", "/1.0").status == 200)
        }
    }

    /// The HTTP status and message, or those the operation ended with.
    private func outcome(_ daemon: TestDaemon, _ one: Case) async throws -> (Int, String) {
        let answer = try await daemon.request(one.method, one.path, one.body)
        let object = try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any]
        guard object?["type"] as? String == "async", let url = object?["operation"] as? String else { return (answer.status, answer.error) }
        let ended = try await daemon.request("GET", url + "/wait?timeout=30")
        let operation = try JSONSerialization.jsonObject(with: Data(ended.body.utf8)) as? [String: Any]
        let metadata = operation?["metadata"] as? [String: Any]
        return (metadata?["status_code"] as? Int ?? 0, metadata?["err"] as? String ?? "")
    }
}
