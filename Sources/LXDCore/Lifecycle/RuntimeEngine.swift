package import LXDAPI
package import LXDDevices
import LXDLinux
package import LXDRuntime
package import LXDRuntimePlan
package import SystemPackage

/// The containers of this host, through LXDRuntime.
package struct RuntimeEngine: ContainerEngine {
    private let runtime: ContainerRuntime
    private let checkpoints: CheckpointSupport
    package let exits: AsyncStream<EngineExit>

    /// Takes the runtime's stream of exits: there may be one engine for a runtime.
    package init(_ runtime: ContainerRuntime, checkpoints: CheckpointSupport) {
        self.runtime = runtime
        self.checkpoints = checkpoints
        let (stream, continuation) = AsyncStream<EngineExit>.makeStream()
        exits = stream
        Task {
            for await exit in runtime.exits {
                continuation.yield(EngineExit(name: exit.name, isReboot: exit.target == .reboot))
            }
            continuation.finish()
        }
    }

    package func expectStart() { runtime.expectEntry() }
    package func start(_ plan: RuntimePlan) async throws { _ = try await runtime.start(plan) }
    package func shutdown(_ name: String, timeout: Duration?) async throws { try await runtime.shutdown(name, timeout: timeout) }
    package func kill(_ name: String) async throws { try await runtime.kill(name) }
    package func freeze(_ name: String) async throws { try await runtime.freeze(name) }
    package func unfreeze(_ name: String) async throws { try await runtime.unfreeze(name) }
    package func status(_ name: String) async -> StatusCode { Self.code(runtime.state(name)) }
    package func statuses() async -> [String: StatusCode] { runtime.states().mapValues(Self.code) }
    package func usage(_ name: String) async -> InstanceState? {
        await BlockingPool.shared.run { [runtime] in runtime.usage(name) }
    }
    package func usages(_ names: [String]) async -> [String: InstanceState] {
        // Few threads: the kernel's answers about networks take turns anyway.
        let share = max(16, (names.count + 3) / 4)
        return await withTaskGroup(of: [String: InstanceState].self, returning: [String: InstanceState].self) { group in
            for start in stride(from: 0, to: names.count, by: share) {
                let part = names[start..<min(start + share, names.count)]
                group.addTask { [runtime] in await BlockingPool.shared.run { runtime.usages(part) } }
            }
            return await group.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
        }
    }

    package func setCgroup(_ name: String, _ setting: CgroupSetting) async throws { try runtime.setCgroup(name, setting) }

    package func requireCheckpoints() async throws { try await checkpoints.require() }
    package func checkpointVersion() async throws -> String { try await checkpoints.version() }
    package func memory(_ name: String) async -> Int64 { await BlockingPool.shared.run { [runtime] in runtime.memory(name) } }
    package func isCheckpointable(_ name: String) async -> Bool { runtime.isCheckpointable(name) }
    package func checkpointObstacles(_ name: String) async throws -> [String] {
        try await BlockingPool.shared.run { [runtime] in try runtime.checkpointObstacles(name) }
    }
    package func postCopyRefusal() async -> String? { await CheckpointFeatures.postCopyRefusal() }
    package func preCopyRefusal() async -> String? { await CheckpointFeatures.preCopyRefusal() }
    package func checkpoint(
        _ name: String, configurationPath: String, imageDirectory: String, keepsRunning: Bool, isPostCopy: Bool
    ) async throws -> CheckpointSession {
        try await runtime.checkpoint(
            name, configurationPath: configurationPath, imageDirectory: imageDirectory, keepsRunning: keepsRunning,
            isPostCopy: isPostCopy)
    }
    package func restore(_ plan: RuntimePlan, imageDirectory: String, pages: FileDescriptor?) async throws -> RestoreSession {
        try await runtime.restore(plan, imageDirectory: imageDirectory, pages: pages)
    }

    package func hotplugTarget(_ name: String, idmap: [IDMapEntry]) async throws -> any HotplugTarget {
        guard let running = runtime.running(name) else { throw RuntimeError.notRunning(name) }
        return RunningTarget(runtime: runtime, name: name, initPID: running.initPID, idmap: idmap)
    }

    /// A container that is being started counts as running: nobody may start it again or delete it.
    private static func code(_ state: ContainerState) -> StatusCode {
        switch state {
        case .stopped: .stopped
        case .starting, .running: .running
        case .stopping: .stopping
        case .frozen: .frozen
        }
    }
}

/// A running container as devices see it.
private struct RunningTarget: HotplugTarget {
    let runtime: ContainerRuntime
    let name: String
    let initPID: Int32
    let idmap: [IDMapEntry]

    func mount(_ entry: MountEntry) async throws { try await runtime.attachMount(name, entry, idmap: idmap) }
    func unmount(_ target: String) async throws { try await runtime.detachMount(name, target: target) }

    func add(_ node: DeviceNode) async throws {
        try await allow(node, isAllowed: true)
        try await mount(MountEntry(source: node.hostPath, target: node.path, create: .file))
    }

    func remove(_ node: DeviceNode) async throws {
        try await unmount(node.path)
        try await allow(node, isAllowed: false)
    }

    /// Only privileged containers have a device cgroup.
    private func allow(_ node: DeviceNode, isAllowed: Bool) async throws {
        guard idmap.isEmpty else { return }
        try await runtime.setDevice(name, node, isAllowed: isAllowed)
    }
}
