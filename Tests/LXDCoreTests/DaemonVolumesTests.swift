import Foundation
import Glibc
import LXDAPI
import LXDDatabase
import Testing

@testable import LXDCore

/// `storage.images_volume` and `storage.backups_volume`: what may be one, and where the files are then.
@Suite(.enabled(if: geteuid() == 0, "volumes of the daemon are made its own: needs root"))
struct DaemonVolumesTests {
    private func withVolumes(
        _ names: [String], _ body: (World, DaemonVolumes, _ volumes: String) async throws -> Void
    ) async throws {
        try await World.with { world in
            let paths = world.environment.paths
            for folder in [paths.images, paths.backups] + names.map({ world.pool.path + "/default_" + $0 }) {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
            try await world.store.write { tx in
                for name in names {
                    _ = try tx.insertStorageVolume(VolumeRow(pool: "p", project: "default", name: name, kind: .custom))
                }
            }
            try await body(
                world, DaemonVolumes(store: world.store, storage: world.volumes.storage, paths: paths), world.pool.path)
        }
    }

    private func contents(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func imagesGoToAVolumeToAnotherAndBack() async throws {
        try await withVolumes(["one", "two"]) { world, volumes, folder in
            let images = world.environment.paths.images
            try Data("image".utf8).write(to: URL(fileURLWithPath: images + "/abc"))
            let key = "storage.images_volume"
            for (value, place) in [("p/one", "default_one"), ("p/two", "default_two")] {
                try await volumes.check(key, value)
                try await volumes.move(key, to: value)
                #expect(try FileManager.default.destinationOfSymbolicLink(atPath: images) == folder + "/" + place)
                #expect(try contents(images) == ["abc"])
            }
            #expect(try contents(folder + "/default_one") == [])
            // Set again, as at a start after a crash in the middle: nothing is lost.
            try await volumes.move(key, to: "p/two")
            #expect(try contents(images) == ["abc"])
            try await volumes.move(key, to: nil)
            #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: images)) == nil)
            #expect(try contents(images) == ["abc"] && contents(folder + "/default_two") == [])
            #expect(try contents(folder).filter { $0.hasSuffix(".new") || $0.hasSuffix(".old") } == [])
        }
    }

    @Test func backupsAndImagesAreMovedOnTheirOwn() async throws {
        try await withVolumes(["one"]) { world, volumes, _ in
            try Data("x".utf8).write(to: URL(fileURLWithPath: world.environment.paths.backups + "/b"))
            try await volumes.move("storage.backups_volume", to: "p/one")
            #expect(try contents(world.environment.paths.backups) == ["b"])
            #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: world.environment.paths.images)) == nil)
        }
    }

    @Test func whatCannotBeOneIsRefused() async throws {
        try await withVolumes(["full", "snapped", "used", "good"]) { world, volumes, folder in
            try Data().write(to: URL(fileURLWithPath: folder + "/default_full/file"))
            try await world.store.write { tx in
                let snapped = try #require(try tx.storageVolume(pool: "p", project: "default", kind: .custom, name: "snapped"))
                _ = try tx.insertStorageVolumeSnapshot(VolumeSnapshotRow(volumeID: snapped.id, name: "s0"))
                var profile = try #require(try tx.profile(project: "default", name: "default"))
                profile.devices["d"] = ["type": "disk", "pool": "p", "source": "used", "path": "/d"]
                try tx.updateProfile(profile)
            }
            for value in ["", "p", "p/", "/one", "p/a/b", "p/none", "q/good", "p/full", "p/snapped", "p/used", "p/../x"] {
                await #expect(throws: LXDError.self, "\(value)") { try await volumes.check("storage.images_volume", value) }
            }
            try await volumes.check("storage.images_volume", "p/good")
        }
    }

    @Test func aVolumeOfTheDaemonIsKnownAsSuch() {
        let row = VolumeRow(pool: "p", project: "default", name: "one", kind: .custom)
        #expect(DaemonVolumes.isUsed(row, ["storage.images_volume": "p/one"]))
        #expect(DaemonVolumes.isUsed(row, ["storage.backups_volume": "p/one"]))
        #expect(!DaemonVolumes.isUsed(row, ["storage.images_volume": "p/two"]))
        var other = row
        other.project = "shop"
        #expect(!DaemonVolumes.isUsed(other, ["storage.images_volume": "p/one"]))
    }
}
