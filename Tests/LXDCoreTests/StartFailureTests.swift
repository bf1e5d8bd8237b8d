import Foundation
import LXDAPI
import LXDDatabase
import Synchronization
import Testing

@testable import LXDCore
@testable import LXDStorage

@Suite struct StartFailureTests {
    @Test(arguments: [
        "rootfs", "templates start", "prepare a", "prepare b", "start a", "start b", "engine",
    ])
    func aFailedStepOfAStartLeavesNothingUp(_ step: String) async throws {
        try await World.with { world in
            try await world.create()
            world.host.fail(step)
            await #expect(throws: LXDError.self) { try await world.lifecycle.start(world.key, by: nil) }
            #expect(world.host.up.isEmpty)
            let config = try await world.environment.load(world.key).row.config
            #expect(!config.keys.contains { $0.hasSuffix(".host_name") } || step.hasPrefix("prepare") == false && step == "start a")
            #expect(config["volatile.last_state.power"] == nil)
            // And the next start is a start like any other.
            world.host.fail()
            try await world.lifecycle.start(world.key, by: nil)
            #expect(world.host.up == ["a", "b", "c1"])
        }
    }

    @Test func aStopTakesDownInReverseAndGoesOnWhenADeviceFails() async throws {
        try await World.with { world in
            try await world.create()
            try await world.lifecycle.start(world.key, by: nil)
            world.host.fail("stop b")
            try await world.lifecycle.stop(world.key, timeout: nil, force: true, by: nil)
            #expect(world.host.state.withLock { $0.log.suffix(3) } == ["kill", "stop b", "stop a"])
            #expect(world.host.up == ["b"])
            #expect(try await world.environment.load(world.key).row.config["volatile.last_state.power"] == "STOPPED")
        }
    }

    @Test func theStateOfTheHostIsBelievedBeforeTheRecords() async throws {
        try await World.with { world in
            try await world.create()
            try await world.lifecycle.start(world.key, by: nil)
            world.host.state.withLock { $0.running = [] }
            await world.lifecycle.reconcile()
            #expect(world.host.up.isEmpty)
            // It ran when the host went down, so it is to run again.
            #expect(try await world.environment.load(world.key).row.config["volatile.last_state.power"] == "RUNNING")
            await world.lifecycle.startAfterBoot { _, reason in Issue.record("\(reason)") }
            #expect(world.host.up == ["a", "b", "c1"])
        }
    }

    @Test func aFailedLiveChangeKeepsTheOldConfiguration() async throws {
        try await World.with { world in
            try await world.create()
            try await world.lifecycle.start(world.key, by: nil)
            world.host.fail("attach c")
            await #expect(throws: LXDError.self) {
                try await world.instances.update(world.key, by: nil) { row in
                    row.devices["c"] = ["type": "nic"]
                    row.devices["a"] = nil
                }
            }
            let row = try await world.environment.load(world.key).row
            #expect(Set(row.devices.keys) == ["root", "a", "b"])
        }
    }
}

@Suite struct InstanceServiceTests {
    @Test(arguments: ["create c1", "joined b"])
    func aFailedCreateLeavesNeitherRowsNorVolume(_ step: String) async throws {
        try await World.with { world in
            world.host.fail(step)
            await #expect(throws: LXDError.self) { try await world.create() }
            #expect(try await world.store.read { try $0.instances().isEmpty })
            #expect(try await world.store.read { try $0.storageVolumes(pool: "p").isEmpty })
            #expect(world.pool.content.withLock { $0.isEmpty })
            world.host.fail()
            try await world.create()
        }
    }

    @Test func whatAKilledDaemonLeftIsRemovedAtTheNextStart() async throws {
        try await World.with { world in
            try await world.create()
            try await world.store.write { tx in
                guard let id = try tx.instance(project: "default", name: "c1")?.id else { return }
                try tx.setInstancePhase(id: id, .creating)
            }
            await world.instances.removeUnfinished()
            #expect(try await world.store.read { try $0.instances().isEmpty })
            #expect(world.pool.content.withLock { $0.isEmpty })
        }
    }

