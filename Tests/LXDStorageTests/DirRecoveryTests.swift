import Foundation
import LXDAPI
import LXDLinux
import LXDStorage
import Testing

/// What a kill at any moment leaves is whole volumes or nothing.
@Suite(.enabled(if: isRoot, "pools keep files of all owners: needs root"))
struct DirRecoveryTests {
    @Test func aKillWhileAVolumeIsMadeLeavesNothing() async throws {
        try await PoolFixture.with { pool in
            // As create leaves it before the rename: a directory in staging and a layer that no record has.
            try makeHostDirectories(pool.pool + "/staging/\(String(repeating: "a", count: 26))/rootfs")
            try makeHostDirectories(pool.pool + "/layers/\(String(repeating: "b", count: 26))/fs/etc")
            let driver = try pool.restarted()
            try await driver.mount(config: [:])
            let report = try await driver.recover(known: [])
            await driver.settle()
            #expect(report.collectedLayers == 1)
            for name in ["staging", "layers", "trash", "containers"] {
                #expect(try ConfinedDirectory(path: pool.pool + "/" + name).list().isEmpty, "\(name)")
            }
        }
    }

    @Test func aKillBetweenFreezingAndTheSnapshotLosesNoWrites() async throws {
        try await PoolFixture.with { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            try await pool.write("1", to: "a", of: volume)
            try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
            try removeHostTree(pool.pool + "/containers-snapshots/c1/s0")
            let driver = try pool.restarted()
            try await driver.mount(config: [:])
            _ = try await driver.recover(known: [volume])
            #expect(try await pool.files(of: volume) == ["a": "1"])
        }
    }

    @Test func aKillWhileDeletingIsFinishedAtTheNextStart() async throws {
        try await PoolFixture.with { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            // The directory is in the trash; its layer is still there.
            _ = rename(pool.pool + "/containers/c1", pool.pool + "/trash/\(String(repeating: "c", count: 26))")
            let driver = try pool.restarted()
            try await driver.mount(config: [:])
            let report = try await driver.recover(known: [volume])
            await driver.settle()
            #expect(report.missing == [volume])
            #expect(try ConfinedDirectory(path: pool.pool + "/layers").list().isEmpty)
            #expect(try ConfinedDirectory(path: pool.pool + "/trash").list().isEmpty)
            #expect(try ConfinedDirectory(path: pool.folder + "/containers").list().isEmpty, "the dangling symlink is gone")
        }
    }

    @Test(arguments: [true, false])
    func aRenameTheDatabaseDoesNotKnowIsTakenBack(_ isHalfDone: Bool) async throws {
        try await PoolFixture.with { pool in
            let (old, new) = (try Volume.container("c1"), try Volume.container("c2"))
            try await pool.driver.create(old, from: .empty)
            try await pool.driver.snapshot(old, as: "s0", isRunning: false)
            try await pool.driver.rename(old, to: "c2")
            if isHalfDone { _ = rename(pool.pool + "/containers/c2", pool.pool + "/containers/c1") }
            let driver = try pool.restarted()
            try await driver.mount(config: [:])
            let report = try await driver.recover(known: [old, try old.withSnapshot("s0")])
            #expect(report.renamedBack == [old])
            #expect(report.missing.isEmpty && report.unknown.isEmpty)
            #expect(await !driver.exists(new))
            #expect(await driver.exists(try old.withSnapshot("s0")))
        }
    }

    @Test func nothingIsRemovedWhenARecordCannotBeRead() async throws {
        try await PoolFixture.with { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            try await pool.write("1", to: "a", of: volume)
            try AtomicFile.write("{ damaged", to: pool.pool + "/containers/c1/volume.json")
            let driver = try pool.restarted()
            let report = try await driver.recover(known: [volume])
            await driver.settle()
            #expect(report.unreadable.count == 1)
            #expect(report.collectedLayers == 0)
            #expect(try ConfinedDirectory(path: pool.pool + "/layers").list().count == 1)
        }
    }

    @Test func volumesNobodyKnowsAreReportedAndLeftAlone() async throws {
        try await PoolFixture.with { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            let driver = try pool.restarted()
            try await driver.mount(config: [:])
            let report = try await driver.recover(known: [])
            #expect(report.unknown == [volume])
            #expect(await driver.exists(volume))
        }
    }
}
