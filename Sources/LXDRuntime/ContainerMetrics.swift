internal import LXDLinux
package import LXDNetlink
internal import SystemPackage

/// What the kernel counts for one container.
package struct ContainerMetrics: Sendable {
    /// CPU time of one processor, nanoseconds.
    package struct ProcessorTime: Sendable, Hashable {
        package var processor: Int
        package var user: UInt64
        package var system: UInt64
    }

    /// Traffic of one block device.
    package struct DiskTraffic: Sendable, Hashable {
        /// The kernel's name; empty for one that is in no list of it.
        package var device: String
        package var readBytes: UInt64 = 0
        package var readCount: UInt64 = 0
        package var writtenBytes: UInt64 = 0
        package var writeCount: UInt64 = 0
    }

    package struct LinkTraffic: Sendable, Hashable {
        package var name: String
        package var counters: LinkStatistics
    }

    /// Bytes by kind, in the names that version 2 of cgroups has for them; `rss` in version 1 only.
    package var memory: [String: UInt64] = [:]
    /// Bytes in use, page cache included.
    package var memoryBytes: UInt64 = 0
    /// Bytes; nil without a limit.
    package var memoryLimitBytes: UInt64?
    package var swapBytes: UInt64?
    package var processors: [ProcessorTime] = []
    package var disks: [DiskTraffic] = []
    package var links: [LinkTraffic] = []
    /// Processes and threads.
    package var taskCount: UInt64 = 0
}

extension ContainerRuntime {
    /// Counters of these containers, those that run; some file reads and one question to the kernel each. Blocks.
    package func metrics(of names: [String]) -> [String: ContainerMetrics] {
        let devices = Self.blockDevices()
        let socket = try? RouteSocket()  // Without one there are no counters of links.
        var found: [String: ContainerMetrics] = [:]
        for name in names {
            guard let entry = try? entry(name), entry.initProcess.exit == nil else { continue }
            var metrics = entry.group.metrics(devices: devices)
            if let socket { metrics.links = Self.links(ofProcess: entry.initProcess.pid, socket) }
            found[name] = metrics
        }
        return found
    }

    private static func links(ofProcess pid: Int32, _ socket: RouteSocket) -> [ContainerMetrics.LinkTraffic] {
        // The container may end at any moment; then it has no links.
        guard let namespace = try? FileDescriptor.open("/proc/\(pid)/ns/net", .readOnly, options: .closeOnExec) else {
            return []
        }
        defer { try? namespace.close() }
        guard let number = try? socket.namespaceID(ofDescriptor: namespace.rawValue),
            let links = try? socket.links(namespaceID: number, withStatistics: true)
        else { return [] }
        return links.compactMap { link in link.statistics.map { .init(name: link.name, counters: $0) } }
    }

    /// `MAJOR:MINOR` -> name.
    private static func blockDevices() -> [String: String] {
        let text = (try? AtomicFile.readText("/proc/partitions", limit: 1 << 20)) ?? ""
        var names: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            if fields.count == 4, UInt32(fields[0]) != nil { names["\(fields[0]):\(fields[1])"] = String(fields[3]) }
        }
        return names
    }
}

extension CgroupGroup {
    fileprivate func metrics(devices: [String: String]) -> ContainerMetrics {
        var metrics = ContainerMetrics()
        metrics.memory = memoryByKind()
        metrics.memoryBytes = memoryBytes ?? 0
        metrics.memoryLimitBytes = memoryLimitBytes
        metrics.swapBytes = swapBytes
        metrics.processors = processorTimes()
        metrics.disks = isLegacy("blkio") ? oldDiskTraffic(devices) : diskTraffic(devices)
        metrics.taskCount = taskCount ?? UInt64(processes().count)
        return metrics
    }

