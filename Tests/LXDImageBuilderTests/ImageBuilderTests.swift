@testable import LXDImageBuilder
import SystemPackage
import Testing

struct ImageBuilderTests {
    @Test(arguments: [("debian/12", "bookworm"), ("debian/bookworm", "bookworm"), ("debian/13", "trixie")])
    func releasesAreFoundByNumberAndName(text: String, suite: String) throws {
        #expect(try Release(parsing: text).suite == suite)
    }

    @Test(arguments: ["debian", "debian/", "debian/99", "ubuntu/22.04", "debian/12/x", "debian/12; rm -rf /", ""])
    func otherReleasesAreRefusedByAMessageThatNamesThoseThereAre(text: String) {
        #expect { try Release(parsing: text) } throws: { "\($0)".contains("debian/12") }
    }

    @Test(arguments: ["ftp://x", "--help", "http://x y", "http://x\n"])
    func aMirrorThatIsNoAddressIsRefused(mirror: String) async throws {
        let builder = ImageBuilder(release: try Release(parsing: "debian/12"), mirror: mirror) { _ in }
        await #expect(throws: ImageBuildError.self) { try await builder.build(to: "/nonexistent/image") }
    }

    @Test func theTreeIsMadeInNamespacesOfItsOwn() throws {
        let builder = ImageBuilder(release: try Release(parsing: "debian/12")) { _ in }
        let arguments = builder.installArguments(work: "/w")
        #expect(arguments.prefix(3) == ["--mount", "--pid", "--fork"])
        #expect(arguments.suffix(2) == ["bookworm", "/w/rootfs"])
        #expect(arguments.contains { $0.hasPrefix("--include=") && $0.contains("systemd-resolved") })
    }

    @Test func metadataNamesTheTemplatesThatThereAre() {
        let text = Recipe.metadata(
            of: Release(number: "12", suite: "bookworm"), architecture: "amd64", machine: "x86_64", creationSeconds: 1)
        #expect(text.contains("template: hostname.tpl") && text.contains("template: hosts.tpl"))
        #expect(text.contains("architecture: x86_64"))
    }
}
