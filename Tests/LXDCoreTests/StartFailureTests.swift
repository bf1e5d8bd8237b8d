import Foundation
import LXDAPI
import LXDDatabase
import LXDDevices
import LXDRuntimePlan
import Logging
import Synchronization
import Testing

@testable import LXDCore
@testable import LXDStorage

/// A host of records: it counts what is up and fails where it is told to.
private final class FakeHost: Sendable {
    struct State {
        var up: Set<String> = []
        var running: Set<String> = []
        var failing: Set<String> = []
        var log: [String] = []
    }
    let state = Mutex(State())

    func step(_ name: String) throws {
        try state.withLock { state in
            state.log.append(name)
            if state.failing.contains(name) { throw LXDError.internalError("no \(name)") }
        }
    }
    func fail(_ names: String...) { state.withLock { $0.failing = Set(names) } }
    var up: Set<String> { state.withLock { $0.up.union($0.running) } }
}

private struct FakeEngine: ContainerEngine {
    let host: FakeHost
    let exits = AsyncStream<EngineExit> { $0.finish() }
    func start(_ plan: RuntimePlan) async throws {
        try host.step("engine")
        host.state.withLock { _ = $0.running.insert(plan.name) }
    }
    func shutdown(_ name: String, timeout: Duration?) async throws { try await kill(name) }
    func kill(_ name: String) async throws {
        try host.step("kill")
        host.state.withLock { _ = $0.running.remove(name) }
    }
    func freeze(_ name: String) async throws {}
    func unfreeze(_ name: String) async throws {}
    func status(_ name: String) async -> StatusCode { host.state.withLock { $0.running.contains(name) } ? .running : .stopped }
    func statuses() async -> [String: StatusCode] {
        host.state.withLock { Dictionary($0.running.map { ($0, .running) }) { $1 } }
    }
    func usage(_ name: String) async -> InstanceState? { nil }
    func setCgroup(_ name: String, _ setting: CgroupSetting) async throws { try host.step("cgroup") }
    func hotplugTarget(_ name: String, idmap: [IDMapEntry]) async throws -> any HotplugTarget { throw LXDError.notImplemented() }
}

