import LXDAPI
import LXDDevices
import Logging

/// Device nodes that are not required: they come into a running container and leave it as the host's do.
extension InstanceLifecycle {
    /// Follows the nodes of a container that runs now. What came or went meanwhile is made up for at once.
    func watchNodes(of instance: LoadedInstance) {
        for (name, config) in instance.devicesInOrder { watchNode(name, config, of: instance) }
    }

    func watchNode(_ name: String, _ config: [String: String], of instance: LoadedInstance) {
        let directory = environment.paths.instanceDevices(instance.runtimeName)
        guard let node = UnixDevice.optionalNode(name, config, devicesDirectory: directory) else { return }
        do {
            try nodeWatcher().watch(Self.nodeKey(instance.runtimeName, name), path: node.path, isPresent: node.isShown)
        } catch {
            environment.logger.error(
                "Device nodes of the host cannot be watched", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
        }
    }

    func unwatchNodes(of instance: LoadedInstance) {
        nodeWatcherIfAny()?.unwatch(prefix: Self.nodeKey(instance.runtimeName, ""))
    }

    func unwatchNode(_ name: String, of instance: LoadedInstance) {
        nodeWatcherIfAny()?.unwatch(Self.nodeKey(instance.runtimeName, name))
    }

    /// Runtime names hold no slash; names of devices may.
    private static func nodeKey(_ runtimeName: String, _ device: String) -> String { "\(runtimeName)/\(device)" }

    /// Called by the watcher when a node came or went.
    func nodeChanged(_ key: String, isPresent: Bool) async {
        guard let slash = key.firstIndex(of: "/") else { return }
        let instanceKey = InstanceKey(runtimeName: String(key[..<slash]))
        let name = String(key[key.index(after: slash)...])
        do {
            try await environment.locks.with(instanceKey, .update) {
                let instance = try await environment.load(instanceKey)
                guard await isRunning(instanceKey), let config = instance.expandedDevices[name] else { return }
                if isPresent {
                    try await environment.setVolatile(instance, devices.attach(name, config, to: instance))
                } else {
                    try await environment.setVolatile(instance, devices.detach(name, config, from: instance))
                }
            }
        } catch {
            environment.logger.error(
                "Failed following a device node of the host",
                metadata: ["instance": "\(instanceKey)", "device": "\(name)", "error": "\(error)"])
        }
    }
}
