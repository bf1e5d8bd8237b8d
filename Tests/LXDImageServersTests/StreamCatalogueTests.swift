import LXDAPI
@testable import LXDImageServers
import Testing

@Suite struct StreamCatalogueTests {
    static let good = String(repeating: "a", count: 64)
    static let other = String(repeating: "b", count: 64)

    static func product(
        _ architecture: String = "amd64", aliases: String = "alpine/edge,alpine", versions: [String: StreamVersion]
    ) -> StreamProduct {
        .with {
            $0.aliases = aliases
            $0.architecture = architecture
            $0.system = "Alpine"
            $0.release = "edge"
            $0.releaseTitle = "edge"
            $0.requirements = ["secureboot": "false"]
            $0.versions = versions
        }
    }

    static func split(_ fingerprint: String, path: String = "a/rootfs.squashfs") -> StreamVersion {
        .with {
            $0.items = [
                "lxd.tar.xz": .with {
                    $0.kind = "lxd.tar.xz"
                    $0.path = "a/lxd.tar.xz"
                    $0.size = 10
                    $0.combinedSquashfs = fingerprint
                },
                "squashfs": .with {
                    $0.kind = "squashfs"
                    $0.path = path
                    $0.size = 90
                },
            ]
        }
    }

    static func catalogue(_ products: [String: StreamProduct], system: String? = nil) -> StreamCatalogue {
        StreamCatalogue(
            [.with { $0.products = products }], defaultSystem: system, architectures: ["x86_64", "i686"])
    }

    @Test func anImageIsDescribedAsLXDDescribesIt() throws {
        let catalogue = Self.catalogue(["p": Self.product(versions: ["20230105_13:00": Self.split(Self.good)])])
        let image = try #require(catalogue.images.first)
        #expect(image.fingerprint == Self.good)
        #expect(image.size == 100)
        #expect(image.architecture == "x86_64")
        #expect(image.type == "container")
        #expect(image.public)
        #expect(image.filename == "lxd.tar.xz")
        #expect(image.createdAt == LXDTime(rfc3339: "2023-01-05T00:00:00Z"))
        #expect(image.expiresAt == .epoch)
        #expect(
            image.properties == [
                "os": "Alpine", "release": "edge", "architecture": "amd64", "serial": "20230105_13:00",
                "description": "Alpine edge amd64 (20230105_13:00)", "type": "squashfs",
                "requirements.secureboot": "false",
            ])
        #expect(image.aliases.map(\.name) == ["alpine/edge", "alpine/edge/amd64", "alpine", "alpine/amd64"])
    }

    @Test func anAliasMeansTheNewestImageOfTheMachinesArchitecture() throws {
        let catalogue = Self.catalogue([
            "x86": Self.product(versions: [
                "20230101_00:00": Self.split(Self.other), "20230105_00:00": Self.split(Self.good),
            ]),
            "arm": Self.product("arm64", versions: ["20230106_00:00": Self.split(String(repeating: "c", count: 64))]),
        ])
        #expect(catalogue.target(ofAlias: "alpine", type: "container")?.target == Self.good)
        #expect(catalogue.target(ofAlias: "alpine", type: "")?.target == Self.good)
        #expect(catalogue.target(ofAlias: "alpine", type: "virtual-machine") == nil)
        #expect(
            catalogue.target(ofAlias: "alpine/arm64", type: "container")?.target == String(repeating: "c", count: 64))
        #expect(catalogue.aliases.filter { $0.name == "alpine" }.count == 1)
        #expect(catalogue.images.count == 3)
    }

    @Test func theSystemMayBeLeftOutOnAServerOfOneSystem() {
        let catalogue = Self.catalogue(
            ["p": Self.product(aliases: "ubuntu/22.04,22.04", versions: ["20230105": Self.split(Self.good)])],
            system: "ubuntu")
        #expect(catalogue.images.first?.aliases.map(\.name) == ["22.04", "22.04/amd64"])
    }

    @Test(arguments: ["../../x", "", "abc", String(repeating: "A", count: 64), String(repeating: "a", count: 63) + "/"])
    func whatIsNoFingerprintIsNoImage(_ fingerprint: String) {
        let catalogue = Self.catalogue(["p": Self.product(versions: ["20230105_13:00": Self.split(fingerprint)])])
        #expect(catalogue.images.isEmpty)
        #expect(catalogue.files.isEmpty)
        #expect(catalogue.target(ofAlias: "alpine", type: "") == nil)
    }

    @Test func deltasUnknownArchitecturesAndVersionsWithoutDateAreLeftOut() {
        var version = Self.split(Self.good)
        version.items["delta"] = .with {
            $0.kind = "squashfs.vcdiff"
            $0.path = "a/delta"
            $0.sha256 = Self.other
        }
        let catalogue = Self.catalogue([
            "p": Self.product(versions: ["20230105_13:00": version, "latest": Self.split(Self.other)]),
            "q": Self.product("pdp11", versions: ["20230105_13:00": Self.split(Self.other)]),
        ])
        #expect(catalogue.images.map(\.fingerprint) == [Self.good])
        #expect(catalogue.files[Self.good]?.rootfs?.path == "a/rootfs.squashfs")
    }

    @Test func aPartOfAFingerprintMustBeUnique() throws {
        let catalogue = Self.catalogue([
            "p": Self.product(versions: [
                "20230105": Self.split(Self.good), "20230106": Self.split("aa" + Self.other.dropFirst(2)),
            ])
        ])
        #expect(try catalogue.image("aaa").fingerprint == Self.good)
        #expect(throws: LXDError.self) { try catalogue.image("a") }
        #expect(throws: LXDError.self) { try catalogue.image("f") }
        #expect(throws: LXDError.self) { try catalogue.image("") }
    }
}
