import Foundation
import LXDAPI
import LXDDatabase
import Testing

@Suite struct ImageTableTests {
    private func store() throws -> Store {
        try Store(path: NSTemporaryDirectory() + "lxd-images-" + UUID().uuidString + ".db")
    }

    private static func image(_ digit: Character) -> ImageRow {
        var image = ImageRow()
        image.project = "default"
        image.fingerprint = String(repeating: digit, count: 64)
        image.size = 10
        image.uploadedAt = .now()
        image.properties = ["os": "Debian"]
        image.profiles = ["default"]
        return image
    }

    @Test func anImageComesBackAsItWasStored() async throws {
        let store = try store()
        let read = try await store.write { tx in
            let id = try tx.insertImage(Self.image("a"))
            try tx.insertImageAlias(project: "default", ImageAliasRow(imageID: id, name: "debian/12", description: ""))
            return try tx.image(project: "default", fingerprint: String(repeating: "a", count: 64))
        }
        #expect(read?.properties == ["os": "Debian"])
        #expect(read?.profiles == ["default"])
        #expect(read?.aliases.map(\.name) == ["debian/12"])
    }

    @Test func aPrefixFindsAllThatBeginSoAndTakesNoWildcards() async throws {
        let store = try store()
        try await store.write { tx in
            try tx.insertImage(Self.image("a"))
            try tx.insertImage(Self.image("b"))
            #expect(try tx.images(project: "default", fingerprintPrefix: "aa", publicOnly: false).count == 1)
            #expect(try tx.images(project: "default", fingerprintPrefix: "%", publicOnly: false).isEmpty)
            #expect(try tx.images(project: "default", fingerprintPrefix: "aa", publicOnly: true).isEmpty)
        }
    }

    @Test func aProjectThatSharesImagesHasProfilesOfItsOwnForThem() async throws {
        let store = try store()
        try await store.write { tx in
            let id = try tx.insertImage(Self.image("a"))
            try tx.insertProject(
                ProjectRow(name: "shop", config: ["features.profiles": "true", "features.images": "false"]))
            for name in ["default", "p1"] { try tx.insertProfile(ProfileRow(project: "shop", name: name)) }
            try tx.shareDefaultImages(with: "shop")
            #expect(try tx.imageProfiles(id: id, seenFrom: "shop") == ["default"])
            var update = ImageUpdate()
            update.profiles = ["p1"]
            try tx.updateImage(id: id, project: "shop", update)
            #expect(try tx.imageProfiles(id: id, seenFrom: "shop") == ["p1"])
            #expect(try tx.image(id: id)?.profiles == ["default"])
            update.profiles = []
            try tx.updateImage(id: id, project: "shop", update)
            #expect(try tx.imageProfiles(id: id, seenFrom: "shop").isEmpty)
            // A new image is known to the project at once.
            let other = try tx.insertImage(Self.image("b"))
            #expect(try tx.imageProfiles(id: other, seenFrom: "shop") == ["default"])
        }
    }

    @Test func aWarningSeenAgainIsCountedAndAResolvedOneIsNewAgain() async throws {
        let store = try store()
        try await store.write { tx in
            var warning = WarningRow()
            warning.uuid = "one"
            warning.lastSeenAt = .now()
            try tx.upsertWarning(warning)
            try tx.setWarningStatus(uuid: "one", 3, at: .now())
            warning.uuid = "two"
            try tx.upsertWarning(warning)
            let all = try tx.warnings()
            #expect(all.count == 1 && all.first?.count == 2 && all.first?.status == 1)
        }
    }

    @Test func aClosedDatabaseCanBeInspectedAndNotChanged() async throws {
        let path = NSTemporaryDirectory() + "lxd-inspect-" + UUID().uuidString + ".db"
        let store = try Store(path: path)
        try await store.write { try $0.replaceServerConfig(["core.https_address": ":8443"]) }
        try store.close()
        #expect(try Store.inspect(path: path) { try $0.serverConfig() } == ["core.https_address": ":8443"])
        #expect(throws: (any Error).self) { try Store.inspect(path: path) { try $0.replaceServerConfig([:]) } }
        #expect(try Store.inspect(path: path + ".missing") { try $0.serverConfig() } == nil)
    }

    @Test func aDumpMakesTheSameDatabase() async throws {
        let store = try store()
        let dump = try await store.write { tx in
            try tx.replaceServerConfig(["user.it's": "x"])
            return try tx.dump(schemaOnly: false)
        }
        #expect(dump.contains("INSERT INTO config VALUES(1,'user.it''s','x');"))
        let schema = try await store.read { try $0.dump(schemaOnly: true) }
        #expect(schema.contains("CREATE TABLE images") && !schema.contains("INSERT"))
    }
}
