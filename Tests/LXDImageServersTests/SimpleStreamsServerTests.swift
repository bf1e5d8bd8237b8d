import Foundation
import LXDAPI
import LXDHTTP
import LXDImageServers
import Testing

@Suite struct SimpleStreamsServerTests {
    static let metadata = [UInt8]("the metadata".utf8)
    static let rootfs = [UInt8]((0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    static let fingerprint = sha256(metadata + rootfs)

    /// A server with one image in two files; `change` spoils it.
    static func withServer(
        rootfsPath: String = "images/rootfs.squashfs", rootfsHash: String = sha256(rootfs),
        rootfsSize: Int = rootfs.count,
        fingerprint: String = fingerprint, _ body: (TestWebServer) async throws -> Void
    ) async throws {
        let products = """
            {"products": {"alpine": {"arch": "amd64", "os": "Alpine", "release": "edge", "aliases": "alpine/edge", "versions": {
              "20230105_13:00": {"items": {
                "lxd.tar.xz": {"ftype": "lxd.tar.xz", "path": "images/lxd.tar.xz", "size": \(metadata.count),
                  "sha256": "\(sha256(metadata))", "combined_squashfs_sha256": "\(fingerprint)"},
                "root": {"ftype": "squashfs", "path": "\(rootfsPath)", "size": \(rootfsSize), "sha256": "\(rootfsHash)"}
              }}}}}}
            """
        let index = """
            {"index": {"images": {"datatype": "image-downloads", "path": "streams/v1/images.json", "products": ["alpine"]},
              "other": {"datatype": "something-else", "path": "../../etc/passwd", "products": ["x"]},
              "empty": {"datatype": "image-downloads", "path": "streams/v1/none.json", "products": []}}}
            """
        try await TestWebServer.with(
            [
                "/streams/v1/index.json": .content(Array(index.utf8)),
                "/streams/v1/images.json": .content(Array(products.utf8)),
                "/images/lxd.tar.xz": .content(metadata), "/images/rootfs.squashfs": .content(rootfs),
            ], body)
    }

    static func download(from server: TestWebServer, into folder: String) async throws -> DownloadedImage {
        let streams = try makeServers().simpleStreams(server.url)
        let catalogue = try await streams.catalogue()
        let target = try #require(catalogue.target(ofAlias: "alpine/edge", type: "container")).target
        return try await streams.download(try catalogue.image(target), of: catalogue, into: folder)
    }

    static func expectFailure(
        _ text: String, of server: TestWebServer, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await withFolder { folder in
            let error = await #expect(throws: LXDError.self, sourceLocation: sourceLocation) {
                _ = try await download(from: server, into: folder)
            }
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
        }
    }

    @Test func bothFilesAreFetchedAndAreTheImage() async throws {
        try await Self.withServer { server in
            try await withFolder { folder in
                let image = try await Self.download(from: server, into: folder)
                #expect(image.fingerprint == Self.fingerprint)
                #expect(image.size == Int64(Self.metadata.count + Self.rootfs.count))
                #expect(image.fileName == "lxd.tar.xz")
                #expect(image.rootfsName == "rootfs.squashfs")
                let rootfs = try #require(image.rootfs)
                #expect(try Data(contentsOf: URL(fileURLWithPath: rootfs)) == Data(Self.rootfs))
            }
        }
    }

    @Test func aSwappedRootFilesystemIsNoticedThoughItsOwnHashIsRight() async throws {
        let swapped = [UInt8](repeating: 7, count: Self.rootfs.count)
        try await Self.withServer(rootfsHash: sha256(swapped)) { server in
            server.serve("/images/rootfs.squashfs", .content(swapped))
            try await Self.expectFailure("Image fingerprint doesn't match", of: server)
        }
    }

    @Test func aFileWithAWrongHashIsRefused() async throws {
        try await Self.withServer { server in
            server.serve("/images/rootfs.squashfs", .content([UInt8](repeating: 7, count: Self.rootfs.count)))
            try await Self.expectFailure("Hash mismatch for", of: server)
        }
    }

    @Test func aFileLargerThanAnnouncedIsRefusedBeforeItFillsTheDisk() async throws {
        try await Self.withServer { server in
            server.serve("/images/rootfs.squashfs", .content(Self.rootfs + Self.rootfs))
            try await Self.expectFailure("is larger than the 200000 bytes it should have", of: server)
        }
    }

    @Test func aTransferGoesOnWhereItWasCut() async throws {
        try await Self.withServer { server in
            // Cut ten times, at each tenth.
            server.serve("/images/rootfs.squashfs", .cutting(every: Self.rootfs.count / 10, Self.rootfs))
            try await withFolder { folder in
                let image = try await Self.download(from: server, into: folder)
                #expect(image.fingerprint == Self.fingerprint)
                let ranges = server.requests.filter { $0.contains("bytes=") }
                #expect(ranges.count == 9)
                #expect(ranges.last == "/images/rootfs.squashfs bytes=180000-")
            }
        }
    }

    @Test func aTransferBeginsAnewWhereTheServerKnowsNoRanges() async throws {
        try await Self.withServer { server in
            server.serve("/images/rootfs.squashfs", .cuttingOnce(at: 150_000, Self.rootfs))
            try await withFolder { folder in
                let image = try await Self.download(from: server, into: folder)
                #expect(image.fingerprint == Self.fingerprint)
            }
        }
    }

    @Test func aFileThatAlwaysEndsEarlyIsGivenUp() async throws {
        try await Self.withServer(rootfsSize: Self.rootfs.count + 1) { server in
            try await Self.expectFailure("unexpected EOF", of: server)
        }
    }

    @Test func aServerThatHardlySendsIsGivenUp() async throws {
        try await Self.withServer { server in
            server.serve("/images/rootfs.squashfs", .dripping(Self.rootfs))
            let begin = ContinuousClock.now
            try await Self.expectFailure("the server sends too slowly", of: server)
            #expect(ContinuousClock.now - begin < .seconds(20))
        }
    }

    @Test func redirectsAreFollowedButNotForEver() async throws {
        try await Self.withServer { server in
            server.serve("/elsewhere", .content(Self.rootfs))
            server.serve("/images/rootfs.squashfs", .redirect("../elsewhere"))
            try await withFolder { folder in
                // A relative address leads to a neighbour; dots are the server's business.
                server.serve("/images/../elsewhere", .content(Self.rootfs))
                let image = try await Self.download(from: server, into: folder)
                #expect(image.fingerprint == Self.fingerprint)
            }
            server.serve("/images/rootfs.squashfs", .redirect("/images/rootfs.squashfs"))
            try await Self.expectFailure("leads from one redirect to the next", of: server)
            server.serve("/images/rootfs.squashfs", .redirect("file:///etc/passwd"))
            try await Self.expectFailure("which is no web address", of: server)
        }
    }

    @Test(arguments: [
        "../../x", "/etc/passwd", "https://elsewhere.example/x", "//elsewhere.example/x", "a/../../x", "a//b", "..",
    ])
    func filesAreOnlyFetchedFromBelowTheServersAddress(_ path: String) async throws {
        try await Self.withServer(rootfsPath: path) { server in
            try await Self.expectFailure("names a file that is not below its address", of: server)
            #expect(server.requests.allSatisfy { $0.hasPrefix("/streams/") || $0 == "/images/lxd.tar.xz" })
        }
    }

    @Test func anImageWithoutFingerprintIsNotThere() async throws {
        try await Self.withServer(fingerprint: "../../x") { server in
            let catalogue = try await makeServers().simpleStreams(server.url).catalogue()
            #expect(catalogue.images.isEmpty)
            #expect(throws: LXDError.self) { try catalogue.image("../../x") }
        }
    }

    @Test func documentsAreBoundedInSizeAndDepth() async throws {
        try await Self.withServer { server in
            server.serve("/streams/v1/index.json", .content([UInt8](repeating: 32, count: 5 << 20)))
            try await Self.expectFailure("body is larger than", of: server)
            server.serve("/streams/v1/index.json", .content([UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)))
            try await Self.expectFailure("nested deeper", of: server)
            server.serve("/streams/v1/index.json", .content(Array("{\"index\": [1]}".utf8)))
            try await Self.expectFailure("Failed decoding stream JSON", of: server)
            server.serve("/streams/v1/index.json", .status(500))
            try await Self.expectFailure("status 500", of: server)
        }
    }

    @Test func documentsAreKeptAndUsedWhenTheServerIsAway() async throws {
        try await withFolder { folder in
            try await Self.withServer { server in
                let fresh = makeServers(cache: StreamCache(directory: folder, lifetimeSeconds: 3600))
                var catalogue = try await fresh.simpleStreams(server.url).catalogue()
                #expect(catalogue.images.count == 1)
                let asked = server.requests.count
                catalogue = try await fresh.simpleStreams(server.url).catalogue()
                #expect(catalogue.images.count == 1)
                #expect(server.requests.count == asked)
                // Too old to be used unasked; better than nothing when there is no answer.
                let old = makeServers(cache: StreamCache(directory: folder, lifetimeSeconds: 0))
                server.serve("/streams/v1/index.json", .status(503))
                catalogue = try await old.simpleStreams(server.url).catalogue()
                #expect(catalogue.images.count == 1)
                #expect(server.requests.count > asked)
            }
        }
    }

    @Test func aServerThatIsNotThereIsNamed() async throws {
        let error = await #expect(throws: LXDError.self) {
            _ = try await makeServers().simpleStreams("http://127.0.0.1:1").catalogue()
        }
        #expect(
            error?.message
                == #"Get "http://127.0.0.1:1/streams/v1/index.json": dial tcp 127.0.0.1:1: connect: connection refused"#
        )
    }

    @Test func aLimitOnTheImagesSizeHoldsBeforeItIsFetched() async throws {
        try await Self.withServer { server in
            try await withFolder { folder in
                let streams = try makeServers().simpleStreams(server.url)
                let catalogue = try await streams.catalogue()
                let error = await #expect(throws: LXDError.self) {
                    _ = try await streams.download(
                        try catalogue.image(Self.fingerprint), of: catalogue, into: folder, limitBytes: 100_000)
                }
                #expect(error?.message.contains("exceeds allowed budget") == true)
                #expect(!server.requests.contains("/images/rootfs.squashfs"))
            }
        }
    }
}
