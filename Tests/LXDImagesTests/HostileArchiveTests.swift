import Foundation
import LXDAPI
import LXDImages
import LXDLinux
import SystemPackage
import Testing

/// Images and backups are written by strangers: nothing in one reaches outside its own directories.
@Suite(.enabled(if: isRoot, "unpacking keeps owners: needs root"))
struct HostileArchiveTests {
    /// Unpacks and expects a refusal that names the entry.
    private func refused(_ tar: TestTar, naming entry: String) async throws {
        try await ImageFixture.with { fixture in
            let path = try fixture.store(tar.finished)
            let error = await #expect(throws: LXDError.self) { try await fixture.unpack(path) }
            #expect(error?.code == .badRequest)
            #expect(error?.message.contains(entry) == true, "\(error?.message ?? "")")
            #expect(fixture.canary == "canary")
        }
    }

    @Test(arguments: TestTar.Dialect.allCases)
    func aSecondRootfsEntryThatIsALinkIsRefused(_ dialect: TestTar.Dialect) async throws {
        var tar = TestTar(dialect)
        tar.addFile("metadata.yaml", goodMetadata)
        tar.addDirectory("rootfs")
        tar.addFile("rootfs/etc", "x")
        tar.add("rootfs", type: "2", link: "/")
        tar.addFile("rootfs/canary", "stolen")
        try await refused(tar, naming: "rootfs")
    }

    @Test(arguments: TestTar.Dialect.allCases)
    func aLinkInPlaceOfWhatTheDaemonReadsIsRefused(_ dialect: TestTar.Dialect) async throws {
        for name in ["templates", "metadata.yaml", "templates/hostname.tpl"] {
            var tar = TestTar(dialect)
            tar.addDirectory("rootfs")
            tar.addFile("rootfs/a", "x")
            tar.add(name, type: "2", link: "/etc/shadow")
            try await refused(tar, naming: name)
        }
    }

    @Test func devicesAndHardLinksInPlaceOfWhatTheDaemonReadsAreRefused() async throws {
        for (type, link) in [("3", ""), ("6", ""), ("1", "rootfs/a")] as [(Character, String)] {
            var tar = TestTar()
            tar.addFile("rootfs/a", "x")
            tar.add("metadata.yaml", type: type, link: link)
            try await refused(tar, naming: "metadata.yaml")
        }
    }

    @Test(arguments: ["rootfs/../../canary", "../canary", "/../canary", "rootfs/a/../../../canary"], TestTar.Dialect.allCases)
    func pathsThatLeadOutAreRefused(_ name: String, _ dialect: TestTar.Dialect) async throws {
        var tar = TestTar(dialect)
        tar.addFile(name, "stolen")
        try await refused(tar, naming: "canary")
    }

    @Test func absolutePathsAreThoseOfTheArchive() async throws {
        try await ImageFixture.with { fixture in
            var tar = TestTar()
            tar.addFile("/rootfs" + fixture.folder + "/canary", "inside")
            tar.addFile(fixture.folder + "/canary", "nowhere")
            try await fixture.unpack(try fixture.store(tar.finished))
            #expect(fixture.canary == "canary")
            #expect(try fixture.root.read(fixture.folder + "/canary", limit: 10) == Array("inside".utf8))
        }
    }

    @Test func entriesBelowALinkAreRefused() async throws {
        for target in ["/", "..", "../..", "/tmp", "elsewhere"] {
            var tar = TestTar()
            tar.addDirectory("rootfs/elsewhere")
            tar.add("rootfs/link", type: "2", link: target)
            tar.addFile("rootfs/link/canary", "stolen")
            try await refused(tar, naming: "rootfs/link/canary")
        }
    }

    @Test func hardLinksStayInTheirTree() async throws {
        for target in ["../canary", "/etc/passwd", "metadata.yaml", "rootfs/missing", "rootfs/link"] {
            var tar = TestTar()
            tar.addFile("metadata.yaml", goodMetadata)
            tar.addDirectory("rootfs")
            tar.add("rootfs/hard", type: "1", link: target)
            let bytes = tar.finished
            try await ImageFixture.with { fixture in
                let path = try fixture.store(bytes)
                await #expect(throws: LXDError.self, "\(target)") { try await fixture.unpack(path) }
                #expect(fixture.canary == "canary")
            }
        }
    }

    @Test func aFileDoesNotTakeThePlaceOfADirectory() async throws {
        var tar = TestTar()
        tar.addFile("rootfs/etc/a", "x")
        tar.add("rootfs/etc", type: "2", link: "/")
        try await refused(tar, naming: "rootfs/etc")
    }

