internal import CLXDLinux
internal import Glibc
internal import LXDLinux

extension ContainerRuntime {
    /// What in a running container criu cannot write down, found without stopping anything; each a sentence a person can act on.
    package func checkpointObstacles(_ name: String) throws -> [String] {
        let entry = try entry(name)
        let scan = ObstacleScan(initPID: entry.initProcess.pid)
        // Pages that are not here yet would be written down as if they were empty.
        let late =
            lateMemory.contains(name)
            ? ["Its memory is still on its way here from the server that it has come from; try again later"] : []
        return late + scan.mounts() + entry.group.processes().flatMap { scan.process($0) }
    }
}

extension ContainerRuntime {
    /// Bytes that a container's processes have in memory for themselves, which is about what their images take; 0 if it does
    /// not run.
    package func memory(_ name: String) -> Int64 {
        guard let entry = try? entry(name) else { return 0 }
        var kibibytes: Int64 = 0
        for pid in entry.group.processes() {
            // It may have ended meanwhile.
            guard let status = try? AtomicFile.readText("/proc/\(pid)/status", limit: 1 << 16) else { continue }
            for line in status.split(separator: "\n") where line.hasPrefix("RssAnon:") || line.hasPrefix("RssShmem:") {
                kibibytes += line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int64($0) } ?? 0
            }
        }
        return kibibytes << 10
    }
}

/// Looks at processes through /proc.
struct ObstacleScan {
    private let namespaces: [String: String]
    private let initPID: Int32

    init(initPID: Int32) {
        self.initPID = initPID
        namespaces = Self.namespaces(of: initPID)
    }

    private static let kinds = ["uts": "UTS", "pid": "PID", "ipc": "IPC", "user": "user", "time": "time"]

    private static func namespaces(of pid: Int32) -> [String: String] {
        var found: [String: String] = [:]
        for kind in kinds.keys { if let own = link("/proc/\(pid)/ns/\(kind)") { found[kind] = own } }
        return found
    }

    private static func link(_ path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes { raw in raw.baseAddress.map { readlink(path, $0, raw.count) } ?? -1 }
        return count > 0 ? String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    /// File systems mounted inside that criu does not mount again.
    func mounts() -> [String] {
        guard let text = try? AtomicFile.readText("/proc/\(initPID)/mountinfo", limit: 4 << 20) else { return [] }
        var obstacles: [String] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash + 2 < fields.count, fields.count > 4 else { continue }
            let (type, target) = (fields[dash + 1], fields[4])
            if type == "overlay", target != "/" {
                obstacles.append("An overlay file system is mounted at \(target); unmount it")
            } else if type == "fuse" || type.hasPrefix("fuse."), type != "fuse.lxcfs" {
                obstacles.append("A FUSE file system (\(type)) is mounted at \(target); unmount it")
            }
        }
        return obstacles
    }

    func process(_ pid: Int32) -> [String] {
        // It may have ended meanwhile; then it is no obstacle.
        guard let status = try? AtomicFile.readText("/proc/\(pid)/status", limit: 1 << 16) else { return [] }
        var name = "?"
        var isTraced = false
        for line in status.split(separator: "\n") {
            if line.hasPrefix("Name:") { name = String(line.dropFirst(5).drop { $0 == "\t" }) }
            if line.hasPrefix("TracerPid:"), !line.hasSuffix("\t0") { isTraced = true }
            if line.hasPrefix("State:\tZ") { return [] }
        }
        let who = "Process \(pid) (\(unit(of: pid) ?? name))"
        var obstacles: [String] = []
        if isTraced { obstacles.append("\(who) is being traced by a debugger; end the debugger") }
        for (kind, own) in Self.namespaces(of: pid).sorted(by: { $0.key < $1.key }) where namespaces[kind] ?? own != own {
            obstacles.append("\(who) uses its own \(Self.kinds[kind] ?? kind) namespace, which cannot be checkpointed")
        }
        for what in openObstacles(pid) { obstacles.append("\(who) holds an open \(what); stop it") }
        return obstacles
    }

    /// The systemd unit of a process, by its group.
    private func unit(of pid: Int32) -> String? {
        guard let text = try? AtomicFile.readText("/proc/\(pid)/cgroup", limit: 1 << 16) else { return nil }
        for line in text.split(separator: "\n") {
            if let last = line.split(separator: "/").last, last.hasSuffix(".service") || last.hasSuffix(".scope"),
                !last.hasPrefix("init.")
            {
                return String(last)
            }
        }
        return nil
    }

    private func openObstacles(_ pid: Int32) -> Set<String> {
        let folder = "/proc/\(pid)/fd"
        guard let numbers = try? ConfinedDirectory(path: folder).list() else { return [] }
        var found: Set<String> = []
        for number in numbers {
            let path = folder + "/" + number
            guard let target = Self.link(path) else { continue }
            if target.hasPrefix("anon_inode:[io_uring]") { found.insert("io_uring") }
            if target == "/dev/fuse" { found.insert("/dev/fuse") }
            if target.hasPrefix("/"), target.dropFirst().firstIndex(of: "/") == nil, Self.isMessageQueue(path) {
                found.insert("POSIX message queue")
            }
        }
        return found
    }

    private static func isMessageQueue(_ path: String) -> Bool {
        var info = statfs()
        return statfs(path, &info) == 0 && info.f_type == 0x1980_0202
    }
}
