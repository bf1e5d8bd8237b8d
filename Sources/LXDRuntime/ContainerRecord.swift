internal import LXDLinux

/// What the helper wrote down about a container that runs, for a daemon that comes later.
struct ContainerRecord: Hashable {
    var name: String
    var initPID: Int32
    var initStart: UInt64
    var monitorPID: Int32
    var monitorStart: UInt64
    var mountPoint: String

    /// Reads `key value` lines; nil when something is missing.
    init?(parsing text: String) {
        var fields: [Substring: [Substring]] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[parts[0]] = parts[0] == "mount" ? [parts[1]] : parts[1].split(separator: " ")
        }
        guard let name = fields["name"]?.first, let first = fields["init"], let monitor = fields["monitor"],
            let mount = fields["mount"]?.first, first.count == 2, monitor.count == 2, let initPID = Int32(first[0]),
            let initStart = UInt64(first[1]), let monitorPID = Int32(monitor[0]), let monitorStart = UInt64(monitor[1])
        else { return nil }
        (self.name, self.initPID, self.initStart) = (String(name), initPID, initStart)
        (self.monitorPID, self.monitorStart, mountPoint) = (monitorPID, monitorStart, String(mount))
    }

    /// When a process began, in clock ticks since boot; nil when there is none.
    static func startTime(of pid: Int32) -> UInt64? {
        guard let text = try? AtomicFile.readText("/proc/\(pid)/stat", limit: 1 << 16), let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // A zombie has ended.
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return UInt64(fields[19])
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
