import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// A container of liblxc, released when it goes.
final class Container {
    let pointer: UnsafeMutablePointer<lxc_container>

    /// - Parameters:
    ///   - name: liblxc's name.
    ///   - stateDirectory: liblxc's path; both together name its command socket.
    init(name: String, stateDirectory: String) throws(HelperFailure) {
        guard let pointer = lxc_container_new(name, stateDirectory) else {
            throw HelperFailure(step: "open the container", subject: name)
        }
        self.pointer = pointer
    }

    deinit { lxc_container_put(pointer) }

    /// Sets one item; values never carry line ends, so none can become a second item.
    func set(_ key: String, _ value: String) throws(HelperFailure) {
        guard !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }),
            !key.utf8.contains(where: { $0 <= 0x20 || $0 == 0x3d })
        else { throw HelperFailure(step: "set the configuration item", number: EINVAL, subject: key) }
        guard pointer.pointee.set_config_item?(pointer, key, value) == true else {
            throw HelperFailure(step: "set the configuration item", number: EINVAL, subject: "\(key) = \(value)")
        }
    }

    var initPID: Int32 { pointer.pointee.init_pid?(pointer) ?? -1 }
}

/// Turns a plan into liblxc's configuration, item by item as LXD 5.0 has it.
struct ContainerConfiguration {
    let plan: RuntimePlan
    let container: Container
    /// Made from images instead of being booted.
    let isRestored: Bool

    func apply() throws(HelperFailure) {
        try container.set("lxc.log.file", plan.logDirectory + "/lxc.log")
        try container.set("lxc.log.level", plan.logLevel)
        try console()
        try security()
        try systemMounts()
        try devicesCgroup()
        try container.set("lxc.arch", plan.personality)
        try container.set("lxc.uts.name", plan.hostName)
        try hooks()
        for entry in plan.idmap {
            let range = "\(entry.namespaceID) \(entry.hostID) \(entry.range)"
            if entry.isUID { try container.set("lxc.idmap", "u " + range) }
            if entry.isGID { try container.set("lxc.idmap", "g " + range) }
        }
        for pair in plan.environment { try container.set("lxc.environment", "\(pair.key)=\(pair.value)") }
        if !plan.initCommand.isEmpty { try container.set("lxc.init.cmd", plan.initCommand.joined(separator: " ")) }
        for setting in plan.cgroup {
            try container.set((setting.unified ? "lxc.cgroup2." : "lxc.cgroup.") + setting.file, setting.value)
        }
        for pair in plan.resourceLimits { try container.set("lxc.prlimit." + pair.key, pair.value) }
        for pair in plan.sysctls { try container.set("lxc.sysctl." + pair.key, pair.value) }
        try container.set("lxc.rootfs.path", "dir:" + plan.mountPoint)
        for entry in plan.mounts { try mount(entry) }
        for node in plan.deviceNodes {
            try mount(MountEntry(source: node.hostPath, target: node.path, create: .file))
            if plan.privileged { try device("allow", "\(node.isBlock ? "b" : "c") \(node.major):\(node.minor) rwm") }
        }
        try network()
        // Last, so that the administrator has the last word.
        for pair in plan.rawItems { try container.set(pair.key, pair.value) }
    }

    private func console() throws(HelperFailure) {
        try container.set("lxc.console.buffer.size", "auto")
        try container.set("lxc.console.size", "auto")
        if !plan.consoleLogPath.isEmpty { try container.set("lxc.console.logfile", plan.consoleLogPath) }
        try container.set("lxc.tty.max", "0")
        // With one pty liblxc takes the console from the host's devpts, which CRIU can give back on another host.
        try container.set("lxc.pty.max", plan.stateful ? "1" : "1024")
    }

    private func security() throws(HelperFailure) {
        if !plan.capabilitiesDropped.isEmpty {
            try container.set("lxc.cap.drop", plan.capabilitiesDropped.joined(separator: " "))
        }
        if let profile = plan.apparmorProfile { try container.set("lxc.apparmor.profile", profile) }
        if plan.seccompPolicy != nil { try container.set("lxc.seccomp.profile", seccompPath) }
    }

    var seccompPath: String { plan.runDirectory + "/" + plan.name + ".seccomp" }
    var filterPath: String { plan.runDirectory + "/" + plan.name + ".filter" }

