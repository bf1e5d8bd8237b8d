import LXDAPI
import LXDDatabase

/// Which instances start with the host, in which order, and in which they stop.
package enum BootOrder {
    /// Those to be started: asked to by `boot.autostart`, or running when the host went down. Highest priority first.
    package static func toStart(_ instances: [LoadedInstance]) -> [LoadedInstance] {
        sorted(
            instances.filter { instance in
                // What is still coming from another server is started by its move.
                guard instance.row.phase == .ready else { return false }
                let autostart = instance.expandedConfig["boot.autostart"] ?? ""
                return isTrue(autostart) || (autostart.isEmpty && instance.row.config[VolatileKeys.lastPower] == "RUNNING")
            }, by: "boot.autostart.priority")
    }

    /// All in the order of `boot.stop.priority`, highest first, in groups that may stop at once.
    package static func toStop(_ instances: [LoadedInstance]) -> [[LoadedInstance]] {
        sorted(instances, by: "boot.stop.priority").reduce(into: []) { groups, instance in
            let isSame = groups.last?.first.map { priority($0, "boot.stop.priority") == priority(instance, "boot.stop.priority") }
            if isSame == true { groups[groups.count - 1].append(instance) } else { groups.append([instance]) }
        }
    }

    /// The wait after a start before the next.
    package static func delay(_ instance: LoadedInstance) -> Duration {
        .seconds(Int(instance.expandedConfig["boot.autostart.delay"] ?? "") ?? 0)
    }

    /// How long an instance may take to shut down with the host.
    package static func shutdownTimeout(_ instance: LoadedInstance) -> Duration {
        .seconds(Int(instance.expandedConfig["boot.host_shutdown_timeout"] ?? "") ?? 30)
    }

    /// How an instance is stopped with the host.
    package enum ShutdownAction: String {
        case stop
        case forceStop = "force-stop"
        /// With the state of its processes, which the next boot gives back.
        case statefulStop = "stateful-stop"
    }

    package static func shutdownAction(_ instance: LoadedInstance) -> ShutdownAction {
        ShutdownAction(rawValue: instance.expandedConfig["boot.host_shutdown_action"] ?? "") ?? .stop
    }

    private static func priority(_ instance: LoadedInstance, _ key: String) -> Int {
        Int(instance.expandedConfig[key] ?? "") ?? 0
    }

    private static func sorted(_ instances: [LoadedInstance], by key: String) -> [LoadedInstance] {
        instances.sorted { left, right in
            let (leftPriority, rightPriority) = (priority(left, key), priority(right, key))
            return leftPriority == rightPriority ? left.key.runtimeName < right.key.runtimeName : leftPriority > rightPriority
        }
    }
}
