internal import LXDLinux

/// What the helper wrote down about a container that runs, for a daemon that comes later.
struct ContainerRecord: Hashable {
    var name: String
    var initPID: Int32
    var initStart: UInt64
    var monitorPID: Int32
    var monitorStart: UInt64
    var mountPoint: String
    /// Started so that it can be checkpointed.
    var isCheckpointable: Bool
    /// Where its console's log is; nil when it was not restored, so that liblxc writes that.
    var consoleLogPath: String?
    /// Names of its groups, `lxc.payload.NAME` and `lxc.monitor.NAME`.
    var groups: [String]

    /// Reads `key value` lines; nil when something is missing.
    init?(parsing text: String) {
        var fields: [Substring: [Substring]] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[parts[0]] = ["mount", "console"].contains(parts[0]) ? [parts[1]] : parts[1].split(separator: " ")
        }
        guard let name = fields["name"]?.first, let first = fields["init"], let monitor = fields["monitor"],
            let mount = fields["mount"]?.first, first.count == 2, monitor.count == 2, let initPID = Int32(first[0]),
            let initStart = UInt64(first[1]), let monitorPID = Int32(monitor[0]), let monitorStart = UInt64(monitor[1])
        else { return nil }
        (self.name, self.initPID, self.initStart) = (String(name), initPID, initStart)
        (self.monitorPID, self.monitorStart, mountPoint) = (monitorPID, monitorStart, String(mount))
        isCheckpointable = fields["stateful"]?.first == "1"
        consoleLogPath = fields["console"]?.first.map(String.init)
        groups = (fields["groups"] ?? []).map(String.init).filter { $0.hasPrefix("lxc.") && !$0.contains("/") }
    }

    /// When a process began, in clock ticks since boot; nil when there is none.
    static func startTime(of pid: Int32) -> UInt64? {
        guard let text = try? AtomicFile.readText("/proc/\(pid)/stat", limit: 1 << 16),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // A zombie has ended.
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return UInt64(fields[19])
    }

    /// The process that a process is a child of; nil when there is none.
    static func parent(of pid: Int32) -> Int32? {
        guard let text = try? AtomicFile.readText("/proc/\(pid)/stat", limit: 1 << 16), let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    /// Both processes, if they are still the ones that were written down.
    func processes() -> (initProcess: ProcessHandle, monitor: ProcessHandle)? {
        guard let initProcess = try? ProcessHandle(pid: initPID), let monitor = try? ProcessHandle(pid: monitorPID),
            // Asked after the pidfds exist: what they refer to cannot change any more.
            Self.startTime(of: initPID) == initStart, Self.startTime(of: monitorPID) == monitorStart
        else { return nil }
        return (initProcess, monitor)
    }
}

/// The monitor of a container whose start did not come to its end, or which the daemon does not know.
enum LostMonitor {
    /// Ends it, and with it the container: liblxc ties init's life to its monitor's. Blocks for at most ten seconds.
    ///
    /// It is known by its title, which holds our folder: another daemon's container of that name has another.
    static func end(_ name: String, stateDirectory: String, tree: CgroupTree) {
        guard let entries = try? ConfinedDirectory(path: "/proc").list() else { return }
        let title = "[lxc monitor] " + stateDirectory + " " + name
        for pid in entries.compactMap({ Int32($0) }) {
            guard let bytes = try? AtomicFile.read("/proc/\(pid)/cmdline", limit: 8192), !bytes.isEmpty,
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) == title,
                // A process of a container may call itself what it likes, but is not the host's root's.
                let status = try? FileStatus.of(path: "/proc/\(pid)"), status.uid == 0,
                let process = try? ProcessHandle(pid: pid)
            else { continue }
            let groups = groups(of: pid, name: name, tree: tree)
            // It may end by itself just now.
            try? process.signal(9)
            for _ in 0..<5000 where process.exit == nil { pauseMilliseconds(2) }
            for group in groups {
                group.killAll()
                for _ in 0..<1000 where !group.processes().isEmpty { pauseMilliseconds(2) }
                group.remove()
            }
        }
    }

    /// The groups of a monitor and of its container.
    private static func groups(of monitor: Int32, name: String, tree: CgroupTree) -> [CgroupGroup] {
        var groups: [CgroupGroup] = []
        if let group = try? tree.group(ofProcess: monitor).ancestor(named: "lxc.monitor." + name) {
            groups.append(group)
        }
        let children = (try? AtomicFile.readText("/proc/\(monitor)/task/\(monitor)/children", limit: 4096)) ?? ""
        for child in children.split(separator: " ").compactMap({ Int32($0) }) {
            if let group = try? tree.group(ofProcess: child).ancestor(named: "lxc.payload." + name) {
                groups.append(group)
            }
        }
        return groups.filter { !$0.isEmpty }
    }
}