    private func systemMounts() throws(HelperFailure) {
        let mode = plan.privileged ? "mixed" : "rw"
        let unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
        let namespaced = access("/proc/self/ns/cgroup", F_OK) == 0
        let cgroup = unified && namespaced ? "cgroup:rw:force" : "cgroup:mixed"
        try container.set("lxc.mount.auto", "proc:\(mode) sys:\(mode) \(cgroup)")
        try container.set("lxc.autodev", "1")
        if plan.privileged {
            try container.set("lxc.mount.entry", "mqueue dev/mqueue mqueue rw,relatime,create=dir,optional 0 0")
        }
        var paths = [
            "/dev/fuse", "/dev/net/tun", "/proc/sys/fs/binfmt_misc", "/sys/firmware/efi/efivars",
            "/sys/fs/fuse/connections", "/sys/fs/pstore", "/sys/kernel/config", "/sys/kernel/debug",
            "/sys/kernel/security", "/sys/kernel/tracing",
        ]
        if !plan.privileged { paths.append("/dev/mqueue") }
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            let directory = status.st_mode & 0o170000 == 0o040000
            try mount(
                MountEntry(
                    source: path, target: String(path.dropFirst()), options: [directory ? "rbind" : "bind"],
                    create: directory ? .directory : .file, optional: true))
        }
        if plan.nesting {
            // Further proc and sys mounts, so that the kernel lets a nested container mount its own.
            try container.set("lxc.mount.entry", "proc dev/.lxc/proc proc create=dir,optional 0 0")
            try container.set("lxc.mount.entry", "sys dev/.lxc/sys sysfs create=dir,optional 0 0")
        }
        if let folder = plan.devLXDDirectory {
            try mount(MountEntry(source: folder, target: "dev/lxd", create: .directory))
        }
        if let lxcfs = plan.lxcfsDirectory {
            for name in ["cpuinfo", "diskstats", "loadavg", "meminfo", "slabinfo", "stat", "swaps", "uptime"] {
                let path = lxcfs + "/proc/" + name
                guard access(path, F_OK) == 0 else { continue }
                try mount(MountEntry(source: path, target: "proc/" + name, create: .file, optional: true))
            }
            let cpus = "/sys/devices/system/cpu/online"
            if access(lxcfs + cpus, F_OK) == 0 {
                try mount(
                    MountEntry(source: lxcfs + cpus, target: String(cpus.dropFirst()), create: .file, optional: true))
            }
        }
    }

    private func devicesCgroup() throws(HelperFailure) {
        guard plan.privileged else { return }
        try device("deny", "a")
        for rule in [
            "b *:* m", "c *:* m", "c 136:* rwm", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
            "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 10:229 rwm", "c 10:200 rwm",
        ] { try device("allow", rule) }
    }

    private func device(_ verb: String, _ rule: String) throws(HelperFailure) {
        let unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
        try container.set((unified ? "lxc.cgroup2.devices." : "lxc.cgroup.devices.") + verb, rule)
    }

    private func hooks() throws(HelperFailure) {
        try container.set("lxc.hook.version", "1")
        // Tells the daemon, also one that is not there now, how the container ended. Failing turns a reboot into a
        // stop: the daemon starts it anew, with its devices and its configuration of that time.
        let path = Self.shellQuoted(plan.runDirectory + "/" + plan.name + ".exit")
        if isRestored {
            // liblxc tells of a reboot only where it booted. Init has not been waited for yet: the last field of its status
            // is how it ended, and 1, as by SIGHUP, is a reboot.
            let record = Self.shellQuoted(plan.runDirectory + "/" + plan.name + ".run")
            let script =
                "t=$LXC_TARGET; while read -r k p s; do [ \"$k\" = init ] && read -r s </proc/$p/stat && "
                + "[ \"${s##* }\" = 1 ] && t=reboot; done <\"$1\"; echo \"$t\" >\"$0\""
            return try container.set("lxc.hook.post-stop", "/bin/sh -c '\(script)' \(path) \(record)")
        }
        // liblxc runs it as `exec TEXT`, so all of it has to be one command.
        try container.set(
            "lxc.hook.post-stop", "/bin/sh -c 'echo \"$LXC_TARGET\" >\"$0\"; [ \"$LXC_TARGET\" != reboot ]' \(path)")
    }

    private static func shellQuoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private func mount(_ entry: MountEntry) throws(HelperFailure) {
        var options = entry.options
        if entry.idmapped && !plan.idmap.isEmpty { options.append("idmap=container") }
        switch entry.create {
        case .none: break
        case .file: options.append("create=file")
        case .directory: options.append("create=dir")
        }
        if entry.optional { options.append("optional") }
        let target = String(entry.target.drop { $0 == "/" })
        let text = [entry.source, target, entry.fsType, options.joined(separator: ",")]
        try container.set("lxc.mount.entry", text.map(Self.fstabEscaped).joined(separator: " ") + " 0 0")
    }

    /// fstab's octal escapes.
    private static func fstabEscaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case " ": escaped += "\\040"
            case "\t": escaped += "\\011"
            case "\\": escaped += "\\134"
            case "#": escaped += "\\043"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    private func network() throws(HelperFailure) {
        if plan.networkInterfaces.isEmpty {
            // An empty namespace of its own; without any item liblxc would share the host's.
            try container.set("lxc.net.0.type", "empty")
        }
        for (index, nic) in plan.networkInterfaces.enumerated() {
            let prefix = "lxc.net.\(index)."
            try container.set(prefix + "type", "phys")
            try container.set(prefix + "name", nic.name)
            try container.set(prefix + "flags", "up")
            try container.set(prefix + "link", nic.hostLinkName)
            if !nic.hardwareAddress.isEmpty { try container.set(prefix + "hwaddr", nic.hardwareAddress) }
            if nic.mtu > 0 { try container.set(prefix + "mtu", String(nic.mtu)) }
        }
    }
}
