package import LXDAPI

/// The keys of instances and profiles.
package enum InstanceKeys {
    package static let table = KeyTable(
        general + boot + cloudInit + limits + migration + nvidia + raw + security + syscalls + snapshots + volatile)

    /// The key that rules a name.
    package static func key(_ name: String) -> ConfigKey? { table.key(name) }

    /// Checks names and values one by one; how keys go together is the caller's concern.
    ///
    /// - Parameter type: Keys of the other kind of instance are unknown; `.any` knows both, for profiles.
    /// - Throws: `.badRequest` with LXD's text.
    package static func validate(_ config: [String: String], type: InstanceType = .any) throws(LXDError) {
        if type != .any {
            let foreign: ConfigKey.Scope = type == .container ? .virtualMachine : .container
            for name in config.keys.sorted() where table.key(name)?.scope == foreign {
                throw .badRequest("Unknown configuration key: \(name)")
            }
        }
        let prefix = "linux.sysctl."
        for name in config.keys.sorted()
        where name.hasPrefix(prefix) && !KernelSettings.isNamespaced(String(name.dropFirst(prefix.count))) {
            throw .badRequest("Invalid configuration key \(name): the kernel setting belongs to no namespace")
        }
        switch table.firstProblem(in: config) {
        case nil: return
        case .unknown(let name): throw .badRequest("Unknown configuration key: \(name)")
        case .invalid(let name, let text): throw .badRequest("\(name): \(text)")
        }
    }

    /// Whether a copy of an instance takes the key along.
    ///
    /// - Parameter isRemote: The copy goes to another server.
    package static func isCopied(_ name: String, isRemote: Bool) -> Bool {
        if name == "volatile.base_image" || name == "volatile.last_state.idmap" && !isRemote { return true }
        return !name.hasPrefix("volatile.")
    }

    private static let general: [ConfigKey] = [
        .init(
            "agent.nic_config", .bool, default: "false", scope: .virtualMachine,
            "Name and size the interfaces in the guest as the devices say."),
        .init(
            "cluster.evacuate", default: "auto", check: .oneOf("auto", "migrate", "live-migrate", "stop").optional,
            "What happens to the instance when its cluster member is evacuated."),
        .init("environment.*", live: true, "Environment variable of the instance and of what `lxc exec` starts."),
        .init("image.*", "Property of the image that the instance was made from."),
        .init(
            "linux.kernel_modules", .list, live: true, privilege: .lowLevel, scope: .container,
            "Kernel modules to load before the instance starts, separated by commas."),
        .init("linux.sysctl.*", scope: .container, "Value of a kernel setting that belongs to a namespace."),
        .init("user.*", .blob, "Free for users; can be searched for."),
    ]

    private static let boot: [ConfigKey] = [
        .init("boot.autostart", .bool, "Start the instance with the server; if unset, restore its last state."),
        .init(
            "boot.autostart.delay", .integer, default: "0",
            "Seconds to wait after this instance before starting the next one."),
        .init("boot.autostart.priority", .integer, default: "0", "Instances with a higher value start earlier."),
        .init(
            "boot.host_shutdown_action", default: "stop", live: true, privilege: .lowLevel,
            check: .oneOf("stop", "force-stop", "stateful-stop").optional,
            "How a shutdown of the host stops the instance; `stateful-stop` keeps the state of its processes for the next boot."),
        .init(
            "boot.host_shutdown_timeout", .integer, default: "30", live: true, privilege: .lowLevel,
            "Seconds that a shutdown of the host waits for the instance."),
        .init("boot.stop.priority", .integer, default: "0", "Instances with a higher value are stopped earlier."),
    ]

    private static let cloudInit: [ConfigKey] = [
        .init(
            "cloud-init.network-config", .blob, default: "DHCP on eth0", check: .yaml.optional,
            "Network configuration that cloud-init is seeded with."),
        .init(
            "cloud-init.user-data", .blob, default: "#cloud-config", check: .cloudInitUserData.optional,
            "User data that cloud-init is seeded with."),
        .init(
            "cloud-init.vendor-data", .blob, default: "#cloud-config", check: .cloudInitUserData.optional,
            "Vendor data that cloud-init is seeded with."),
    ]

    private static let limits: [ConfigKey] = [
        .init(
            "limits.cpu", live: true, check: .cpuSet.optional, "Number of processors, or which ones: `2`, `0-3`, `1,3`."
        ),
        .init(
            "limits.cpu.allowance", default: "100%", live: true, scope: .container,
            check: .parses { value throws(LXDError) in _ = try CPUAllowance.parse(value) }.optional,
            "Share of processor time (`50%`), or time a period (`25ms/100ms`)."),
        .init(
            "limits.cpu.priority", .integer, default: "10", live: true, scope: .container, check: .priority.optional,
            "Scheduling priority among instances on the same processors, 0–10."),
        .init(
            "limits.disk.priority", .integer, default: "5", live: true, check: .priority.optional,
            "Priority of disk requests under load, 0–10."),
        .init("limits.hugepages.1GB", .size, live: true, scope: .container, "Most memory in huge pages of 1 GB."),
        .init("limits.hugepages.1MB", .size, live: true, scope: .container, "Most memory in huge pages of 1 MB."),
        .init("limits.hugepages.2MB", .size, live: true, scope: .container, "Most memory in huge pages of 2 MB."),
        .init("limits.hugepages.64KB", .size, live: true, scope: .container, "Most memory in huge pages of 64 KB."),
        .init(
            "limits.kernel.*",
            "Resource limit of the instance's first process, as setrlimit(2): `soft:hard` or one value."),
        .init(
            "limits.memory", live: true,
            check: .parses { value throws(LXDError) in _ = try MemoryLimit.parse(value) }.optional,
            "Most memory: a size or a share of the host's."),
        .init(
            "limits.memory.enforce", default: "hard", live: true, scope: .container,
            check: .oneOf("soft", "hard").optional,
            "`soft` lets the instance have more while the host has some to spare."),
        .init(
            "limits.memory.hugepages", .bool, default: "false", privilege: .lowLevel, scope: .virtualMachine,
            "Back the guest with huge pages."),
        .init(
            "limits.memory.swap", .bool, default: "true", live: true, scope: .container,
            "Whether pages may be swapped out."),
        .init(
            "limits.memory.swap.priority", .integer, default: "10", live: true, scope: .container,
            check: .priority.optional, "A higher value keeps more of the instance in memory, 0–10."),
        .init(
            "limits.network.priority", .integer, default: "0", live: true, check: .priority.optional,
            "Priority of network traffic under load, 0–10."),
        .init("limits.processes", .integer, live: true, scope: .container, "Most processes and threads."),
    ]

    private static let migration: [ConfigKey] = [
        .init(
            "migration.incremental.memory", .bool, default: "false", live: true, scope: .container,
            "Send memory while the instance runs, to shorten the pause."),
        .init(
            "migration.incremental.memory.goal", .uint32, default: "70", live: true, scope: .container,
            "Percentage of memory that must be in step before the pause."),
        .init(
            "migration.incremental.memory.iterations", .uint32, default: "10", live: true, scope: .container,
            "Most rounds before the pause."),
        .init(
            "migration.postcopy", .bool, default: "false", live: true, scope: .container,
            "Let memory follow a running instance that moves, to shorten the pause."),
        .init(
            "migration.stateful", .bool, default: "false",
            "Allow stateful stops, snapshots and moves."),
    ]

    private static let nvidia: [ConfigKey] = [
        .init(
            "nvidia.driver.capabilities", .list, default: "compute,utility", scope: .container,
            "Driver capabilities that the instance needs."),
        .init("nvidia.require.cuda", scope: .container, "Version expression for CUDA."),
        .init("nvidia.require.driver", scope: .container, "Version expression for the driver."),
        .init(
            "nvidia.runtime", .bool, default: "false", scope: .container,
            "Pass the host's NVIDIA libraries into the instance."),
    ]

    private static let raw: [ConfigKey] = [
        .init("raw.apparmor", .blob, live: true, privilege: .lowLevel, "Entries added to the AppArmor profile."),
        .init("raw.idmap", .blob, privilege: .lowLevel, "Host ids to show in the instance: `both 1000 1000`."),
        .init(
            "raw.lxc", .blob, privilege: .lowLevel, scope: .container, check: RawLXCKeys.check,
            "Lines added to the liblxc configuration."),
        .init("raw.qemu", .blob, privilege: .lowLevel, scope: .virtualMachine, "Arguments added to qemu's."),
        .init(
            "raw.qemu.conf", .blob, privilege: .lowLevel, scope: .virtualMachine,
            "Changes to qemu's configuration file."),
        .init("raw.seccomp", .blob, privilege: .lowLevel, scope: .container, "The whole seccomp policy."),
    ]

    private static let snapshots: [ConfigKey] = [
        .init("snapshots.expiry", check: .expiry, "How long snapshots are kept: `1M 2H 3d 4w 5m 6y`."),
        .init("snapshots.pattern", default: "snap%d", "Name of snapshots that are given none."),
        .init(
            "snapshots.schedule",
            check: .schedule(aliases: [
                "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@annually", "@yearly", "@startup", "@never",
            ]).optional, "When to take snapshots: crontab fields or aliases, separated by `, `."),
        .init("snapshots.schedule.stopped", .bool, default: "false", "Take them of the stopped instance, too."),
    ]
}
