package import LXDLinux

extension HostLimits {
    /// What this host offers.
    package init(_ tree: CgroupTree) {
        var controllers: [String: Version] = [:]
        for name in ["cpu", "cpuset", "memory", "pids", "hugetlb", "blkio", "io"] {
            if tree.controllers[name] != nil {
                controllers[name] = .v1
            } else if tree.unifiedControllers.contains(name) {
                controllers[name] = .v2
            }
        }
        let isUnified = controllers["memory"] == .v2
        let memory = tree.controllers["memory"] ?? ""
        self.init(
            controllers: controllers, memoryBytes: Self.totalMemory(), processors: Self.usableProcessors(tree),
            hasSwapAccounting: isUnified || (try? FileStatus.of(path: memory + "/memory.memsw.limit_in_bytes")) != nil)
    }

    private static func text(_ path: String) -> String? { try? AtomicFile.readText(path, limit: 1 << 20) }

    private static func totalMemory() -> Int64 {
        for line in (text("/proc/meminfo") ?? "").split(separator: "\n") where line.hasPrefix("MemTotal:") {
            let number = line.split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? 0
            return number * 1024
        }
        return 0
    }

    /// The processors of our own group, without those the kernel keeps apart.
    private static func usableProcessors(_ tree: CgroupTree) -> [Int] {
        let candidates = [
            (tree.controllers["cpuset"] ?? "") + "/cpuset.effective_cpus", (tree.controllers["cpuset"] ?? "") + "/cpuset.cpus",
            (tree.unified ?? "") + "/cpuset.cpus.effective", "/sys/devices/system/cpu/online",
        ]
        let all = candidates.lazy.compactMap(text).map(ProcessorPlan.parse).first { !$0.isEmpty } ?? [0]
        let isolated = Set(ProcessorPlan.parse(text("/sys/devices/system/cpu/isolated") ?? ""))
        return all.filter { !isolated.contains($0) }
    }
}

extension StartHost {
    /// This host: its limits, and lxcfs if it runs.
    package static func probe(paths: DaemonPaths, tree: CgroupTree, logLevel: String = "warn") -> StartHost {
        var host = StartHost(paths: paths, limits: HostLimits(tree))
        host.logLevel = logLevel
        let lxcfs = "/var/lib/lxcfs"
        if (try? FileStatus.of(path: lxcfs + "/proc/meminfo")) != nil { host.lxcfsDirectory = lxcfs }
        return host
    }
}

extension IDMapSet.HostRange {
    /// What this host's subuid and subgid files give to root.
    package static func probe() -> Self {
        Self(
            subuid: try? AtomicFile.readText("/etc/subuid", limit: 1 << 20),
            subgid: try? AtomicFile.readText("/etc/subgid", limit: 1 << 20))
    }
}
