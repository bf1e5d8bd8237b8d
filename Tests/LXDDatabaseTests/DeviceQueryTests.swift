import GRDB
import LXDAPI
import Testing

@testable import LXDDatabase

@Suite struct DeviceQueryTests {
    private func fill(_ store: Store) async throws -> (web: Int64, db: Int64) {
        try await store.write { tx in
            try tx.insertProfile(
                ProfileRow(
                    project: "default", name: "net",
                    devices: ["eth0": ["type": "nic", "network": "br0", "ipv4.address": "10.0.0.9"]]))
            var web = InstanceRow(project: "default", name: "Web", createdAt: .now())
            web.profiles = ["default", "net"]
            web.config = ["volatile.eth0.hwaddr": "00:16:3e:00:00:01", "limits.cpu": "2"]
            var db = InstanceRow(project: "default", name: "db", createdAt: .now())
            db.devices = ["eth0": ["type": "nic", "hwaddr": "00:16:3E:00:00:02"]]
            db.config = ["user.note": "00:16:3e:00:00:01"]
            return (try tx.insertInstance(web), try tx.insertInstance(db))
        }
    }

    @Test func ownersComeWithTheirDevicesAndProfilesInOrder() async throws {
        try await withStore { store in
            _ = try await fill(store)
            let owners = try await store.read { try $0.deviceOwners() }
            #expect(owners.map(\.name) == ["Web", "db"])
            #expect(owners.first?.profiles == ["default", "net"])
            #expect(owners.last?.devices == ["eth0": ["type": "nic", "hwaddr": "00:16:3E:00:00:02"]])
        }
    }

    @Test func settingsOfProfilesAreThoseOfTheirInstances() async throws {
        try await withStore { store in
            let (web, db) = try await fill(store)
            let settings = try await store.read { try $0.deviceSettings(keys: ["hwaddr", "ipv4.address"]) }
            #expect(
                Set(settings) == [
                    DeviceSetting(instanceID: web, key: "ipv4.address", value: "10.0.0.9"),
                    DeviceSetting(instanceID: db, key: "hwaddr", value: "00:16:3E:00:00:02"),
                ])
        }
    }

    @Test func onlyNotedAddressesCountAndAnIndexFindsThem() async throws {
        try await withStore { store in
            let (web, _) = try await fill(store)
            let (found, plan) = try await store.read { tx in
                let rows = try Row.fetchAll(
                    tx.database,
                    sql: """
                        EXPLAIN QUERY PLAN SELECT instance_id FROM instances_config
                        WHERE key GLOB 'volatile.*.hwaddr' AND value IN ('a', 'b')
                        """)
                return (try tx.instanceIDs(notedHardwareAddress: "00:16:3E:00:00:01"), rows.map { $0["detail"] as String })
            }
            #expect(found == [web])
            #expect(plan.contains { $0.contains("instances_config_hwaddr_idx") })
        }
    }

    @Test func namesAreFoundWhateverTheirCase() async throws {
        try await withStore { store in
            let (web, _) = try await fill(store)
            #expect(try await store.read { try $0.instanceIDs(named: "wEB") } == [web])
        }
    }

    @Test func everyWriteGivesANewVersion() async throws {
        try await withStore { store in
            let before = store.version
            _ = try await store.read { try $0.projects() }
            #expect(store.version == before)
            _ = try await fill(store)
            #expect(store.version != before)
        }
    }

    @Test func snapshotsOfAPoolComeByTheirVolume() async throws {
        try await withStore { store in
            let (web, _) = try await fill(store)
            let ids = try await store.write { tx in
                var pool = PoolRow(name: "p", driver: "dir")
                pool.state = .created
                try tx.insertStoragePool(pool)
                try tx.insertSnapshot(SnapshotRow(instanceID: web, name: "s0", createdAt: .now()))
                let root = try tx.insertStorageVolume(VolumeRow(pool: "p", project: "default", name: "Web", kind: .container))
                let data = try tx.insertStorageVolume(VolumeRow(pool: "p", project: "default", name: "data", kind: .custom))
                try tx.insertStorageVolumeSnapshot(VolumeSnapshotRow(volumeID: data, name: "v0"))
                return (root, data)
            }
            let names = try await store.read { try $0.snapshotNames(pool: "p") }
            #expect(names == [ids.0: ["s0"], ids.1: ["v0"]])
            #expect(try await store.read { try $0.snapshotNames(pool: "other") } == [:])
        }
    }
}
