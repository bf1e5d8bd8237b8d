import LXDAPI
import Testing

@testable import LXDDatabase

@Suite struct BackupTableTests {
    @Test(arguments: [BackupOwner.instance, .volume])
    func aBackupComesBackAsWritten(_ owner: BackupOwner) async throws {
        try await withStore { store in
            var row = BackupRow(of: owner, 0, name: "b0", createdAt: LXDTime(seconds: 5))
            row.expiresAt = LXDTime(seconds: 50)
            row.isBare = true
            row.phase = .creating
            let template = row
            let written = try await store.write { tx in
                var row = template
                row.ownerID = try tx.insertOwner(owner, "c1")
                row.id = try tx.insertBackup(row)
                return row
            }
            #expect(try await store.read { try $0.backup(of: owner, written.ownerID, name: "b0") } == written)
            #expect(try await store.read { try $0.expiredBackups(owner, at: LXDTime(seconds: 50)) } == [written])
            #expect(try await store.read { try $0.expiredBackups(owner, at: LXDTime(seconds: 49)) } == [])
            #expect(try await store.read { try $0.unfinishedBackups(owner) } == [written])
            try await store.write { tx in
                try tx.setPhase(of: written, .ready)
                try tx.rename(written, to: "b1")
            }
            let all = try await store.read { try $0.backups(of: owner, written.ownerID) }
            #expect(all.map(\.name) == ["b1"] && all.map(\.phase) == [.ready])
            try await store.write { try $0.delete(written) }
            #expect(try await store.read { try $0.backups(of: owner, written.ownerID) } == [])
        }
    }

    /// Both tables count from one.
    @Test func backupsOfInstancesAndVolumesAreKeptApart() async throws {
        try await withStore { store in
            let (instance, volume) = try await store.write { tx in
                let (instance, volume) = (try tx.insertOwner(.instance, "c1"), try tx.insertOwner(.volume, "v1"))
                let row = BackupRow(of: .instance, instance, name: "b0", createdAt: .now())
                try tx.insertBackup(row)
                return (instance, volume)
            }
            #expect(try await store.read { try $0.backups(of: .volume, volume) } == [])
            #expect(try await store.read { try $0.backups(of: .instance, instance).count } == 1)
            #expect(try await store.read { try $0.instanceBackups(project: "default").count } == 1)
            #expect(try await store.read { try $0.instanceBackups(project: "other") } == [])
        }
    }
}

extension Transaction {
    fileprivate func insertOwner(_ owner: BackupOwner, _ name: String) throws -> Int64 {
        if owner == .instance { return try insertInstance(InstanceRow(project: "default", name: name, createdAt: .now())) }
        if try storagePool("pool") == nil { try insertStoragePool(PoolRow(name: "pool", driver: "dir")) }
        return try insertStorageVolume(VolumeRow(pool: "pool", project: "default", name: name, kind: .custom))
    }
}