private struct FakeDevices: InstanceDevices {
    let host: FakeHost
    func prepare(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> [String: String?] {
        try host.step("prepare \(name)")
        return ["volatile.\(name).host_name": "veth-\(name)"]
    }
    func start(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> DeviceParts {
        // Half of it is up when it fails: stopping must cope with that.
        host.state.withLock { _ = $0.up.insert(name) }
        try host.step("start \(name)")
        return DeviceParts()
    }
    func stop(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> [String: String?] {
        try host.step("stop \(name)")
        host.state.withLock { _ = $0.up.remove(name) }
        return ["volatile.\(name).host_name": nil]
    }
    func joined(_ name: String, _ config: [String: String], _ instance: LoadedInstance) async throws { try host.step("joined \(name)") }
    func left(_ name: String, _ config: [String: String], _ instance: LoadedInstance) async throws {}
    func attach(_ name: String, _ config: [String: String], to instance: LoadedInstance) async throws -> [String: String?] {
        host.state.withLock { _ = $0.up.insert(name) }
        try host.step("attach \(name)")
        return [:]
    }
    func detach(_ name: String, _ config: [String: String], from instance: LoadedInstance) async throws -> [String: String?] {
        try await stop(name, config, of: instance)
    }
    func update(
        _ name: String, from old: [String: String], to new: [String: String], of instance: LoadedInstance, isRunning: Bool
    ) async throws {}
    func liveKeys(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> Set<String> { [] }
    func renamed(_ instance: LoadedInstance, from old: InstanceKey) async throws {}
}

private struct FakeTemplates: TemplateApplier {
    let host: FakeHost
    func apply(_ triggers: [String], to instance: LoadedInstance, rootfs: RootFilesystem, directory: String) async throws {
        try host.step("templates \(triggers.joined(separator: ","))")
    }
}

/// A pool of names.
private final class FakePool: PoolDriver {
    static let name = "fake"
    let poolName = "p"
    let path: String
    let host: FakeHost
    let content = Mutex<Set<Volume>>([])
    init(path: String, host: FakeHost) {
        self.path = path
        self.host = host
    }
    func createPool(config: [String: String]) async throws -> [String: String] { config }
    func deletePool() async throws {}
    func showSnapshots(of volume: Volume) async throws {}
    func hideSnapshots(of volume: Volume) async throws {}
    func mount(config: [String: String]) async throws {}
    func unmount() async throws {}
    func space() async throws -> PoolSpace { PoolSpace(totalBytes: 0, usedBytes: 0, totalInodes: 0, usedInodes: 0) }
    func recover(known: Set<Volume>) async throws -> RecoveryReport { RecoveryReport() }
    func hasImage(_ fingerprint: String) async -> Bool { true }
    func ensureImage(_ fingerprint: String, fill: @escaping @Sendable (FillTarget) async throws -> Void) async throws {}
    func deleteImage(_ fingerprint: String) async throws {}
    func create(_ volume: Volume, from source: VolumeSource) async throws {
        content.withLock { _ = $0.insert(volume) }
        try host.step("create \(volume)")
    }
    func delete(_ volume: Volume) async throws {
        try host.step("delete \(volume)")
        content.withLock { _ = $0.remove(volume) }
    }
    func rename(_ volume: Volume, to newName: String) async throws { try host.step("rename \(volume)") }
    func snapshot(_ volume: Volume, as name: String, isRunning: Bool) async throws {
        try host.step("snapshot \(name)")
        let snapshot = try volume.withSnapshot(name)
        content.withLock { _ = $0.insert(snapshot) }
    }
    func renameSnapshot(_ snapshot: Volume, to newName: String) async throws {}
    func restore(_ volume: Volume, from snapshotName: String) async throws { try host.step("restore") }
    func exists(_ volume: Volume) async -> Bool { content.withLock { $0.contains(volume) } }
    func volumes(_ kind: Volume.Kind) async throws -> [Volume] { [] }
    func snapshots(of volume: Volume) async throws -> [Volume] { [] }
    func usage(of volume: Volume) async throws -> UInt64? { nil }
    func mountPath(_ volume: Volume) -> String { path + "/" + volume.name }
    func rootFilesystem(of volume: Volume) async throws -> RootFilesystem {
        try host.step("rootfs")
        return .directory("/x")
    }
    func withTree<Result: Sendable>(
        _ volume: Volume, isRunning: Bool, _ body: @Sendable (VolumeTree) async throws -> Result
    ) async throws -> Result { throw LXDError.notImplemented() }
}

private struct FakePools: InstancePools, InstanceImages {
    let pool: FakePool
    func driver(_ pool: String) async throws -> any PoolDriver { self.pool }
    func prepare(_ fingerprint: String, in pool: any PoolDriver, progress: ProgressSink) async throws {}
    func fetch(_ source: InstanceSource, type: InstanceType, project: String, progress: ProgressSink) async throws -> ImageRow {
        throw LXDError.notImplemented()
    }
}

private struct LenientRules: DeviceRules {
    func validate(_ name: String, _ config: [String: String], in context: DeviceRuleContext) throws {
        if config["type"] == "bad" { throw LXDError.badRequest("bad device") }
    }
    func nicType(_ config: [String: String], networks: [NetworkRow]) -> String { "bridged" }
}

private struct World {
    let host = FakeHost()
    let store: Store
    let pool: FakePool
    let environment: InstanceEnvironment
    let instances: InstanceService
    let snapshots: SnapshotService
    let lifecycle: InstanceLifecycle
    let key = InstanceKey(project: "default", name: "c1")

    static func with(_ body: (World) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lxd-world-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // Nobody is left to tell in a test's teardown.
        try await body(try await World(folder))
    }

    private init(_ folder: String) async throws {
        store = try Store(path: folder + "/lxd.db")
        pool = FakePool(path: folder, host: host)
        let pools = FakePools(pool: pool)
        let limits = HostLimits(controllers: ["memory": .v2], memoryBytes: 1 << 30, processors: [0], hasSwapAccounting: true)
        let paths = DaemonPaths(root: folder)
        environment = InstanceEnvironment(
            store: store, paths: paths, pools: pools, images: pools, announce: Announcer { _, _ in },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, hostIDs: .fallback, hostLimits: limits)
        lifecycle = InstanceLifecycle(
            environment: environment, engine: FakeEngine(host: host), devices: FakeDevices(host: host),
            templates: FakeTemplates(host: host), host: StartHost(paths: paths, limits: limits))
        instances = InstanceService(
            environment: environment,
            gate: ConfigGate(devices: LenientRules(), hostIDs: .fallback, architectures: [try Architectures.local().id]),
            lifecycle: lifecycle)
        snapshots = SnapshotService(environment: environment, instances: instances, lifecycle: lifecycle)
        try await store.write { tx in
            var row = PoolRow(name: "p", driver: "fake")
            row.state = .created
            try tx.insertStoragePool(row)
        }
    }

    func create(config: [String: String] = [:]) async throws {
        let request = InstancesPost.with {
            $0.name = "c1"
            $0.source.type = "none"
            $0.config = config
            $0.devices = ["root": ["type": "disk", "path": "/", "pool": "p"], "a": ["type": "nic"], "b": ["type": "nic"]]
        }
        try await instances.create(try await instances.planCreate(project: "default", request, hasProfiles: false), by: nil)
    }
}

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
            let service = world.instances
            await #expect(throws: LXDError.self) {
                try await service.checkProfile(config: ["volatile.a.b": "1"], devices: [:], project: "default")
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