    @Test func aRunningInstanceIsNeitherDeletedNorRenamed() async throws {
        try await World.with { world in
            try await world.create()
            try await world.lifecycle.start(world.key, by: nil)
            await #expect(throws: LXDError.self) { try await world.instances.delete(world.key, by: nil) }
            await #expect(throws: LXDError.self) { try await world.instances.rename(world.key, to: "c2", by: nil) }
            #expect(try await world.environment.load(world.key).name == "c1")
        }
    }

    @Test func aProtectedInstanceIsDeletedByForceOnly() async throws {
        try await World.with { world in
            try await world.create(config: ["security.protection.delete": "true"])
            await #expect(throws: LXDError.self) { try await world.instances.delete(world.key, by: nil) }
            try await world.instances.delete(world.key, force: true, by: nil)
        }
    }

    @Test func theGateIsTheSameOnEveryWay() async throws {
        try await World.with { world in
            await #expect(throws: LXDError.self) { try await world.create(config: ["no.such.key": "1"]) }
            try await world.create()
            let changes: [@Sendable (inout InstanceRow) -> Void] = [
                { $0.config["no.such.key"] = "1" }, { $0.devices["x"] = ["type": "bad"] }, { $0.devices["root"] = nil },
                { $0.profiles = ["missing"] }, { $0.profiles = ["default", "default"] }, { $0.devices["root"]?["pool"] = "q" },
                { $0.config["volatile.idmap.next"] = nil }, { $0.config["raw.lxc"] = "lxc.log.file = /x" }, { $0.architecture = 8 },
            ]
            for change in changes {
                await #expect(throws: LXDError.self) { try await world.instances.update(world.key, by: nil, change) }
            }
            let profile = ProfileRow(project: "default", name: "x", config: ["volatile.a.b": "1"])
            await #expect(throws: LXDError.self) {
                try await world.store.read { [instances = world.instances] tx in try instances.check(profile, tx) }
            }
        }
    }

    @Test func aRestrictedProjectLetsNoPrivilegedContainerIn() async throws {
        try await World.with { world in
            try await world.create()
            try await world.store.write { tx in
                guard var project = try tx.project("default") else { return }
                project.config["restricted"] = "true"
                try tx.updateProject(project)
            }
            for config in [["security.privileged": "true"], ["security.nesting": "true"], ["raw.lxc": "lxc.arch = i686"]] {
                await #expect(throws: LXDError.self) {
                    try await world.instances.update(world.key, by: nil) { $0.config.merge(config) { $1 } }
                }
            }
        }
    }

    @Test func aSnapshotBringsItsConfigurationBack() async throws {
        try await World.with { world in
            try await world.create(config: ["user.a": "1"])
            try await world.snapshots.create(world.key, name: "s", expiresAt: nil, by: nil)
            try await world.instances.update(world.key, by: nil) { $0.config["user.a"] = "2" }
            try await world.snapshots.restore(world.key, "s", stateful: false, by: nil)
            #expect(try await world.environment.load(world.key).row.config["user.a"] == "1")
            await #expect(throws: LXDError.self) { try await world.snapshots.restore(world.key, "none", stateful: false, by: nil) }
        }
    }

    @Test func aFailedSnapshotLeavesNoRow() async throws {
        try await World.with { world in
            try await world.create()
            world.host.fail("snapshot s")
            await #expect(throws: LXDError.self) { try await world.snapshots.create(world.key, name: "s", expiresAt: nil, by: nil) }
            #expect(try await world.snapshots.list(world.key).isEmpty)
        }
    }

    @Test func namesAreMadeUpWhenNoneIsGiven() async throws {
        try await World.with { world in
            let request = InstancesPost.with {
                $0.source.type = "none"
                $0.devices = ["root": ["type": "disk", "path": "/", "pool": "p"]]
            }
            let plan = try await world.instances.planCreate(project: "default", request, hasProfiles: false)
            #expect(plan.row.name.split(separator: "-").count == 2)
            _ = try InstanceName(plan.row.name)
        }
    }
}
