import Foundation
import LXDAPI
import LXDAuth
import LXDHTTP
import LXDLinux
import LXDTestSupport
import NIOCore
import Testing

extension ToolResult {
    func mustSucceed() throws {
        guard exit.isSuccess else { throw TestFailure("\(exit): \(outputText)\(errorText)") }
    }
}

/// Every route the router has, asked for by everybody there is.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(5)))
struct AuthorizationMatrixTests {
    private static let fixture = sourceFolder + "/Tests/LXDSystemTests/Fixtures/authorization.txt"

    private static let head = """
        # Who may use which route: + is let in, - is refused (403). LXD_UPDATE_GOLDEN=1 writes this file anew.
        # stranger: a certificate nobody trusts; inside, outside: a certificate restricted to the project asked for, to
        # another one; metrics: a certificate for metrics; admin: an unrestricted certificate. The unix socket may do
        # everything, and cannot be reached from outside its group.
        # method path | declared | stranger inside outside metrics admin

        """


    @Test func whoMayUseWhichRoute() async throws {
        try await TestDaemon.withDaemon { daemon in
            let clients = try await NetworkClients(daemon)
            try await daemon.mustLxc("project", "create", "shop")
            try await daemon.mustLxc("project", "create", "other")
            let stranger = try clients.makePair("stranger")
            let inside = try clients.makePair("inside")
            let outside = try clients.makePair("outside")
            let metrics = try clients.makePair("metrics")
            let admin = try clients.makePair("admin")
            try await daemon.mustLxc(
                "config", "trust", "add", clients.path("inside", "crt"), "--restricted", "--projects", "shop")
            try await daemon.mustLxc(
                "config", "trust", "add", clients.path("outside", "crt"), "--restricted", "--projects", "other")
            try await daemon.mustLxc("config", "trust", "add", clients.path("metrics", "crt"), "--type", "metrics")
            try await daemon.mustLxc("config", "trust", "add", clients.path("admin", "crt"))

            let sessions = try [stranger, inside, outside, metrics, admin].map { try clients.session($0) }
            var lines: [String] = []
            for route in try await Self.routes(daemon) {
                var marks: [String] = []
                for session in sessions {
                    marks.append(try await Self.status(session, route.verb, route.pattern) == 403 ? "-" : "+")
                }
                lines.append("\(route.verb) \(route.pattern) | \(route.access) | \(marks.joined(separator: " "))")
            }
            let found = Self.head + lines.sorted().joined(separator: "\n") + "\n"
            if ProcessInfo.processInfo.environment["LXD_UPDATE_GOLDEN"] == "1" {
                try found.write(toFile: Self.fixture, atomically: true, encoding: .utf8)
            }
            let expected = try String(contentsOfFile: Self.fixture, encoding: .utf8)
            let difference = Set(found.split(separator: "\n")).symmetricDifference(expected.split(separator: "\n"))
            #expect(difference.isEmpty, "\(difference.sorted().joined(separator: "\n"))")
        }
    }

    @Test func whoIsNotInTheGroupCannotReachTheUnixSocket() async throws {
        try await TestDaemon.withDaemon { daemon in
            let curl = ["curl", "-s", "--unix-socket", daemon.directory + "/unix.socket", "http://lxd/1.0"]
            let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let refused = try await daemon.run("setpriv", nobody + curl, deadline: .seconds(20))
            #expect(!refused.exit.isSuccess && refused.outputText.isEmpty)
            let root = try await daemon.run("setpriv", ["--clear-groups"] + curl, deadline: .seconds(20))
            #expect(root.exit.isSuccess)
        }
    }

    /// What belongs to projects, by the part of the path that names it, and the feature that makes a project have its
    /// own; instances always are the project's own.
    private static let entities = [
        "instances": nil, "images": "features.images", "profiles": "features.profiles",
        "networks": "features.networks", "volumes": "features.storage.volumes",
    ]

    @Test func eachEntityOfAProjectIsLookedForInTheProjectThatHoldsIt() async throws {
        try await TestDaemon.withDaemon { daemon in
            for route in try await Self.routes(daemon) where route.access.hasPrefix("project") {
                let parts = route.pattern.split(separator: "/").map(String.init)
                let kind = parts.dropFirst().first == "storage-pools" ? parts.dropFirst(3).first : parts.dropFirst().first
                #expect(kind.map { Self.entities.keys.contains($0) } == true, "\(route.pattern)")
            }
            let features = Self.entities.values.compactMap { $0 }
            try await daemon.run(daemon.programs.client, ["project", "create", "full"] + features.flatMap { ["-c", "\($0)=true"] }, deadline: .seconds(30)).mustSucceed()
            try await daemon.run(daemon.programs.client, ["project", "create", "bare"] + features.flatMap { ["-c", "\($0)=false"] }, deadline: .seconds(30)).mustSucceed()
            try await daemon.mustLxc("storage", "create", "pool", "dir")
            try await daemon.mustLxc("profile", "create", "thing")
            try await daemon.mustLxc("storage", "volume", "create", "pool", "thing")
            try await daemon.mustLxc("network", "create", "lxdtmap0", "ipv4.address=none", "ipv6.address=none")
            try await daemon.mustLxc("image", "import", try await TestImage.busybox(), "--alias", "thing")
            for path in [
                "/1.0/profiles/thing", "/1.0/storage-pools/pool/volumes/custom/thing", "/1.0/networks/lxdtmap0",
                "/1.0/images/aliases/thing",
            ] {
                #expect(try await daemon.request("GET", path).status == 200, "\(path)")
                #expect(try await daemon.request("GET", path + "?project=bare").status == 200, "\(path)")
                #expect(try await daemon.request("GET", path + "?project=full").status == 404, "\(path)")
            }
        }
    }

    private struct Listed {
        var verb: String
        var pattern: String
        var access: String
    }

    private static func routes(_ daemon: TestDaemon) async throws -> [Listed] {
        let answer = try await daemon.request("GET", "/internal/routes")
        let rows = try LXDJSON.decode(JSONValue.self, from: answer.body)["metadata"].decode([[String]].self)
        return rows.filter { $0.count == 3 }.map { Listed(verb: $0[0], pattern: $0[1], access: $0[2]) }
    }

    /// Asks for something that is not there, without a body: what is let in fails for that and changes nothing.
    private static func status(_ session: HTTPClientSession, _ verb: String, _ pattern: String) async throws -> Int {
        var path = ""
        for part in pattern.split(separator: "/") { path += "/" + (part.hasPrefix("{") ? "nothing-there" : part) }
        let response = try await session.send(
            OutgoingRequest(HTTPVerb(rawValue: verb), path + "?project=shop", timeout: .seconds(60)))
        _ = try await response.body.collect(upTo: 16 << 20)
        return response.status
    }
}