    private static let memoryKinds: [Substring: String] = [
        "active_anon": "active_anon", "active_file": "active_file", "inactive_anon": "inactive_anon",
        "inactive_file": "inactive_file", "unevictable": "unevictable", "shmem": "shmem", "file_writeback": "writeback",
        "file_dirty": "dirty", "file_mapped": "mapped", "file": "cache", "total_active_anon": "active_anon",
        "total_active_file": "active_file", "total_inactive_anon": "inactive_anon",
        "total_inactive_file": "inactive_file", "total_unevictable": "unevictable", "total_shmem": "shmem",
        "total_writeback": "writeback", "total_dirty": "dirty", "total_mapped_file": "mapped", "total_rss": "rss",
        "total_cache": "cache",
    ]

    private func memoryByKind() -> [String: UInt64] {
        var kinds: [String: UInt64] = [:]
        // Version 1 lists the group's own numbers first and those with all groups below (`total_`) after them.
        for (key, value) in pairs(of: "memory.stat") { if let kind = Self.memoryKinds[key] { kinds[kind] = value } }
        guard !kinds.isEmpty else { return [:] }
        kinds["active"] = (kinds["active_anon"] ?? 0) &+ (kinds["active_file"] ?? 0)
        kinds["inactive"] = (kinds["inactive_anon"] ?? 0) &+ (kinds["inactive_file"] ?? 0)
        return kinds
    }

    private func processorTimes() -> [ContainerMetrics.ProcessorTime] {
        guard isLegacy("cpuacct") else {
            let all = Dictionary(pairs(of: "cpu.stat")) { first, _ in first }
            guard let user = all["user_usec"], let system = all["system_usec"] else { return [] }
            // Version 2 does not tell processors apart; all of it is shown as the first one's.
            return [.init(processor: 0, user: user &* 1000, system: system &* 1000)]
        }
        return lines(of: "cpuacct.usage_all").compactMap { fields in
            guard fields.count == 3, let processor = Int(fields[0]), let user = UInt64(fields[1]),
                let system = UInt64(fields[2])
            else { return nil }
            return .init(processor: processor, user: user, system: system)
        }
    }

    private func oldDiskTraffic(_ devices: [String: String]) -> [ContainerMetrics.DiskTraffic] {
        var all: [Substring: ContainerMetrics.DiskTraffic] = [:]
        func read(_ file: String, _ change: (inout ContainerMetrics.DiskTraffic, Substring, UInt64) -> Void) {
            for fields in lines(of: file) {
                guard fields.count == 3, let value = UInt64(fields[2]) else { continue }
                change(&all[fields[0], default: .init(device: devices[String(fields[0])] ?? "")], fields[1], value)
            }
        }
        read("blkio.throttle.io_service_bytes_recursive") { disk, kind, value in
            if kind == "Read" { disk.readBytes = value } else if kind == "Write" { disk.writtenBytes = value }
        }
        read("blkio.throttle.io_serviced_recursive") { disk, kind, value in
            if kind == "Read" { disk.readCount = value } else if kind == "Write" { disk.writeCount = value }
        }
        return all.values.sorted { $0.device < $1.device }
    }

    private func diskTraffic(_ devices: [String: String]) -> [ContainerMetrics.DiskTraffic] {
        lines(of: "io.stat").map { fields in
            var disk = ContainerMetrics.DiskTraffic(device: fields.first.flatMap { devices[String($0)] } ?? "")
            for field in fields.dropFirst() {
                let parts = field.split(separator: "=")
                guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
                switch parts[0] {
                case "rbytes": disk.readBytes = value
                case "wbytes": disk.writtenBytes = value
                case "rios": disk.readCount = value
                case "wios": disk.writeCount = value
                default: break
                }
            }
            return disk
        }
    }

    private func pairs(of file: String) -> [(Substring, UInt64)] {
        lines(of: file).compactMap { fields in
            fields.count == 2 ? UInt64(fields[1]).map { (fields[0], $0) } : nil
        }
    }

    /// The words of each line; none where the file is missing.
    private func lines(of file: String) -> [[Substring]] {
        ((try? read(file)) ?? "").split(separator: "\n").map { $0.split(separator: " ") }
    }
}
