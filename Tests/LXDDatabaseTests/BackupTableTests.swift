import LXDAPI
import Testing

@testable import LXDDatabase

@Suite struct BackupTableTests {
    @Test func aBackupComesBackAsWritten() async throws {
        try await withStore { store in
            var row = BackupRow(instanceID: 0, name: "b0", createdAt: LXDTime(seconds: 5))
            row.expiresAt = LXDTime(seconds: 50)
            row.instanceOnly = true
            let template = row
            let written = try await store.write { tx in
                var row = template
                row.instanceID = try tx.insertInstance(InstanceRow(project: "default", name: "c1", createdAt: .now()))
                row.id = try tx.insertBackup(row)
                return row
            }
            #expect(try await store.read { try $0.backup(instanceID: written.instanceID, name: "b0") } == written)
            #expect(try await store.read { try $0.expiredBackups(at: LXDTime(seconds: 50)) } == [written])
        }
    }
}
