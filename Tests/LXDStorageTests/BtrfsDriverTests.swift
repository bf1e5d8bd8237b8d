import Foundation
import LXDAPI
import LXDLinux
import LXDRuntimePlan
import LXDStorage
import SystemPackage
import Testing

@Suite(.enabled(if: PoolFixture.hasBtrfs, "needs root, btrfs-progs and loop devices"), .serialized)
struct BtrfsDriverTests {
    @Test(arguments: PoolDriverSuite.cases)
    func behavesAsAPool(_ testCase: PoolDriverSuite.Case) async throws {
        try await PoolFixture.with(.btrfs) { try await testCase.run($0) }
    }

    @Test func thePoolIsUnmountedAndItsFileRemovedWithIt() async throws {
        try await PoolFixture.with(.btrfs) { pool in
            try await pool.driver.create(try .container("c1"), from: .empty)
            try await pool.driver.snapshot(try .container("c1"), as: "s0", isRunning: false)
            try await pool.driver.deletePool()
            #expect(!FileManager.default.fileExists(atPath: pool.folder + "/disks/default.img"))
            #expect(!FileManager.default.fileExists(atPath: pool.pool))
        }
    }

    @Test func subvolumesInsideGoAlongWithSnapshotsAndRestores() async throws {
        try await PoolFixture.with(.btrfs) { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            let root = pool.driver.mountPath(volume) + "/rootfs"
            for path in ["/a", "/a/b"] {
                _ = try await ProcessRunner.runChecked("btrfs", ["subvolume", "create", root + path])
            }
            try await pool.write("1", to: "a/b/file", of: volume)
            _ = try await ProcessRunner.runChecked("btrfs", ["property", "set", root + "/a/b", "ro", "true"])
            try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
            _ = try await ProcessRunner.runChecked("btrfs", ["property", "set", root + "/a/b", "ro", "false"])
            try await pool.write("2", to: "a/b/file", of: volume)
            try await pool.driver.restore(volume, from: "s0")
            #expect(try String(contentsOfFile: root + "/a/b/file", encoding: .utf8) == "1")
            #expect(throws: (any Error).self) { try Data("x".utf8).write(to: URL(fileURLWithPath: root + "/a/b/new")) }
            try await pool.driver.delete(try volume.withSnapshot("s0"))
            try await pool.driver.delete(volume)
            #expect(try await pool.layerCount() == 0)
        }
    }

    @Test func aLimitHoldsAndUsageIsKnown() async throws {
        try await PoolFixture.with(.btrfs) { pool in
            let volume = try Volume.custom("default_v1")
            try await pool.driver.create(volume, from: .empty)
            try await pool.driver.setSize(20 << 20, of: volume)
            let place = pool.driver.mountPath(volume)
            let result = try await ProcessRunner.run(
                "dd", ["if=/dev/zero", "of=" + place + "/large", "bs=1M", "count=60", "conv=fsync"])
            #expect(!result.exit.isSuccess)
            let usage = try #require(try await pool.driver.usage(of: volume))
            #expect(usage > 1 << 20 && usage < 30 << 20)
            try await pool.driver.setSize(nil, of: volume)
        }
    }

    @Test func whatWasHalfMadeIsRemovedAtTheNextStart() async throws {
        try await PoolFixture.with(.btrfs) { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
            for folder in ["staging", "trash"] {
                _ = try await ProcessRunner.runChecked(
                    "btrfs", ["subvolume", "create", pool.pool + "/" + folder + "/left"])
            }
            let again = try pool.restarted()
            let known: Set<Volume> = [volume, try volume.withSnapshot("s0")]
            let report = try await again.recover(known: known)
            #expect(report.unknown.isEmpty && report.missing.isEmpty)
            #expect(try await pool.layerCount() == 0)
        }
    }

    @Test("volumes travel as streams, as trees over rsync, and to pools of the other kind")
    func transfers() async throws {
        let stream = TransferMethod.btrfs(features: ["migration_header", "header_subvolumes", "header_subvolume_uuids"])
        let rsync = TransferMethod.rsync(features: ["xattrs", "delete", "bidirectional"])
        let cases: [(PoolFixture.Kind, PoolFixture.Kind, TransferMethod)] = [
            (.btrfs, .btrfs, stream), (.btrfs, .btrfs, rsync), (.btrfs, .dir, rsync), (.dir, .btrfs, rsync),
        ]
        for (from, to, method) in cases {
            try await PoolFixture.with(from) { one in
                try await PoolFixture.with(to) { other in
                    let volume = try Volume.container("c1")
                    try await one.image(fingerprint(1), ["etc/a": "0", "gone": "x"])
                    try await one.driver.create(volume, from: .image(fingerprint(1)))
                    try await one.driver.snapshot(volume, as: "s0", isRunning: false)
                    try await one.write("1", to: "etc/a", of: volume)
                    try await one.whiteOut("gone", of: volume)
                    try await transfer(
                        .init(volume: volume, snapshots: ["s0"], method: method), from: one.driver, to: other.driver,
                        .init(volume: volume, snapshots: ["s0"], method: method))
                    #expect(try await other.files(of: volume) == ["etc/a": "1"])
                    #expect(try await other.files(of: volume.withSnapshot("s0")) == ["etc/a": "0", "gone": "x"])
                    let beside = try ConfinedDirectory(path: other.driver.mountPath(volume))
                    #expect(beside.exists("metadata.yaml") && beside.exists("templates/hostname.tpl"))

                    try await one.driver.snapshot(volume, as: "s1", isRunning: false)
                    try await one.write("2", to: "etc/a", of: volume)
                    try await transfer(
                        .init(volume: volume, snapshots: ["s1"], method: method, isRefresh: true), from: one.driver,
                        to: other.driver,
                        .init(volume: volume, snapshots: ["s1"], method: method, isRefresh: true))
                    #expect(try await other.files(of: volume) == ["etc/a": "2"])
                    #expect(try await other.files(of: volume.withSnapshot("s1")) == ["etc/a": "1"])
                }
            }
        }
    }
}
