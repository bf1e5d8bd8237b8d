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
final class FakeHost: Sendable {
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

struct FakeEngine: ContainerEngine {
    let host: FakeHost
    let exits = AsyncStream<EngineExit> { $0.finish() }
    func expectStart() {}
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

struct FakeDevices: InstanceDevices {
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
    func repair(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws {}
    func renamed(_ instance: LoadedInstance, from old: InstanceKey) async throws {}
}

struct FakeTemplates: TemplateApplier {
    let host: FakeHost
    func apply(_ triggers: [String], to instance: LoadedInstance, rootfs: RootFilesystem, directory: String) async throws {
        try host.step("templates \(triggers.joined(separator: ","))")
    }
}

/// A pool of names.
final class FakePool: PoolDriver {
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
    func setSize(_ bytes: UInt64?, of volume: Volume) async throws {}
    func flush() async throws {}
    let transferMethods: [TransferMethod] = []
    func send(
        _ transfer: OutgoingTransfer, over channel: any TransferChannel, progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws { throw LXDError.notImplemented() }
    func receive(
        _ transfer: IncomingTransfer, over channel: any TransferChannel, progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws { throw LXDError.notImplemented() }
    func withTree<Result: Sendable>(
        _ volume: Volume, isRunning: Bool, _ body: @Sendable (VolumeTree) async throws -> Result
    ) async throws -> Result { throw LXDError.notImplemented() }
}

struct FakePools: InstancePools, InstanceImages {
    let pool: FakePool
    func driver(_ pool: String) async throws -> any PoolDriver { self.pool }
    func prepare(_ fingerprint: String, in pool: any PoolDriver, progress: ProgressSink) async throws {}
    func fetch(_ source: InstanceSource, type: InstanceType, project: String, progress: ProgressSink) async throws -> ImageRow {
        throw LXDError.notImplemented()
    }
}

struct LenientRules: DeviceRules {
    func validate(_ name: String, _ config: [String: String], in context: DeviceRuleContext) throws {
        if config["type"] == "bad" { throw LXDError.badRequest("bad device") }
    }
    func nicType(_ config: [String: String], networks: [NetworkRow]) -> String { "bridged" }
}

struct World {
    let host = FakeHost()
    let store: Store
    let pool: FakePool
    let environment: InstanceEnvironment
    let instances: InstanceService
    let snapshots: SnapshotService
    let profiles: ProfileService
    let projects: ProjectService
    let volumes: VolumeService
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
        profiles = ProfileService(store: store, instances: instances, announce: environment.announce)
        projects = ProjectService(store: store, announce: environment.announce)
        let storage = StorageService(
            store: store, warnings: WarningService(store: store, announce: environment.announce),
            announce: environment.announce, logger: environment.logger
        ) { [pool] _ in pool }
        volumes = VolumeService(store: store, storage: storage, announce: environment.announce) { _ in false }
        try await store.write { tx in
            var row = PoolRow(name: "p", driver: "fake")
            row.state = .created
            try tx.insertStoragePool(row)
        }
        try await storage.start { _ in [] }
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