    @Test func aLaterFileReplacesAnEarlierLinkAndDoesNotFollowIt() async throws {
        try await ImageFixture.with { fixture in
            var tar = TestTar()
            tar.add("rootfs/out", type: "2", link: fixture.folder + "/canary")
            tar.addFile("rootfs/out", "inside")
            try await fixture.unpack(try fixture.store(tar.finished))
            #expect(fixture.canary == "canary")
            #expect(try fixture.root.status("out").kind == .regular)
        }
    }

    @Test func attributesThatMeanSomethingToTheHostAreLeftOut() async throws {
        try await ImageFixture.with { fixture in
            var tar = TestTar(.pax)
            tar.add(
                "rootfs/a", contents: [1],
                attributes: ["trusted.overlay.redirect": "/etc", "trusted.overlay.opaque": "y", "user.kept": "yes"])
            try await fixture.unpack(try fixture.store(tar.finished))
            #expect(try fixture.root.attribute("trusted.overlay.redirect", of: "a") == nil)
            #expect(try fixture.root.attribute("trusted.overlay.opaque", of: "a") == nil)
            #expect(try fixture.root.attribute("user.kept", of: "a") == Array("yes".utf8))
        }
    }

    @Test(arguments: ["gzip", "xz", "zstd", "bzip2"])
    func bombsStopAtTheLimit(_ program: String) async throws {
        try await ImageFixture.with { fixture in
            var tar = TestTar()
            tar.add("rootfs/zeros", contents: [UInt8](repeating: 0, count: 48 << 20))
            let path = try await fixture.compressed(try fixture.store(tar.finished), with: program)
            let error = await #expect(throws: LXDError.self) { try await fixture.unpack(path, bytesMax: 16 << 20) }
            #expect(error?.message.contains("larger than") == true)
        }
    }

    @Test func truncatedAndDamagedArchivesAreRefused() async throws {
        try await ImageFixture.with { fixture in
            var tar = TestTar()
            tar.addFile("metadata.yaml", goodMetadata)
            tar.add("rootfs/a", contents: (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) })
            let packed = try await fixture.compressed(try fixture.store(tar.finished), with: "gzip")
            let bytes = try AtomicFile.read(packed.string)
            for length in stride(from: 20, to: bytes.count - 1, by: max(1, bytes.count / 7)) {
                let path = try fixture.store(Array(bytes[..<length]))
                await #expect(throws: LXDError.self, "\(length) bytes") { try await fixture.unpack(path) }
            }
        }
    }

    @Test func metadataIsBounded() async throws {
        let aliases = "a: &a [x,x,x,x,x,x,x,x,x]\n" + ["b", "c", "d", "e", "f"].enumerated().map { index, name in
            let before = ["a", "b", "c", "d", "e"][index]
            return "\(name): &\(name) [*\(before),*\(before),*\(before),*\(before),*\(before),*\(before),*\(before)]\n"
        }.joined()
        for (name, text) in [
            ("2 MiB", goodMetadata + "x: " + String(repeating: "y", count: 2 << 20)), ("aliases", goodMetadata + aliases),
            ("nesting", goodMetadata + "x: " + String(repeating: "[", count: 100_000)),
            ("a list for a map", "architecture: x86_64\ncreation_date: 1\nproperties: [1]\n"),
            ("templates of nothing", "architecture: x86_64\ncreation_date: 1\ntemplates: {/etc/x: [1]}\n"),
            ("no architecture", "creation_date: 1\n"), ("no date", "architecture: x86_64\n"), ("a number", "5"), ("a list", "[]"),
        ] {
            try await ImageFixture.with { fixture in
                var tar = TestTar()
                tar.addFile("metadata.yaml", text)
                tar.addFile("rootfs/a", "x")
                let path = try fixture.store(tar.finished)
                let error = await #expect(throws: LXDError.self, "\(name)") { _ = try await fixture.inspect(path) }
                #expect(error?.code == .badRequest, "\(name)")
            }
        }
    }

    @Test func partialMetadataIsNoTrap() async throws {
        for text in ["properties: null\n", "templates: null\n", "templates: {/etc/x: null}\n", "templates: {/etc/x: {}}\n", "expiry_date: null\n"] {
            try await ImageFixture.with { fixture in
                var tar = TestTar()
                tar.addFile("metadata.yaml", "architecture: x86_64\ncreation_date: 1\n" + text)
                let inspection = try await fixture.inspect(try fixture.store(tar.finished))
                #expect(inspection.metadata.architecture == "x86_64", "\(text)")
            }
        }
    }
}
