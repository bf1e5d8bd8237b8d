import LXDAPI
import LXDConfig

/// Which version of the control groups holds each controller, and the sizes that percentages are of.
package struct HostLimits: Sendable, Hashable {
    package enum Version: Sendable, Hashable { case v1, v2 }

    package var controllers: [String: Version]
    package var memoryBytes: Int64
    /// The processors that containers may use.
    package var processors: [Int]
    /// Whether the memory controller can account swap apart.
    package var hasSwapAccounting: Bool

    package init(controllers: [String: Version], memoryBytes: Int64, processors: [Int], hasSwapAccounting: Bool) {
        self.controllers = controllers
        self.memoryBytes = memoryBytes
        self.processors = processors
        self.hasSwapAccounting = hasSwapAccounting
    }

    /// Whether `/dev/cgroup` files are those of version 2 alone.
    package var isUnified: Bool { controllers.values.allSatisfy { $0 == .v2 } }
}

/// A value for a file of a container's control group.
package struct LimitSetting: Sendable, Hashable {
    package let version: HostLimits.Version
    package let file: String
    package let value: String
}

/// What `limits.*` means as control group values. Pure: a start writes all of them, an update those whose keys changed.
package struct CgroupLimits: Sendable {
    let host: HostLimits

    package init(host: HostLimits) { self.host = host }

    /// The values for a start: only what differs from a new group's.
    package func atStart(_ config: [String: String]) throws -> [LimitSetting] {
        var settings: [LimitSetting] = []
        if config["limits.memory"]?.isEmpty == false { settings += try memory(config) }
        settings += try swappiness(config)
        if config["limits.cpu.priority"] != nil || config["limits.cpu.allowance"] != nil { settings += try cpu(config) }
        if config["limits.disk.priority"]?.isEmpty == false {
            guard host.controllers["blkio"] != nil || host.controllers["io"] != nil else {
                throw LXDError.internalError(
                    "Cannot apply limits.disk.priority as blkio.weight cgroup controller is missing")
            }
            settings += try diskPriority(config)
        }
        if config["limits.processes"]?.isEmpty == false { settings += try processes(config) }
        for key in Self.hugePageKeys where config[key]?.isEmpty == false { settings += try hugePages(config, key) }
        return settings
    }

    /// The values that make a running container follow a change of `keys`, limits that went away included.
    ///
    /// `limits.cpu` is not among them: processors are dealt out over all containers (see ``ProcessorPlan``).
    package func afterChange(of keys: Set<String>, _ config: [String: String]) throws -> [LimitSetting] {
        var settings: [LimitSetting] = []
        if keys.contains(where: { $0 == "limits.memory" || $0.hasPrefix("limits.memory.") }) {
            settings += memoryReset()
            settings += try memory(config)
            settings += try swappiness(config)
        }
        if keys.contains("limits.cpu.priority") || keys.contains("limits.cpu.allowance") { settings += try cpu(config) }
        if keys.contains("limits.disk.priority") { settings += try diskPriority(config) }
        if keys.contains("limits.processes") { settings += try processes(config) }
        for key in Self.hugePageKeys where keys.contains(key) { settings += try hugePages(config, key) }
        return settings
    }

    static let hugePageKeys = ["limits.hugepages.64KB", "limits.hugepages.1MB", "limits.hugepages.2MB", "limits.hugepages.1GB"]

    // MARK: Memory

    private func memoryReset() -> [LimitSetting] {
        switch host.controllers["memory"] {
        case .v1:
            (host.hasSwapAccounting ? [v1("memory.memsw.limit_in_bytes", "-1")] : [])
                + [v1("memory.limit_in_bytes", "-1"), v1("memory.soft_limit_in_bytes", "-1")]
        case .v2: [v2("memory.swap.max", "max"), v2("memory.max", "max"), v2("memory.high", "max")]
        case nil: []
        }
    }

    private func memory(_ config: [String: String]) throws -> [LimitSetting] {
        guard let version = host.controllers["memory"], let text = config["limits.memory"], !text.isEmpty else { return [] }
        let bytes = try memoryBytes(text)
        let isSoft = config["limits.memory.enforce"] == "soft"
        let swap = config["limits.memory.swap"] ?? ""
        let isSwapLimited = swap.isEmpty || isTrue(swap)
        switch version {
        case .v1:
            if isSoft { return [v1("memory.soft_limit_in_bytes", "\(bytes)")] }
            var settings = [v1("memory.limit_in_bytes", "\(bytes)")]
            if host.hasSwapAccounting, isSwapLimited { settings.append(v1("memory.memsw.limit_in_bytes", "\(bytes)")) }
            return settings + [v1("memory.soft_limit_in_bytes", "\(bytes / 10 * 9)")]
        case .v2:
            if isSoft { return [v2("memory.high", "\(bytes)")] }
            var settings = [v2("memory.max", "\(bytes)")]
            if host.hasSwapAccounting, isSwapLimited || isFalse(swap) { settings.append(v2("memory.swap.max", "0")) }
            return settings
        }
    }

    private func swappiness(_ config: [String: String]) throws -> [LimitSetting] {
        guard host.controllers["memory"] == .v1 else { return [] }
        if isFalse(config["limits.memory.swap"]) { return [v1("memory.swappiness", "0")] }
        guard let text = config["limits.memory.swap.priority"], !text.isEmpty else { return [] }
        guard let priority = Int(text), (0...10).contains(priority) else { throw invalid("limits.memory.swap.priority", text) }
        return [v1("memory.swappiness", "\(70 - priority)")]
    }

    private func memoryBytes(_ text: String) throws -> Int64 {
        guard text.hasSuffix("%") else { return try ByteCount.parse(text) }
        guard let percent = Int64(text.dropLast()), (0...1000).contains(percent) else { throw invalid("limits.memory", text) }
        return host.memoryBytes / 100 * percent
    }

    // MARK: Processors

    private func cpu(_ config: [String: String]) throws -> [LimitSetting] {
        guard let version = host.controllers["cpu"] else { return [] }
        let full = version == .v2 ? 100 : 1024
        let priority = try config["limits.cpu.priority"].flatMap { $0.isEmpty ? nil : $0 }.map { text in
            guard let value = Int(text), (0...10).contains(value) else { throw invalid("limits.cpu.priority", text) }
            return value
        }
        var shares = full
        var quota: Int64?
        var period: Int64 = 100_000
        if let text = config["limits.cpu.allowance"], !text.isEmpty {
            if text.hasSuffix("%") {
                guard let percent = Int(text.dropLast()), (0...10_000).contains(percent) else {
                    throw invalid("limits.cpu.allowance", text)
                }
                shares = full * percent / 100
            } else {
                let parts = text.split(separator: "/", omittingEmptySubsequences: false).map {
                    $0.hasSuffix("ms") ? Int64($0.dropLast(2)) : Int64($0)
                }
                guard parts.count == 2, let first = parts[0], let second = parts[1], (1...1_000_000).contains(first),
                    (1...1_000_000).contains(second)
                else { throw LXDError.badRequest("Invalid allowance: \(text)") }
                quota = first * 1000
                period = second * 1000
            }
        }
        shares = max(shares - (10 - (priority ?? 10)), 0)
        switch version {
        case .v1:
            return [
                v1("cpu.shares", "\(max(shares, 2))"), v1("cpu.cfs_period_us", "\(period)"),
                v1("cpu.cfs_quota_us", "\(quota ?? -1)"),
            ]
        case .v2:
            return [v2("cpu.weight", "\(max(shares, 1))"), v2("cpu.max", quota.map { "\($0) \(period)" } ?? "max")]
        }
    }

    // MARK: The rest

    private func diskPriority(_ config: [String: String]) throws -> [LimitSetting] {
        let text = config["limits.disk.priority"] ?? ""
        guard let priority = text.isEmpty ? 5 : Int(text), (0...10).contains(priority) else {
            throw invalid("limits.disk.priority", text)
        }
        let weight = max(priority * 100, 10)
        if host.controllers["io"] == .v2 { return [v2("io.weight", "\(weight)")] }
        return host.controllers["blkio"] == .v1 ? [v1("blkio.weight", "\(weight)")] : []
    }

    private func processes(_ config: [String: String]) throws -> [LimitSetting] {
        guard let version = host.controllers["pids"] else { return [] }
        let text = config["limits.processes"] ?? ""
        guard text.isEmpty || Int64(text).map({ $0 >= 0 }) == true else { throw invalid("limits.processes", text) }
        return [LimitSetting(version: version, file: "pids.max", value: text.isEmpty ? "max" : text)]
    }

    private func hugePages(_ config: [String: String], _ key: String) throws -> [LimitSetting] {
        guard let version = host.controllers["hugetlb"] else { return [] }
        let size = key.dropFirst("limits.hugepages.".count)
        let bytes = try config[key].flatMap { $0.isEmpty ? nil : try ByteCount.parse($0) }
        switch version {
        case .v1: return [v1("hugetlb.\(size).limit_in_bytes", bytes.map { "\($0)" } ?? "-1")]
        case .v2: return [v2("hugetlb.\(size).max", bytes.map { "\($0)" } ?? "max")]
        }
    }

    private func v1(_ file: String, _ value: String) -> LimitSetting { LimitSetting(version: .v1, file: file, value: value) }
    private func v2(_ file: String, _ value: String) -> LimitSetting { LimitSetting(version: .v2, file: file, value: value) }

    private func invalid(_ key: String, _ value: String) -> LXDError {
        .badRequest("Invalid value for config key \(goQuoted(key)): \(goQuoted(value))")
    }
}
