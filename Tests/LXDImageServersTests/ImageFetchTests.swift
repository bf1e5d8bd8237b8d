import Glibc
import LXDAPI
import LXDCore
import LXDDatabase
import LXDHTTP
import LXDImageServers
import Testing

/// How the daemon fetches images, from servers that may be hostile.
@Suite(.enabled(if: geteuid() == 0, "the archive program confines itself: needs root")) struct ImageFetchTests {
    /// What a LXD server answers about one image with the alias `x`.
    static func serve(_ image: [UInt8], as fingerprint: String? = nil, on server: TestWebServer) throws {
        let fingerprint = fingerprint ?? sha256(image)
        let alias = ImageAliasesEntry.with {
            $0.name = "x"
            $0.target = fingerprint
            $0.type = "container"
        }
        let info = Image.with {
            $0.fingerprint = fingerprint
            $0.architecture = "x86_64"
            $0.type = "container"
            $0.size = Int64(image.count)
            $0.properties = ["os": "Server"]
            $0.filename = "../../name"
        }
        server.serve("/1.0/images/aliases/x", try LXDImageServerTests.answer(alias))
        server.serve("/1.0/images/\(fingerprint)", try LXDImageServerTests.answer(info))
        server.serve("/1.0/images/\(fingerprint)/export", .content(image))
    }

    static func wanted(_ server: TestWebServer, _ name: String = "x", project: String = "default") -> ImageFetch {
        var wanted = ImageFetch()
        wanted.server = server.url
        wanted.name = name
        wanted.type = "container"
        wanted.project = project
        wanted.autoUpdate = true
        return wanted
    }

    @Test func anImageIsFetchedOnceHoweverManyWantIt() async throws {
        let image = makeImage()
        try await TestWebServer.with { server in
            try Self.serve(image, on: server)
            try await ImageWorld.with { world in
                let rows = try await withThrowingTaskGroup(of: ImageRow.self) { group in
                    for _ in 0..<10 { group.addTask { try await world.fetch(Self.wanted(server)) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(Set(rows.map(\.fingerprint)) == [sha256(image)])
                #expect(server.requests.count { $0.hasSuffix("/export") } == 1)
                #expect(try await world.rows.count == 1)
                #expect(try world.files == [sha256(image)])
                let row = try #require(rows.first)
                #expect(row.properties == ["os": "Server"])
                #expect(row.source?.alias == "x")
                #expect(row.autoUpdate)
                #expect(row.filename == "name")
            }
        }
    }

    @Test func afterAnyFailureNothingStays() async throws {
        let image = makeImage()
        let export = "/1.0/images/\(sha256(image))/export"
        let failures: [(TestWebServer.Behaviour, String)] = [
            (.content(makeImage(1)), "Image fingerprint doesn't match"),
            (.cutting(every: 100, image), "unexpected EOF"),
            (.dripping(image), "the server sends too slowly"),
            (.redirect(export), "leads from one redirect to the next"),
            (.status(404), "status 404"),
        ]
        for (behaviour, text) in failures {
            try await TestWebServer.with { server in
                try Self.serve(image, on: server)
                server.serve(export, behaviour)
                try await ImageWorld.with { world in
                    let error = await #expect(throws: LXDError.self) { _ = try await world.fetch(Self.wanted(server)) }
                    #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
                    try await world.expectNothing()
                }
            }
        }
    }

    @Test func aFetchThatIsCancelledLeavesNothing() async throws {
        let image = makeImage()
        try await TestWebServer.with { server in
            try Self.serve(image, on: server)
            server.serve("/1.0/images/\(sha256(image))/export", .dripping(image))
            try await ImageWorld.with { world in
                let task = Task { try await world.fetch(Self.wanted(server)) }
                while !server.requests.contains(where: { $0.hasSuffix("/export") }) {
                    try await Task.sleep(for: .milliseconds(5))
                }
                let other = Task { try await world.fetch(Self.wanted(server)) }
                other.cancel()
                task.cancel()
                let begin = ContinuousClock.now
                await #expect(throws: (any Error).self) { _ = try await task.value }
                await #expect(throws: (any Error).self) { _ = try await other.value }
                #expect(ContinuousClock.now - begin < .seconds(5))
                try await world.expectNothing()
            }
        }
    }

    @Test(arguments: [
        "architecture: x86_64\ncreation_date: 1\nx: " + String(repeating: "y", count: 2 << 20),
        "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a]\narchitecture: x86_64\ncreation_date: 1",
        "architecture: x86_64\ncreation_date: " + String(repeating: "9", count: 30),
        "architecture: [x86_64]\ncreation_date: 1", "null", "", "architecture: ../../x\ncreation_date: 1",
    ])
    func anImageThatDescribesItselfBadlyIsRefused(_ yaml: String) async throws {
        let image = makeImage(yaml: yaml)
        try await TestWebServer.with { server in
            try Self.serve(image, on: server)
            try await ImageWorld.with { world in
                let error = await #expect(throws: LXDError.self) { _ = try await world.fetch(Self.wanted(server)) }
                #expect(error?.code == .badRequest)
                try await world.expectNothing()
            }
        }
    }

    @Test func aRestrictedProjectHasNothingFetchedInPlainHTTP() async throws {
        let image = makeImage()
        try await TestWebServer.with { server in
            try Self.serve(image, on: server)
            try await ImageWorld.with { world in
                for name in ["lxd", "simplestreams", "direct"] {
                    var wanted = Self.wanted(server, sha256(image), project: "shop")
                    wanted.imageProtocol = name
                    let final = wanted
                    let error = await #expect(throws: LXDError.self) { _ = try await world.fetch(final) }
                    #expect(error?.code == .forbidden)
                }
                await #expect(throws: LXDError.self) { try await world.images.requireAllowed(server.url, in: "shop") }
                // Nothing was asked for before it was refused.
                #expect(server.requests == [])
                try await world.expectNothing()
            }
        }
    }

    /// Names and addresses of the host, and what a project's list of servers says of them.
    @Test func aRestrictedProjectDoesNotReachTheHostItself() async throws {
        try await ImageWorld.with { world in
            for host in ["127.0.0.1", "169.254.169.254", "[::1]", "[fe80::1]", "0.0.0.0"] {
                let error = await #expect(throws: LXDError.self) {
                    try await world.images.requireAllowed("https://\(host):8443", in: "shop")
                }
                #expect(error?.code == .forbidden, "\(host)")
                try await world.images.requireAllowed("https://\(host):8443", in: "lab")
            }
            // A name is known for what it is only when it is looked up.
            try await world.images.requireAllowed("https://localhost:1", in: "shop")
            var wanted = ImageFetch()
            (wanted.server, wanted.name, wanted.project) = ("https://localhost:1", sha256(makeImage()), "shop")
            for name in ["lxd", "simplestreams", "direct"] {
                wanted.imageProtocol = name
                let final = wanted
                let error = await #expect(throws: LXDError.self) { _ = try await world.fetch(final) }
                #expect(error?.code == .forbidden, "\(name): \(error?.message ?? "")")
            }
            try await world.store.write { tx in
                var project = try tx.requireProject("shop")
                project.config["restricted.images.servers"] = "images.example, 127.0.0.1"
                try tx.updateProject(project)
            }
            try await world.images.requireAllowed("https://127.0.0.1:8443", in: "shop")
            try await world.images.requireAllowed("https://images.example/x", in: "shop")
            await #expect(throws: LXDError.self) {
                try await world.images.requireAllowed("https://other.example", in: "shop")
            }
        }
    }

    @Test func claimingAnothersImageDoesNotGiveIt() async throws {
        let secret = makeImage(7)
        try await TestWebServer.with { server in
            try await ImageWorld.with { world in
                _ = try await world.upload(secret, into: "lab")
                // The server knows the fingerprint, but not the image.
                try Self.serve(makeImage(8), as: sha256(secret), on: server)
                await #expect(throws: LXDError.self) { _ = try await world.fetch(Self.wanted(server)) }
                #expect(try await world.rows.map(\.project) == ["lab"])
                // A server that has it gives it; the files that are here are used.
                try Self.serve(secret, on: server)
                _ = try await world.fetch(Self.wanted(server))
                #expect(try await world.rows.map(\.project) == ["lab", "default"])
                #expect(try world.files == [sha256(secret)])
            }
        }
    }

    @Test func whatCameFromTheSameServerIsSharedBetweenProjects() async throws {
        let image = makeImage()
        try await TestWebServer.with { server in
            try Self.serve(image, on: server)
            try await ImageWorld.with { world in
                _ = try await world.fetch(Self.wanted(server))
                _ = try await world.fetch(Self.wanted(server, project: "lab"))
                #expect(server.requests.count { $0.hasSuffix("/export") } == 1)
                #expect(try await world.rows.map(\.project) == ["default", "lab"])
            }
        }
    }

    @Test func anImageThatIsKeptUpToDateIsPreferredForInstances() async throws {
        try await TestWebServer.with { server in
            try Self.serve(makeImage(1), on: server)
            try await ImageWorld.with { world in
                var wanted = Self.wanted(server)
                wanted.isCached = true
                wanted.prefersCached = true
                let first = try await world.fetch(wanted)
                #expect(first.cached)
                try Self.serve(makeImage(2), on: server)
                #expect(try await world.fetch(wanted).fingerprint == first.fingerprint)
                try await world.store.write { try $0.replaceServerConfig(["images.auto_update_interval": "0"]) }
                #expect(try await world.fetch(wanted).fingerprint == sha256(makeImage(2)))
            }
        }
    }

    @Test func aNewerImageTakesTheOldOnesPlace() async throws {
        try await TestWebServer.with { server in
            try Self.serve(makeImage(1), on: server)
            try await ImageWorld.with { world in
                let old = try await world.fetch(Self.wanted(server))
                try await world.store.write {
                    try $0.insertImageAlias(
                        project: "default", ImageAliasRow(imageID: old.id, name: "mine", description: ""))
                    try $0.setImageCached(id: old.id, lastUsedAt: LXDTime(seconds: 1_700_000_000))
                }
                let before = try await world.images.row(project: "default", prefix: old.fingerprint)
                #expect(try await world.images.refresh(before, by: nil, progress: .none) == nil)
                try Self.serve(makeImage(2), on: server)
                // A day later, by the rules.
                try await world.images.refreshDue(hoursSinceStart: 5)
                #expect(try await world.rows.map(\.fingerprint) == [old.fingerprint])
                try await world.images.refreshDue(hoursSinceStart: 6)
                let rows = try await world.rows
                #expect(rows.map(\.fingerprint) == [sha256(makeImage(2))])
                #expect(try world.files == [sha256(makeImage(2))])
                let new = try #require(rows.first)
                #expect(new.aliases.map(\.name) == ["mine"])
                #expect(new.cached)
                #expect(new.lastUsedAt == LXDTime(seconds: 1_700_000_000))
                #expect(new.profiles == ["default"])
                try await world.images.removeExpired(now: LXDTime(seconds: 1_700_000_000 + 10 * 86_400 - 1))
                #expect(try await world.rows.count == 1)
                try await world.images.removeExpired(now: LXDTime(seconds: 1_700_000_000 + 10 * 86_400))
                try await world.expectNothing()
            }
        }
    }

    @Test func anImageThatCameFromNowhereCannotBeRefreshed() async throws {
        try await ImageWorld.with { world in
            let image = try await world.upload(makeImage(), into: "default")
            let row = try await world.images.row(project: "default", prefix: image.fingerprint)
            let error = await #expect(throws: LXDError.self) {
                _ = try await world.images.refresh(row, by: nil, progress: .none)
            }
            #expect(error?.message == "Image source not found")
        }
    }

    @Test func anImageIsCopiedBetweenProjects() async throws {
        try await ImageWorld.with { world in
            let image = try await world.upload(makeImage(), into: "lab")
            var wanted = ImageFetch()
            wanted.name = image.fingerprint
            wanted.sourceProject = "lab"
            let row = try await world.images.share(wanted, by: nil)
            let post = ImagesPost.with {
                $0.public = true
                $0.properties = ["a": "b"]
                $0.aliases = [.with { $0.name = "n" }]
            }
            let copied = try await world.images.finish(row, post)
            #expect(copied.public)
            #expect(copied.properties["a"] == "b")
            #expect(copied.aliases.map(\.name) == ["n"])
            #expect(try await world.rows.map(\.project) == ["lab", "default"])
        }
    }
}

