import Foundation
import LXDAPI
import LXDLinux
import LXDRuntimePlan
import LXDStorage
import Testing

let isRoot = geteuid() == 0

@Suite(.enabled(if: isRoot, "pools keep files of all owners: needs root"))
struct DirDriverTests {
    @Test(arguments: PoolDriverSuite.cases)
    func behavesAsAPool(_ testCase: PoolDriverSuite.Case) async throws {
        try await PoolFixture.with { try await testCase.run($0) }
    }

    @Test func snapshotsAndCopiesShareLayersInsteadOfCopyingThem() async throws {
        try await PoolFixture.with { pool in
            try await pool.image(fingerprint(1), ["a": "1"])
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .image(fingerprint(1)))
            // Nothing written: a snapshot needs no layer, a copy only its own.
            try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
            #expect(try await pool.layerCount() == 2)
            try await pool.driver.create(try Volume.container("c2"), from: .volume(volume, isRunning: false))
            #expect(try await pool.layerCount() == 3)
            try await pool.write("2", to: "a", of: volume)
            try await pool.driver.snapshot(volume, as: "s1", isRunning: false)
            #expect(try await pool.layerCount() == 4)
        }
    }

    @Test func aNewLayerShowsTheSameRootDirectory() async throws {
        try await PoolFixture.with { pool in
            try await pool.driver.ensureImage(fingerprint(1)) { target in
                let root = try ConfinedDirectory(borrowing: target.root)
                try root.setPermissions("", 0o751)
                try root.setAttribute("user.note", of: "", to: [1, 2])
                try root.write([1], to: "a")
            }
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .image(fingerprint(1)))
            let own = try await pool.ownLayer(of: volume)
            #expect(try own.status("").permissions == 0o751)
            #expect(try own.attribute("user.note", of: "") == [1, 2])
        }
    }

    @Test func aDeepChainOfSnapshotsStaysMountable() async throws {
        try await PoolFixture.with { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            for number in 0..<60 {
                try await pool.write("\(number)", to: "a", of: volume)
                try await pool.driver.snapshot(volume, as: "s\(number)", isRunning: false)
            }
            guard case .overlay(let lower, _, _) = try await pool.driver.rootFilesystem(of: volume) else { return }
            #expect(lower.count <= 64)
            #expect(try await pool.files(of: volume) == ["a": "59"])
            #expect(try await pool.files(of: try volume.withSnapshot("s7")) == ["a": "7"])
            #expect(try await pool.files(of: try volume.withSnapshot("s55")) == ["a": "55"])
        }
    }

    @Test func modesAreThoseOfLXDOrNarrower() async throws {
        try await PoolFixture.with { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            try await pool.driver.create(try Volume.custom("default_v1"), from: .empty)
            #expect(try FileStatus.of(path: pool.pool + "/containers").permissions == 0o711)
            #expect(try FileStatus.of(path: pool.pool + "/containers/c1").permissions == 0o100)
            for name in ["custom-snapshots", "images", "layers", "containers-snapshots", "staging", "trash"] {
                #expect(try FileStatus.of(path: pool.pool + "/" + name).permissions == 0o700, "\(name)")
            }
            // Modes that somebody widened are put right by the next start.
            _ = chmod(pool.pool + "/layers", 0o777)
            _ = chmod(pool.pool + "/custom", 0o777)
            try await pool.restarted().mount(config: [:])
            #expect(try FileStatus.of(path: pool.pool + "/layers").permissions == 0o700)
            #expect(try FileStatus.of(path: pool.pool + "/custom").permissions == 0o700)
        }
    }

    @Test func symlinksLeadToVolumesAndSnapshots() async throws {
        try await PoolFixture.with { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: pool.folder + "/containers/c1") == pool.pool + "/containers/c1")
            #expect(!FileManager.default.fileExists(atPath: pool.folder + "/snapshots/c1"))
            try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
            #expect(FileManager.default.fileExists(atPath: pool.folder + "/snapshots/c1/s0/rootfs"))
            try await pool.driver.delete(try volume.withSnapshot("s0"))
            try await pool.driver.delete(volume)
            #expect(try ConfinedDirectory(path: pool.folder + "/containers").list().isEmpty)
            #expect(try ConfinedDirectory(path: pool.folder + "/snapshots").list().isEmpty)
        }
    }

    @Test(arguments: ["../x", "a/b", ".", "..", "", ".hidden", "a\0b", "a\nb", String(repeating: "x", count: 256)])
    func namesThatCouldLeaveTheirFolderAreNoVolumes(_ name: String) {
        #expect(throws: LXDError.self) { try Volume.container(name) }
        #expect(throws: LXDError.self) { try Volume.container("c1", snapshot: name) }
    }

    @Test func anExternalSourceHasToBeEmptyAndOutside() async throws {
        try await PoolFixture.with { pool in
            for (source, text) in [
                ("/nonexistent", "doesn't exist"), (pool.folder + "/containers", "is within the LXD directory"), ("/etc", "isn't empty"),
            ] {
                let error = await #expect(throws: LXDError.self) { _ = try await pool.driver.createPool(config: ["source": source]) }
                #expect(error?.message.contains(text) == true)
            }
        }
    }
}
