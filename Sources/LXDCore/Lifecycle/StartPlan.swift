import LXDAPI
import LXDDatabase
package import LXDRuntimePlan

/// What one device adds to a start.
package struct DeviceParts: Sendable, Hashable {
    package var mounts: [MountEntry] = []
    package var interfaces: [NetworkInterfaceEntry] = []
    package var nodes: [DeviceNode] = []
    package var cgroup: [CgroupSetting] = []
    /// Whole keys (`volatile.eth0.host_name`); nil removes one.
    package var volatile: [String: String?] = [:]

    package init() {}
}

/// What the host brings to a start.
package struct StartHost: Sendable {
    package var paths: DaemonPaths
    package var limits: HostLimits
    /// Where lxcfs is mounted; nil when it does not run.
    package var lxcfsDirectory: String?
    /// The processors dealt to the container; empty for all.
    package var processors: [Int] = []
    package var logLevel = "warn"

    package init(paths: DaemonPaths, limits: HostLimits) {
        self.paths = paths
        self.limits = limits
    }
}

/// Computes what starting an instance takes, from its configuration alone.
package enum StartPlan {
    /// - Parameters:
    ///   - rootfs: Of its volume.
    ///   - directory: The instance's own on the host.
    ///   - devices: What its started devices add, in order.
    package static func planStart(
        _ instance: LoadedInstance, rootfs: RootFilesystem, directory: String, devices: [DeviceParts], host: StartHost
    ) throws -> RuntimePlan {
        let config = instance.expandedConfig
        var plan = RuntimePlan()
        plan.name = instance.runtimeName
        plan.stateDirectory = host.paths.containers
        plan.logDirectory = host.paths.instanceLogs(instance.runtimeName)
        plan.consoleLogPath = plan.logDirectory + "/console.log"
        plan.logLevel = host.logLevel
        plan.hostName = instance.name
        plan.personality = try Architectures.numbered(instance.row.architecture).personality
        plan.rootfs = rootfs
        plan.mountPoint = directory + "/rootfs"
        plan.privileged = instance.isPrivileged
        plan.nesting = instance.isNesting
        plan.stateful = isTrue(config["migration.stateful"])
        guard !plan.stateful || !plan.nesting else {
            throw LXDError.badRequest(
                "migration.stateful and security.nesting can't both be true: containers inside cannot be checkpointed")
        }
        plan.idmap = try idmap(instance)
        plan.capabilitiesDropped =
            instance.isPrivileged ? ["sys_time", "sys_module", "sys_rawio", "mac_admin", "mac_override"] : []
        plan.seccompPolicy = try SeccompPolicy.text(
            config, architecture: Architectures.numbered(instance.row.architecture).name)
        plan.cgroup = try cgroup(config, host) + devices.flatMap(\.cgroup)
        plan.mounts = devices.flatMap(\.mounts)
        plan.networkInterfaces = devices.flatMap(\.interfaces)
        plan.deviceNodes = devices.flatMap(\.nodes)
        plan.environment = try pairs(config, "environment.")
        plan.resourceLimits = try pairs(config, "limits.kernel.")
        plan.sysctls = try pairs(config, "linux.sysctl.")
        plan.lxcfsDirectory = host.lxcfsDirectory
        plan.rawItems = try RawLXC.parse(config["raw.lxc"] ?? "").map { PlanPair($0.key, $0.value) }
        return plan
    }

    /// The map noted for the next start.
    static func idmap(_ instance: LoadedInstance) throws -> [IDMapEntry] {
        guard !instance.isPrivileged else { return [] }
        let map = try IDMapSet(json: instance.row.config["volatile.idmap.next"] ?? "[]")
        guard !map.entries.isEmpty else {
            throw LXDError.internalError("The instance has no uid/gid allocation")
        }
        return try map.entries.map { entry in
            guard let host = UInt32(exactly: entry.hostID), let inside = UInt32(exactly: entry.namespaceID),
                let range = UInt32(exactly: entry.range)
            else { throw LXDError.internalError("The id map \(goQuoted(map.json)) is out of range") }
            return IDMapEntry(isUID: entry.isUID, isGID: entry.isGID, hostID: host, namespaceID: inside, range: range)
        }
    }

    private static func cgroup(_ config: [String: String], _ host: StartHost) throws -> [CgroupSetting] {
        var settings = try CgroupLimits(host: host.limits).atStart(config).map {
            CgroupSetting(file: $0.file, value: $0.value, unified: $0.version == .v2)
        }
        if !host.processors.isEmpty, let version = host.limits.controllers["cpuset"] {
            let list = host.processors.map(String.init).joined(separator: ",")
            settings.append(CgroupSetting(file: "cpuset.cpus", value: list, unified: version == .v2))
        }
        return settings
    }

    private static func pairs(_ config: [String: String], _ prefix: String) throws -> [PlanPair] {
        try config.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map { key, value in
            guard !NameRules.hasControlCharacters(key), !value.contains("\n"), !value.contains("\0") else {
                throw LXDError.badRequest("Invalid value for config key \(goQuoted(key)): line breaks are not allowed")
            }
            return PlanPair(String(key.dropFirst(prefix.count)), value)
        }
    }
}
