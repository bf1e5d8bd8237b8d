import LXDAPI
import LXDHTTP
import LXDTestSupport
import NIOCore
import Testing

/// What the holder of a certificate for one project may not take from another, or put there, by copying and moving
/// (row 26 of the project's security table).
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(10)))
struct RestrictedCallerTests {
    private struct Attempt: Sendable {
        var method = "POST"
        var path: String
        var body: String
    }

    private static let volumes = "/1.0/storage-pools/pool/volumes/custom"

    /// Each way to name an object of project `secret`, or to have one arrive there.
    private static let attempts: [Attempt] = [
        // From there.
        .init(path: "/1.0/instances?project=shop", body: #"{"name": "x", "source": {"type": "copy", "source": "theirs", "project": "secret"}}"#),
        .init(path: "/1.0/instances?project=shop", body: #"{"name": "x", "source": {"type": "copy", "source": "theirs/s0", "project": "secret"}}"#),
        .init(
            path: "/1.0/instances?project=shop",
            body: #"{"name": "mine", "source": {"type": "copy", "source": "theirs", "project": "secret", "refresh": true}}"#),
        .init(path: "/1.0/instances?project=secret", body: #"{"name": "x", "source": {"type": "copy", "source": "theirs"}}"#),
        .init(path: "/1.0/instances/theirs?project=secret", body: #"{"name": "theirs", "migration": true}"#),
        .init(path: "/1.0/instances/theirs/snapshots/s0?project=secret", body: #"{"name": "s0", "migration": true}"#),
        .init(path: "/1.0/instances/theirs/backups?project=secret", body: #"{"name": "b0"}"#),
        .init(path: volumes + "?project=shop", body: #"{"name": "x", "source": {"type": "copy", "name": "theirs", "pool": "pool", "project": "secret"}}"#),
        .init(path: volumes + "?project=shop", body: #"{"name": "x", "source": {"type": "copy", "name": "theirs/s0", "pool": "pool", "project": "secret"}}"#),
        .init(
            path: volumes + "?project=shop",
            body: #"{"name": "mine", "source": {"type": "copy", "name": "theirs", "pool": "pool", "project": "secret", "refresh": true}}"#),
        .init(path: volumes + "/theirs?project=secret", body: #"{"name": "theirs", "migration": true}"#),
        .init(path: "/1.0/images?project=shop", body: #"{"source": {"type": "image", "mode": "pull", "fingerprint": "FINGERPRINT", "project": "secret"}}"#),
        .init(path: "/1.0/images?project=secret", body: #"{"source": {"type": "instance", "name": "theirs"}}"#),
        // To there.
        .init(path: "/1.0/instances/mine?project=shop", body: #"{"name": "mine", "project": "secret", "migration": true}"#),
        .init(path: "/1.0/instances?project=secret", body: #"{"name": "x", "source": {"type": "copy", "source": "mine", "project": "shop"}}"#),
        .init(path: volumes + "/mine?project=shop", body: #"{"name": "mine", "pool": "pool", "project": "secret"}"#),
        .init(path: volumes + "?project=secret", body: #"{"name": "x", "source": {"type": "copy", "name": "mine", "pool": "pool", "project": "shop"}}"#),
        .init(method: "PUT", path: "/1.0/instances/theirs?project=secret", body: #"{"restore": "s0"}"#),
    ]

    @Test func nothingIsTakenFromAnotherProjectNorPutThere() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            let clients = try await NetworkClients(daemon)
            for project in ["shop", "secret"] {
                try await daemon.mustLxc("project", "create", project, "-c", "features.images=\(project == "secret")", "-c", "features.profiles=false")
            }
            let image = try await daemon.mustLxc("image", "list", "-f", "csv", "-c", "F").split(whereSeparator: \.isWhitespace).last
            let fingerprint = String(try #require(image))
            try await daemon.mustLxc("image", "copy", "busybox", "local:", "--target-project", "secret", "--alias", "busybox")
            for (project, name) in [("shop", "mine"), ("secret", "theirs")] {
                try await daemon.mustLxc("init", "busybox", name, "--project", project)
                try await daemon.mustLxc("snapshot", name, "s0", "--project", project)
                try await daemon.mustLxc("storage", "volume", "create", "pool", name, "--project", project)
                try await daemon.mustLxc("storage", "volume", "snapshot", "pool", name, "s0", "--project", project)
            }
            let pair = try clients.makePair("inside")
            try await daemon.mustLxc("config", "trust", "add", clients.path("inside", "crt"), "--restricted", "--projects", "shop")
            let session = try clients.session(pair)
            // Finished operations are shown for a while.
            try await eventually("an end of what was started") {
                try await daemon.mustLxc("operation", "list", "-f", "csv", "--project", "secret").isEmpty ? true : nil
            }
            let before = try await state(daemon)

            for attempt in Self.attempts {
                let body = attempt.body.replacing("FINGERPRINT", with: fingerprint)
                let answer = try await session.send(
                    OutgoingRequest(HTTPVerb(rawValue: attempt.method), attempt.path, body: .bytes(ByteBuffer(string: body))))
                let text = String(buffer: try await answer.body.collect(upTo: 1 << 20))
                let isHidden = answer.status == 403 || answer.status == 404
                #expect(isHidden, "\(attempt.path) \(body): \(answer.status) \(text)")
                // What is there and what is not there is refused alike.
                let nowhere = try await session.send(
                    OutgoingRequest(
                        HTTPVerb(rawValue: attempt.method), attempt.path.replacing("theirs", with: "nobodys"),
                        body: .bytes(ByteBuffer(string: body.replacing("theirs", with: "nobodys")))))
                let other = String(buffer: try await nowhere.body.collect(upTo: 1 << 20))
                #expect(nowhere.status == answer.status && other == text, "\(attempt.path) tells what exists: \(text) \(other)")
            }
            #expect(try await state(daemon) == before)

            // The same within the own project is nobody else's business.
            for (path, body) in [
                ("/1.0/instances?project=shop", #"{"name": "x", "source": {"type": "copy", "source": "mine", "project": "shop"}}"#),
                (Self.volumes + "?project=shop", #"{"name": "x", "source": {"type": "copy", "name": "mine", "pool": "pool", "project": "shop"}}"#),
            ] {
                let answer = try await session.send(OutgoingRequest(.post, path, body: .bytes(ByteBuffer(string: body))))
                let text = String(buffer: try await answer.body.collect(upTo: 1 << 20))
                #expect(answer.status == 202, "\(path): \(text)")
            }
            try await eventually("the copies") {
                try await daemon.mustLxc("operation", "list", "-f", "csv", "--project", "shop").isEmpty ? true : nil
            }
            for project in ["shop", "secret"] {
                for name in ["mine", "theirs", "x"] {
                    _ = try await daemon.lxc("delete", "-f", name, "--project", project)
                    _ = try await daemon.lxc("storage", "volume", "delete", "pool", name, "--project", project)
                }
            }
            try await daemon.mustLxc("image", "delete", "busybox", "--project", "secret")
        }
    }

    /// All instances, volumes, images and operations there are.
    private func state(_ daemon: TestDaemon) async throws -> [String] {
        try await [
            daemon.mustLxc("list", "--all-projects", "-f", "csv", "-c", "enS"),
            daemon.mustLxc("storage", "volume", "list", "pool", "--all-projects", "-f", "csv"),
            daemon.mustLxc("image", "list", "-f", "csv", "--project", "shop"),
            daemon.mustLxc("image", "list", "-f", "csv", "--project", "secret"),
            daemon.mustLxc("operation", "list", "-f", "csv", "--project", "secret"),
        ]
    }
}
