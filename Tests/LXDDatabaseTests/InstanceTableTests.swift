import GRDB
import LXDAPI
import Testing

@testable import LXDDatabase

@Suite struct InstanceTableTests {
    private func sample(_ name: String) -> InstanceRow {
        var row = InstanceRow(project: "default", name: name, createdAt: LXDTime(seconds: 1_600_000_000, nanoseconds: 7))
        row.architecture = 2
        row.ephemeral = true
        row.description = "a description"
        row.config = ["limits.memory": "1GiB", "user.empty": ""]
        row.devices = ["root": ["type": "disk", "path": "/", "pool": "p"], "bare": [:]]
        row.profiles = ["second", "default"]
        return row
    }

    @Test func anInstanceComesBackAsWritten() async throws {
        try await withStore { store in
            let row = sample("c1")
            let id = try await store.write { tx in
                try tx.insertProfile(ProfileRow(project: "default", name: "second"))
                return try tx.insertInstance(row)
            }
            var expected = row
            expected.id = id
            expected.config["user.empty"] = nil
            #expect(try await store.read { try $0.instance(project: "default", name: "c1") } == expected)
            #expect(try await store.read { try $0.instances() } == [expected])
            #expect(try await store.read { try $0.instances(project: "other") } == [])
        }
    }

    @Test func deletingAnInstanceTakesItsRowsWithIt() async throws {
        try await withStore { store in
            try await store.write { tx in
                try tx.insertProfile(ProfileRow(project: "default", name: "second"))
                let id = try tx.insertInstance(sample("c1"))
                var snapshot = SnapshotRow(instanceID: id, name: "s", createdAt: .now())
                snapshot.config = ["a": "b"]
                try tx.insertSnapshot(snapshot)
                try tx.deleteInstance(id: id)
            }
            for table in [
                "instances_config", "instances_devices", "instances_devices_config", "instances_profiles",
                "instances_snapshots", "instances_snapshots_config",
            ] {
                let count = try await store.read { try Int.fetchOne($0.database, sql: "SELECT count(*) FROM \(table)") }
                #expect(count == 0, "\(table)")
            }
        }
    }

    @Test func anInstanceInAProjectWithoutProfilesUsesTheDefaultProjects() async throws {
        try await withStore { store in
            try await store.write { tx in
                try tx.insertProject(ProjectRow(name: "p", config: ["features.profiles": "false"]))
                var row = InstanceRow(project: "p", name: "c1", createdAt: .now())
                row.profiles = ["default"]
                try tx.insertInstance(row)
            }
            let uses = try await store.read { try $0.profileUses() }
            #expect(uses[1] == [ProfileUse(project: "p", instance: "c1")])
        }
    }

    @Test func mergingTouchesOnlyTheNamedKeys() async throws {
        try await withStore { store in
            let id = try await store.write { tx in
                var row = InstanceRow(project: "default", name: "c1", createdAt: .now())
                row.config = ["a": "1", "b": "2", "c": "3"]
                let id = try tx.insertInstance(row)
                try tx.mergeInstanceConfig(id: id, ["a": "x", "b": nil, "d": "4"])
                return id
            }
            let config = try await store.read { try $0.instance(id: id)?.config }
            #expect(config == ["a": "x", "c": "3", "d": "4"])
        }
    }

    @Test func unfinishedRowsAreFound() async throws {
        try await withStore { store in
            try await store.write { tx in
                var row = InstanceRow(project: "default", name: "half", createdAt: .now())
                row.phase = .creating
                try tx.insertInstance(row)
                try tx.insertInstance(InstanceRow(project: "default", name: "whole", createdAt: .now()))
            }
            #expect(try await store.read { try $0.unfinishedInstances().map(\.name) } == ["half"])
        }
    }

    @Test func snapshotsExpireInTime() async throws {
        try await withStore { store in
            let id = try await store.write { tx in
                let id = try tx.insertInstance(InstanceRow(project: "default", name: "c1", createdAt: .now()))
                for (name, expiry) in [("old", 10), ("new", 30)] {
                    var row = SnapshotRow(instanceID: id, name: name, createdAt: LXDTime(seconds: 1))
                    row.expiresAt = LXDTime(seconds: Int64(expiry))
                    try tx.insertSnapshot(row)
                }
                try tx.insertSnapshot(SnapshotRow(instanceID: id, name: "forever", createdAt: LXDTime(seconds: 2)))
                return id
            }
            #expect(try await store.read { try $0.expiredSnapshots(at: LXDTime(seconds: 20)).map(\.name) } == ["old"])
            #expect(try await store.read { try $0.snapshots(instanceID: id).map(\.name) } == ["old", "new", "forever"])
        }
    }

    @Test func listingAThousandTakesFiveQueries() async throws {
        try await withStore { store in
            try await store.write { tx in
                for number in 0..<1000 {
                    var row = InstanceRow(project: "default", name: "c\(number)", createdAt: .now())
                    row.config = ["volatile.uuid": "u\(number)", "limits.cpu": "2"]
                    row.devices = ["eth0": ["type": "nic"]]
                    row.profiles = ["default"]
                    try tx.insertInstance(row)
                }
            }
            let statements = try await store.read { tx in
                let counter = StatementCounter()
                tx.database.trace { _ in counter.count += 1 }
                defer { tx.database.trace(options: []) }
                let listed = try tx.instances().count
                #expect(listed == 1000)
                return counter.count
            }
            #expect(statements <= 5)
        }
    }
}

private final class StatementCounter {
    var count = 0
}
