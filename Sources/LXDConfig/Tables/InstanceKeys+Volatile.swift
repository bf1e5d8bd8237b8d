extension InstanceKeys {
    /// What the server remembers about an instance. Set by the server, shown to everybody.
    static let volatile: [ConfigKey] = [
        .init(
            "volatile.apply_nvram", .bool, scope: .virtualMachine,
            "Whether the next start makes new firmware variables."),
        .init("volatile.apply_quota", "Size to apply to the root disk at the next start."),
        .init("volatile.apply_template", "Template hook to run at the next start."),
        .init("volatile.base_image", "Fingerprint of the image that the instance was made from."),
        .init("volatile.cloud-init.instance-id", check: .uuid.optional, "`instance-id` that cloud-init sees."),
        .init("volatile.evacuate.origin", "Cluster member that the instance was evacuated from."),
        .init("volatile.idmap.base", "First host id of the instance."),
        .init("volatile.idmap.current", "Map of ids in use."),
        .init("volatile.idmap.next", "Map of ids that the next start will use."),
        .init("volatile.last_state.idmap", "Map of ids that files on disk are owned by."),
        .init("volatile.last_state.power", "`RUNNING` or `STOPPED` when the server last stopped."),
        .init("volatile.uuid", check: .uuid.optional, "Identity of the instance in the world."),
        .init("volatile.vsock_id", .integer, "Address of the guest's socket to the host."),
        .init("volatile.NAME.apply_quota", "Size to apply to the disk at the next start."),
        .init("volatile.NAME.ceph_rbd", "Block device of a Ceph disk."),
        .init("volatile.NAME.created", "Whether the host made the parent interface: `true` or `false`."),
        .init("volatile.NAME.driver", "Driver that a PCI device had."),
        .init("volatile.NAME.host_name", "Name of the interface on the host."),
        .init("volatile.NAME.hwaddr", "Hardware address of the interface, if the device gives none."),
        .init("volatile.NAME.id", "Number of the virtual function in use."),
        .init("volatile.NAME.last_state.vf.parent", "Interface that the virtual function belongs to."),
        .init("volatile.NAME.mtu", "Size that a physical interface had."),
        .init("volatile.NAME.name", "Name of the interface in the instance."),
        .init("volatile.NAME.spoofcheck", "Spoof check that the virtual function had."),
        .init("volatile.NAME.uuid", "Identity of a mediated device."),
        .init("volatile.NAME.vlan", "VLAN that the virtual function had."),
    ]
}

/// Kernel settings that belong to a namespace; all others would change the host.
enum KernelSettings {
    private static let prefixes = ["net.", "fs.mqueue.", "kernel.shm", "kernel.msg", "user.max_"]
    private static let names: Set<String> = [
        "kernel.sem", "kernel.domainname", "kernel.hostname", "kernel.sched_rt_runtime_us",
        "fs.inotify.max_user_instances",
        "fs.inotify.max_user_watches",
    ]

    static func isNamespaced(_ name: String) -> Bool {
        let name = name.replacing("/", with: ".")
        let isPlain = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (97...122).contains(byte | 0x20) || "._-".utf8.contains(byte)
        }
        return isPlain && !name.contains("..") && (names.contains(name) || prefixes.contains { name.hasPrefix($0) })
    }
}

/// Which liblxc keys `raw.lxc` may hold.
enum RawLXCKeys {
    static let check = ConfigCheck { text in
        for line in text.split(separator: "\n") {
            let line = line.drop { $0 == " " || $0 == "\t" }
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let equals = line.firstIndex(of: "=") else { return "Invalid raw.lxc line: \(line)" }
            let key = line[..<equals].filter { $0 != " " && $0 != "\t" }.lowercased()
            if let problem = problem(key) { return problem }
        }
        return nil
    }

    private static func problem(_ key: String) -> String? {
        switch key {
        case "lxc.logfile", "lxc.log.file": return "Setting lxc.logfile is not allowed"
        case "lxc.syslog", "lxc.log.syslog": return "Setting lxc.log.syslog is not allowed"
        case "lxc.ephemeral": return "Setting lxc.ephemeral is not allowed"
        default: break
        }
        if key.hasPrefix("lxc.prlimit.") {
            return
                #"Process limits should be set via "limits.kernel.[limit name]" and not directly via "lxc.prlimit.[limit name]""#
        }
        guard key.hasPrefix("lxc.net.") else { return nil }
        let fields = key.split(separator: ".", omittingEmptySubsequences: false)
        let isAddress =
            fields.count == 5 && ["ipv4", "ipv6"].contains(fields[3]) && ["address", "gateway"].contains(fields[4])
        return isAddress ? nil : "Only interface-specific ipv4/ipv6 lxc.net. keys are allowed"
    }
}