@Suite struct ImageUpdateRulesTests {
    @Test func projectsCountMoreThanTheServer() {
        let rules = ImageUpdateRules(
            server: [
                "images.auto_update_interval": "12", "images.auto_update_cached": "false",
                "images.remote_cache_expiry": "5",
            ],
            project: ["images.auto_update_interval": "3", "images.remote_cache_expiry": ""])
        #expect(rules.intervalHours == 3)
        #expect(!rules.updatesCached)
        #expect(rules.expiryDays == 5)
        #expect(ImageUpdateRules(server: [:]).intervalHours == 6)
    }

    @Test func zeroMeansNever() {
        let rules = ImageUpdateRules(server: ["images.auto_update_interval": "0", "images.remote_cache_expiry": "0"])
        #expect(!rules.isDue(hoursSinceStart: 0))
        #expect(!rules.isExpired(lastUsed: .epoch, now: LXDTime(seconds: 4_000_000_000)))
    }

    @Test func itIsTimeAtTheStartAndAfterEachInterval() {
        let rules = ImageUpdateRules(server: [:])
        #expect([0, 6, 12].allSatisfy { rules.isDue(hoursSinceStart: $0) })
        #expect(![1, 5, 7].contains { rules.isDue(hoursSinceStart: $0) })
    }
}
