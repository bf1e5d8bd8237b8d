package import LXDAPI
package import LXDDevices
import LXDLinux
package import LXDRuntime
package import LXDRuntimePlan

/// The containers of this host, through LXDRuntime.
package struct RuntimeEngine: ContainerEngine {
    private let runtime: ContainerRuntime
    package let exits: AsyncStream<EngineExit>

    /// Takes the runtime's stream of exits: there may be one engine for a runtime.
    package init(_ runtime: ContainerRuntime) {
        self.runtime = runtime
        let (stream, continuation) = AsyncStream<EngineExit>.makeStream()
        exits = stream
        Task {
            for await exit in runtime.exits {
                continuation.yield(EngineExit(name: exit.name, isReboot: exit.target == .reboot))
            }
            continuation.finish()
        }
    }

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
    package func setCgroup(_ name: String, _ setting: CgroupSetting) async throws { try runtime.setCgroup(name, setting) }

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
        try allow(node, isAllowed: true)
        try await mount(MountEntry(source: node.hostPath, target: node.path, create: .file))
    }

    func remove(_ node: DeviceNode) async throws {
        try await unmount(node.path)
        try allow(node, isAllowed: false)
    }

    /// Only privileged containers have a device cgroup.
    private func allow(_ node: DeviceNode, isAllowed: Bool) throws {
        guard idmap.isEmpty else { return }
        let rule = "\(node.isBlock ? "b" : "c") \(node.major):\(node.minor) rwm"
        try runtime.setCgroup(
            name, CgroupSetting(file: isAllowed ? "devices.allow" : "devices.deny", value: rule, unified: false))
    }
}
