import LXDAPI
import LXDHTTP
import LXDImageServers
import Testing

@Suite struct LXDImageServerTests {
    static let fingerprint = String(repeating: "a", count: 64)

    static func answer(_ value: some WireValue) throws -> TestWebServer.Behaviour {
        .content(Array(try LXDJSON.encode(Response.sync(value))))
    }

    static func image(_ fingerprint: String) throws -> TestWebServer.Behaviour {
        try answer(Image.with { $0.fingerprint = fingerprint })
    }

    @Test(arguments: ["../../x", "", "abcd", "AAAA"])
    func aFingerprintThatIsNoneIsRefused(_ fingerprint: String) async throws {
        try await TestWebServer.with(["/1.0/images/x": try Self.image(fingerprint)]) { test in
            let server = try makeServers().lxd(test.url, certificate: "", project: "")
            let error = await #expect(throws: LXDError.self) { _ = try await server.image("x", secret: "") }
            #expect(error?.message.hasPrefix("Invalid fingerprint") == true)
        }
    }

    @Test func anotherImageThanTheOneAskedForIsRefused() async throws {
        try await TestWebServer.with(["/1.0/images/bb": try Self.image(Self.fingerprint)]) { test in
            let server = try makeServers().lxd(test.url, certificate: "", project: "")
            await #expect(throws: LXDError.self) { _ = try await server.image("bb", secret: "") }
        }
    }

    @Test func namesAndSecretsAreEscaped() async throws {
        try await TestWebServer.with { test in
            let server = try makeServers().lxd(test.url, certificate: "", project: "a&b")
            let none = try await server.target(ofAlias: "../x?y#z", type: "")
            #expect(none == nil)
            await #expect(throws: LXDError.self) { _ = try await server.image("..", secret: "s&t") }
            #expect(
                test.requests == [
                    "/1.0/images/aliases/..%2Fx%3Fy%23z?project=a%26b", "/1.0/images/%2E%2E?secret=s%26t&project=a%26b",
                ])
        }
    }

    @Test func anAliasOfAnotherTypeIsNone() async throws {
        let alias = ImageAliasesEntry.with {
            $0.name = "x"
            $0.target = Self.fingerprint
            $0.type = "virtual-machine"
        }
        try await TestWebServer.with(["/1.0/images/aliases/x": try Self.answer(alias)]) { test in
            let server = try makeServers().lxd(test.url, certificate: "", project: "")
            let container = try await server.target(ofAlias: "x", type: "container")
            #expect(container == nil)
            let machine = try await server.target(ofAlias: "x", type: "virtual-machine")
            #expect(machine == Self.fingerprint)
            let either = try await server.target(ofAlias: "x", type: "")
            #expect(either == Self.fingerprint)
        }
    }

    @Test func aRedirectIsNotFollowedWithTheSecret() async throws {
        try await TestWebServer.with(["/1.0/images/aa": .redirect("/other")]) { test in
            let server = try makeServers().lxd(test.url, certificate: "", project: "")
            let error = await #expect(throws: LXDError.self) { _ = try await server.image("aa", secret: "top") }
            #expect(error?.message.contains("top") == false)
            #expect(test.requests == ["/1.0/images/aa?secret=top"])
        }
    }

    @Test func theServersOwnWordsArePassedOn() async throws {
        try await TestWebServer.with { test in
            test.serve(
                "/1.0/images/aa", .content(Array(try LXDJSON.encode(Response.error(.notFound("Image not found"))))))
            let server = try makeServers().lxd(test.url, certificate: "", project: "")
            let error = await #expect(throws: LXDError.self) { _ = try await server.image("aa", secret: "") }
            #expect(error?.message == "Image not found")
            #expect(error?.code == .notFound)
        }
    }

    @Test func theNameOfAFileIsASingleName() async throws {
        try await TestWebServer.with { test in
            test.serve(
                "/1.0/images/aa/export", .headers(["Content-Disposition": "inline;filename=../../etc/passwd"]))
            let server = try makeServers().lxd(test.url, certificate: "", project: "")
            let export = try await server.export("aa", secret: "")
            #expect(export.fileName == "passwd")
        }
    }

    @Test func aBrokenCertificateIsRefused() {
        #expect(throws: LXDError.self) { try makeServers().lxd("https://x", certificate: "nonsense", project: "") }
        #expect(throws: LXDError.self) { try makeServers().lxd("gopher://x", certificate: "", project: "") }
    }
}

@Suite struct ImageAtURLTests {
    static let content = [UInt8]("an image".utf8)

    private func find(_ test: TestWebServer) async throws -> ImageAtURL {
        try await makeServers().image(behind: test.url + "/i", architectures: ["x86_64", "i686"], version: "5.0.2")
    }

    @Test func theHeadersLeadToTheImage() async throws {
        try await TestWebServer.with { test in
            test.serve("/i", .headers(["LXD-Image-URL": test.url + "/file", "LXD-Image-Hash": sha256(Self.content)]))
            test.serve("/file", .content(Self.content))
            try await withFolder { folder in
                let image = try await find(test).download(into: folder)
                #expect(image.fingerprint == sha256(Self.content))
                #expect(image.rootfs == nil)
            }
        }
    }

    @Test func whatIsNotTheImageIsRefused() async throws {
        try await TestWebServer.with { test in
            test.serve("/i", .headers(["LXD-Image-URL": test.url + "/file", "LXD-Image-Hash": sha256([1])]))
            test.serve("/file", .content(Self.content))
            try await withFolder { folder in
                let found = try await find(test)
                await #expect(throws: LXDError.self) { _ = try await found.download(into: folder) }
            }
        }
    }

    @Test(arguments: ["../../x", "", "1234"])
    func aHashThatIsNoneIsRefused(_ hash: String) async throws {
        try await TestWebServer.with { test in
            test.serve("/i", .headers(["LXD-Image-URL": test.url + "/file", "LXD-Image-Hash": hash]))
            await #expect(throws: LXDError.self) { _ = try await find(test) }
        }
    }

    @Test func missingHeadersAreNamed() async throws {
        try await TestWebServer.with { test in
            test.serve("/i", .headers(["LXD-Image-Hash": sha256([1])]))
            let error = await #expect(throws: LXDError.self) { _ = try await find(test) }
            #expect(error?.message == "Missing LXD-Image-URL header")
            test.serve("/i", .headers([:]))
            let other = await #expect(throws: LXDError.self) { _ = try await find(test) }
            #expect(other?.message == "Missing LXD-Image-Hash header")
        }
    }
}
