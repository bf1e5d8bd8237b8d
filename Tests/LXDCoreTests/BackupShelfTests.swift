import Foundation
import LXDAPI
import LXDDatabase
import Synchronization
import Testing

@testable import LXDCore

/// What becomes of backups' rows and files, of volumes as of instances: both are kept by the same shelf.
@Suite struct BackupShelfTests {
    private let key = VolumeKey(pool: "p", project: "default", kind: .custom, name: "v1")

    private func withShelf(
        _ body: (BackupShelf<VolumeKey>, World, _ told: @escaping @Sendable () -> [String]) async throws -> Void
    ) async throws {
        let log = Log()
        try await World.with { world in
            try await world.store.write { tx in
                _ = try tx.insertStorageVolume(VolumeRow(pool: "p", project: "default", name: "v1", kind: .custom))
            }
            let shelf = BackupShelf<VolumeKey>(
                store: world.store, paths: world.environment.paths,
                announce: Announcer { _, event in log.events.withLock { $0.append(event.action) } }, logger: world.environment.logger
            ) { "none" }
            try await body(shelf, world) { log.events.withLock { $0 } }
        }
    }

    private final class Log: Sendable { let events = Mutex<[String]>([]) }

    private func request(_ name: String, _ compression: String = "") -> BackupRequest {
        BackupRequest(name: name, expiresAt: LXDTime(), isBare: false, compressionAlgorithm: compression)
    }

    private func make(_ shelf: BackupShelf<VolumeKey>, _ name: String, expiresAt: LXDTime = LXDTime()) async throws {
        var wanted = request(name)
        wanted.expiresAt = expiresAt
        try await shelf.create(key, wanted, by: nil) { _ in "content" } write: { content, path, _ in
            try Data(content.utf8).write(to: URL(fileURLWithPath: path))
        }
    }

    private func files(_ shelf: BackupShelf<VolumeKey>) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: key.backupFolder(shelf.paths))) ?? []).sorted()
    }

    @Test func aBackupIsMadeRenamedHandedOutAndDeleted() async throws {
        try await withShelf { shelf, _, told in
            #expect(try await shelf.planName(key, "") == "backup0")
            try await make(shelf, "backup0")
            #expect(try await shelf.planName(key, "") == "backup1")
            try await shelf.rename(key, "backup0", to: "b", by: nil)
            #expect(files(shelf) == ["b"])
            let file = try await shelf.file(key, "b", by: nil)
            #expect(file.length == 7 && file.path.hasSuffix("/p/default_v1/b"))
            #expect(try await shelf.list(key).map(\.name) == ["b"])
            try await shelf.delete(key, "b", by: nil)
            #expect(files(shelf) == [])
            await #expect(throws: LXDError.self) { try await shelf.find(key, "b") }
            #expect(
                told() == [
                    "storage-volume-backup-created", "storage-volume-backup-renamed", "storage-volume-backup-retrieved",
                    "storage-volume-backup-deleted",
                ])
        }
    }

    @Test func aFailureLeavesNeitherRowNorFile() async throws {
        try await withShelf { shelf, _, told in
            await #expect(throws: LXDError.self) {
                try await shelf.create(key, request("b"), by: nil) { _ in } write: { _, path, _ in
                    try Data("half".utf8).write(to: URL(fileURLWithPath: path))
                    throw LXDError.internalError("no space")
                }
            }
            #expect(files(shelf) == [] && told() == [])
            try await make(shelf, "b")
        }
    }

    @Test func namesAreNamesAndTakenOnce() async throws {
        try await withShelf { shelf, _, _ in
            for name in ["../x", "a/b", "..", "."] {
                await #expect(throws: LXDError.self, "\(name)") { try await shelf.planName(key, name) }
            }
            try await make(shelf, "b")
            try await make(shelf, "c")
            await #expect(throws: LXDError.self) { try await make(shelf, "b") }
            await #expect(throws: LXDError.self) { try await shelf.rename(key, "c", to: "b", by: nil) }
            await #expect(throws: LXDError.self) { try await shelf.rename(key, "c", to: "../c", by: nil) }
            #expect(files(shelf) == ["b", "c"])
            await #expect(throws: LXDError.self) {
                try await shelf.create(key, request("d", "bash -c id"), by: nil) { _ in } write: { _, _, _ in }
            }
            #expect(try await shelf.list(key).map(\.name) == ["b", "c"])
        }
    }

    @Test func whatIsOverOrWasNeverFinishedGoes() async throws {
        try await withShelf { shelf, world, _ in
            try await make(shelf, "kept", expiresAt: .now() + .seconds(3600))
            try await make(shelf, "over", expiresAt: LXDTime(seconds: 1))
            try await make(shelf, "half")
            try await world.store.write { tx in
                let half = try #require(try tx.backup(of: .volume, 1, name: "half"))
                try tx.setPhase(of: half, .creating)
            }
            let all: @Sendable (Transaction) throws -> [Int64: VolumeKey] = { [key] _ in [1: key] }
            // While the daemon runs, another task may be making it.
            await shelf.deleteExpired(unfinished: false, subjects: all)
            #expect(files(shelf) == ["half", "kept"])
            await shelf.deleteExpired(unfinished: true, subjects: all)
            #expect(files(shelf) == ["kept"])
            #expect(try await shelf.list(key).map(\.name) == ["kept"])
        }
    }

    @Test func aVolumeThatIsNoCustomOneHasNoBackups() async throws {
        try await withShelf { shelf, _, _ in
            let image = VolumeKey(pool: "p", project: "default", kind: .image, name: "v1")
            await #expect(throws: LXDError.self) { try await shelf.list(image) }
            await #expect(throws: LXDError.self) { try await shelf.planName(image, "") }
        }
    }

    @Test func uploadsThatNobodyTookUpAreRemoved() async throws {
        try await World.with { world in
            let paths = world.environment.paths
            try FileManager.default.createDirectory(atPath: paths.instanceBackups, withIntermediateDirectories: true)
            let uploads = BackupUploads(paths, logger: world.environment.logger)
            let chunks = Mutex<[[UInt8]]>([[1, 2], [3]])
            let path = try await uploads.receive { chunks.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
            #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 3]))
            await #expect(throws: LXDError.self) { _ = try await uploads.receive { throw LXDError.badRequest("cut") } }
            func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: paths.backups) }
            #expect(try names().filter { $0.hasPrefix("lxd_") }.count == 1)
            uploads.discardAll()
            #expect(try names() == ["instances"] || !names().contains { $0.hasPrefix("lxd_") })
        }
    }
}
