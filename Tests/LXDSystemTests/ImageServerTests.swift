import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// Images between servers: ours and LXD 5.0.2, each as source and as target, and what strangers see of them.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(15)))
struct ImageServerTests {
    /// Two daemons that listen, each on a host of its own; the second one's client knows the first as `far`.
    private func withPair(
        _ first: Programs, _ second: Programs, _ body: (TestDaemon, TestDaemon) async throws -> Void
    ) async throws {
        try await TestHost.withPair { one, two in
            try await TestDaemon.withDaemon(first, on: one) { far in
                try await TestDaemon.withDaemon(second, on: two) { near in
                    try await far.listen()
                    try await near.listen()
                    try await near.addRemote("far", far)
                    // LXD's client pushes to the address it knows the target by, which must not be a socket.
                    try await near.addRemote("self", near)
                    try await body(far, near)
                }
            }
        }
    }

    private func fingerprint(_ daemon: TestDaemon, _ image: String) async throws -> String {
        let text = try await daemon.mustLxc("image", "info", image)
        return try #require(text.split(separator: "\n").first { $0.hasPrefix("Fingerprint: ") }?.split(separator: " ").last.map(String.init))
    }

    /// `near`'s client copies to and from `far` in every way, private and public images.
    private func copyBothWays(_ far: TestDaemon, _ near: TestDaemon) async throws {
        try await near.mustLxc("image", "import", try await TestImage.busybox(), "--alias", "bb", "description=A box")
        let wanted = try await fingerprint(near, "bb")
        for mode in ["pull", "push", "relay"] {
            try await near.mustLxc("image", "copy", wanted, "far:", "--alias", "there", "--mode", mode, "--public")
            #expect(try await fingerprint(far, "there") == wanted, "to far by \(mode)")
            #expect(try await far.mustLxc("image", "show", "there").contains("public: true"), "to far by \(mode)")
            try await near.mustLxc("image", "delete", "bb")

            // By its fingerprint: LXD's client takes an alias to the source as it is, which knows none when it pushes.
            try await near.mustLxc("image", "copy", "far:" + wanted, "self:", "--alias", "bb", "--mode", mode)
            #expect(try await fingerprint(near, "bb") == wanted, "from far by \(mode)")
            // LXD's client forgets properties when it relays, and ours then has none to pass on.
            if mode == "pull" { #expect(try await near.mustLxc("image", "show", "bb").contains("A box")) }
            try await near.mustLxc("image", "delete", "far:there")
        }
        // A private one goes by a secret.
        try await near.mustLxc("image", "copy", "bb", "far:", "--alias", "hidden")
        try await near.mustLxc("image", "delete", "bb")
        try await near.mustLxc("image", "copy", "far:hidden", "local:", "--alias", "bb")
        #expect(try await fingerprint(near, "bb") == wanted)
    }

    @Test(.enabled(if: Programs.debian != nil, "needs LXD 5.0.2"))
    func theStockClientCopiesImagesBetweenLXDAndUs() async throws {
        guard let debian = Programs.debian else { return }
        try await withPair(.ours, debian, copyBothWays)
    }

    @Test(.enabled(if: Programs.debian != nil, "needs LXD 5.0.2"))
    func ourClientCopiesImagesBetweenUsAndLXD() async throws {
        guard let debian = Programs.debian else { return }
        try await withPair(debian, .ours, copyBothWays)
    }

    @Test func twoOfOursGiveEachOtherImages() async throws {
        try await withPair(.ours, .ours, copyBothWays)
    }

    @Test func aLaunchFetchesTheImageAndKeepsItForTheNext() async throws {
        try await withPair(.ours, .ours) { far, near in
            try await far.mustLxc("image", "import", try await TestImage.busybox(), "--alias", "bb", "--public")
            try await near.mustLxc("storage", "create", "pool", "dir")
            try await near.mustLxc("profile", "device", "add", "default", "root", "disk", "path=/", "pool=pool")
            try await near.mustLxc("launch", "far:bb", "c1")
            let image = try await fingerprint(near, try await fingerprint(far, "bb"))
            let text = try await near.mustLxc("image", "info", image)
            #expect(text.contains("Cached: yes"))
            #expect(text.contains("Alias: bb"))
            #expect(text.contains("Auto update: enabled"))
            // The server may be away now: what is kept up to date will do.
            #expect(try await near.mustLxc("list", "c1", "-f", "csv", "-c", "s") == "RUNNING\n")
            try await near.mustLxc("init", "far:bb", "c2")
            try await near.mustLxc("delete", "--force", "c1", "c2")
        }
    }

    @Test func strangersCannotTellWhatIsHiddenFromWhatIsNotThere() async throws {
        try await TestHost.withPair { one, _ in
            try await TestDaemon.withDaemon(on: one) { daemon in
                try await daemon.listen()
                try await daemon.mustLxc("project", "create", "real")
                try await daemon.mustLxc("image", "import", try await TestImage.busybox(), "--alias", "hidden")
                let image = try await fingerprint(daemon, "hidden")
                func ask(_ path: String) async throws -> String {
                    let result = try await daemon.run(
                        "curl", ["-sk", "--max-time", "20", "-w", "%{http_code}", "https://\(one.address):8443/1.0/images\(path)"], deadline: .seconds(30))
                    return result.outputText
                }
                let missing = try await ask("/" + String(repeating: "0", count: 64))
                #expect(missing.hasSuffix("404"))
                let same = [
                    "/\(image)", "/\(image.prefix(12))", "/%25", "/_", "/\(image)?project=real", "/\(image)?project=nowhere",
                    "/\(image)/export", "/\(image)/export?project=nowhere", "/\(image)?secret=wrong", "/\(image)/export?secret=wrong",
                ]
                for path in same { #expect(try await ask(path) == missing, "\(path)") }
                let noAlias = try await ask("/aliases/none")
                for path in ["/aliases/hidden", "/aliases/hidd%25", "/aliases/hidde_", "/aliases/hidden?project=real", "/aliases/hidden?project=nowhere"] {
                    #expect(try await ask(path) == noAlias, "\(path)")
                }
                let empty = try await ask("")
                #expect(empty.contains("\"metadata\":[]"))
                #expect(try await ask("?project=nowhere") == empty)
                #expect(try await ask("?recursion=1") == empty)

                // A secret opens it once.
                let answer = try await daemon.request("POST", "/1.0/images/\(image)/secret")
                let object = try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any]
                let metadata = (object?["metadata"] as? [String: Any])?["metadata"] as? [String: Any]
                let secret = try #require(metadata?["secret"] as? String)
                #expect(try await ask("/\(image)?secret=\(secret)").hasSuffix("200"))
                #expect(try await ask("/\(image)/export?secret=\(secret)&project=real") == missing)
                let fetched = try await daemon.run(
                    "curl", ["-sk", "--max-time", "20", "-o", "fetched", "https://\(one.address):8443/1.0/images/\(image)/export?secret=\(secret)"],
                    deadline: .seconds(30))
                #expect(fetched.exit.isSuccess)
                let sum = try await daemon.run("sha256sum", ["fetched"], deadline: .seconds(20)).outputText
                #expect(sum.hasPrefix(image))
                #expect(try await ask("/\(image)/export?secret=\(secret)") == missing)
                #expect(try await ask("/\(image)?secret=\(secret)") == missing)

                try await daemon.mustLxc("image", "import", try await TestImage.busybox(), "--public", "--project", "real")
                #expect(try await ask("/\(image)?project=real").hasSuffix("200"))
                #expect(try await ask("/\(image)") == missing)
            }
        }
    }
}
