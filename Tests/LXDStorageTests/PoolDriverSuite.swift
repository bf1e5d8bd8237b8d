import LXDAPI
import LXDLinux
import LXDStorage
import Testing

private struct Broken: Error {}

/// What every driver has to do, whatever it is made of.
enum PoolDriverSuite {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let run: @Sendable (PoolFixture) async throws -> Void
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "an instance starts with its image") { pool in
            try await pool.image(fingerprint(1), ["etc/os-release": "debian", "root/.profile": "x"])
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .image(fingerprint(1)))
            #expect(try await pool.files(of: volume) == ["etc/os-release": "debian", "root/.profile": "x"])
            let beside = try ConfinedDirectory(path: pool.driver.mountPath(volume))
            #expect(beside.exists("metadata.yaml") && beside.exists("templates/hostname.tpl") && beside.exists("rootfs"))
        },
        Case(name: "the image is filled once") { pool in
            try await pool.image(fingerprint(1), ["a": "1"])
            try await pool.driver.ensureImage(fingerprint(1)) { _ in Issue.record("filled twice") }
        },
        Case(name: "an image that cannot be filled leaves nothing") { pool in
            await #expect(throws: (any Error).self) { try await pool.driver.ensureImage(fingerprint(1)) { _ in throw Broken() } }
            #expect(await !pool.driver.hasImage(fingerprint(1)))
            let left = try await pool.layerCount()
            #expect(left == 0)
        },
        Case(name: "what one instance writes no other sees") { pool in
            try await pool.image(fingerprint(1), ["a": "1"])
            let (first, second) = (try Volume.container("c1"), try Volume.container("c2"))
            try await pool.driver.create(first, from: .image(fingerprint(1)))
            try await pool.driver.create(second, from: .image(fingerprint(1)))
            try await pool.write("mine", to: "a", of: first)
            #expect(try await pool.files(of: first) == ["a": "mine"])
            #expect(try await pool.files(of: second) == ["a": "1"])
        },
        Case(name: "a name that is taken is a conflict") { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            let error = await #expect(throws: LXDError.self) { try await pool.driver.create(volume, from: .empty) }
            #expect(error?.code == .conflict)
        },
        Case(name: "a snapshot keeps what was, the volume goes on") { pool in
            try await pool.image(fingerprint(1), ["a": "1", "b": "1"])
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .image(fingerprint(1)))
            try await pool.write("2", to: "a", of: volume)
            try await pool.whiteOut("b", of: volume)
            try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
            try await pool.write("3", to: "a", of: volume)
            #expect(try await pool.files(of: try volume.withSnapshot("s0")) == ["a": "2"])
            #expect(try await pool.files(of: volume) == ["a": "3"])
            #expect(try await pool.driver.snapshots(of: volume) == [try volume.withSnapshot("s0")])
        },
        Case(name: "a snapshot of a running instance keeps what was") { pool in
            try await pool.image(fingerprint(1), ["a": "1", "b": "1"])
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .image(fingerprint(1)))
            try await pool.write("2", to: "a", of: volume)
            try await pool.whiteOut("b", of: volume)
            let before = try await pool.driver.rootFilesystem(of: volume)
            try await pool.driver.snapshot(volume, as: "s0", isRunning: true)
            #expect(try await pool.driver.rootFilesystem(of: volume) == before, "a mounted volume's layers stay")
            try await pool.write("3", to: "a", of: volume)
            #expect(try await pool.files(of: try volume.withSnapshot("s0")) == ["a": "2"])
        },
        Case(name: "restore brings a snapshot back, also twice") { pool in
            try await pool.image(fingerprint(1), ["a": "1"])
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .image(fingerprint(1)))
            try await pool.write("2", to: "a", of: volume)
            try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
            for text in ["3", "4"] {
                try await pool.write(text, to: "a", of: volume)
                try await pool.driver.restore(volume, from: "s0")
                #expect(try await pool.files(of: volume) == ["a": "2"])
            }
            #expect(try await pool.files(of: try volume.withSnapshot("s0")) == ["a": "2"])
        },
        Case(name: "restoring a missing snapshot is refused") { pool in
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .empty)
            let error = await #expect(throws: LXDError.self) { try await pool.driver.restore(volume, from: "none") }
            #expect(error?.code == .notFound)
        },
        Case(name: "a copy goes its own way") { pool in
            try await pool.image(fingerprint(1), ["a": "1"])
            let (first, second) = (try Volume.container("c1"), try Volume.container("c2"))
            try await pool.driver.create(first, from: .image(fingerprint(1)))
            try await pool.write("2", to: "a", of: first)
            try await pool.driver.create(second, from: .volume(first, isRunning: false))
            try await pool.write("3", to: "a", of: first)
            try await pool.write("4", to: "b", of: second)
            #expect(try await pool.files(of: first) == ["a": "3"])
            #expect(try await pool.files(of: second) == ["a": "2", "b": "4"])
            try await pool.driver.delete(first)
            #expect(try await pool.files(of: second) == ["a": "2", "b": "4"], "deleting the source leaves the copy whole")
        },
        Case(name: "a copy of a running instance") { pool in
            try await pool.image(fingerprint(1), ["a": "1"])
            let (first, second) = (try Volume.container("c1"), try Volume.container("c2"))
            try await pool.driver.create(first, from: .image(fingerprint(1)))
            try await pool.write("2", to: "a", of: first)
            try await pool.driver.create(second, from: .volume(first, isRunning: true))
            #expect(try await pool.files(of: second) == ["a": "2"])
        },
        Case(name: "snapshots are copied with a volume") { pool in
            let (first, second) = (try Volume.container("c1"), try Volume.container("c2"))
            try await pool.driver.create(first, from: .empty)
            try await pool.write("1", to: "a", of: first)
            try await pool.driver.snapshot(first, as: "s0", isRunning: false)
            try await pool.write("2", to: "a", of: first)
            try await pool.driver.create(second, from: .volume(first, isRunning: false))
            try await pool.driver.create(
                try second.withSnapshot("s0"), from: .volume(try first.withSnapshot("s0"), isRunning: false))
            #expect(try await pool.files(of: try second.withSnapshot("s0")) == ["a": "1"])
            #expect(try await pool.files(of: second) == ["a": "2"])
        },
        Case(name: "a volume with snapshots is not deleted; afterwards nothing is left") { pool in
            try await pool.image(fingerprint(1), ["a": "1"])
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .image(fingerprint(1)))
            try await pool.write("2", to: "a", of: volume)
            try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
            await #expect(throws: LXDError.self) { try await pool.driver.delete(volume) }
            try await pool.driver.delete(try volume.withSnapshot("s0"))
            try await pool.driver.delete(volume)
            try await pool.driver.delete(volume)
            #expect(await !pool.driver.exists(volume))
            try await pool.driver.deleteImage(fingerprint(1))
            #expect(try await pool.layerCount() == 0)
        },
        Case(name: "instances outlive their image") { pool in
            try await pool.image(fingerprint(1), ["a": "1"])
            let volume = try Volume.container("c1")
            try await pool.driver.create(volume, from: .image(fingerprint(1)))
            try await pool.driver.deleteImage(fingerprint(1))
            #expect(try await pool.files(of: volume) == ["a": "1"])
        },
        Case(name: "a renamed volume keeps its snapshots") { pool in
            let (old, new) = (try Volume.container("c1"), try Volume.container("c2"))
            try await pool.driver.create(old, from: .empty)
            try await pool.write("1", to: "a", of: old)
            try await pool.driver.snapshot(old, as: "s0", isRunning: false)
            try await pool.driver.rename(old, to: "c2")
            #expect(await !pool.driver.exists(old))
            #expect(try await pool.files(of: new) == ["a": "1"])
            try await pool.driver.renameSnapshot(try new.withSnapshot("s0"), to: "s1")
            #expect(try await pool.driver.snapshots(of: new) == [try new.withSnapshot("s1")])
        },
        Case(name: "custom volumes are made, written, snapshotted, restored, copied and renamed") { pool in
            let (first, second) = (try Volume.custom("default_v1"), try Volume.custom("default_v2"))
            try await pool.driver.create(first, from: .empty)
            try await pool.write("1", to: "d/a", of: first)
            try await pool.driver.snapshot(first, as: "s0", isRunning: false)
            try await pool.write("2", to: "d/a", of: first)
            try await pool.driver.create(second, from: .volume(first, isRunning: false))
            #expect(try await pool.files(of: second) == ["d/a": "2"])
            try await pool.driver.restore(first, from: "s0")
            #expect(try await pool.files(of: first) == ["d/a": "1"])
            try await pool.driver.rename(first, to: "default_v3")
            #expect(try await pool.driver.volumes(.custom).map(\.name) == ["default_v2", "default_v3"])
            let renamed = try Volume.custom("default_v3")
            try await pool.driver.delete(try renamed.withSnapshot("s0"))
            try await pool.driver.delete(renamed)
            #expect(try await pool.driver.volumes(.custom).map(\.name) == ["default_v2"])
        },
        Case(name: "a volume that could not be filled leaves nothing") { pool in
            let volume = try Volume.container("c1")
            await #expect(throws: (any Error).self) {
                try await pool.driver.create(volume, from: .fill { target in
                    try ConfinedDirectory(borrowing: target.root).write([1], to: "half")
                    throw Broken()
                })
            }
            #expect(await !pool.driver.exists(volume))
            #expect(try await pool.layerCount() == 0)
        },
    ]
}
