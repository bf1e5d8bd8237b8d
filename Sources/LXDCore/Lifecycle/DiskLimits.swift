import LXDAPI
import LXDConfig
import LXDLinux

/// How much may be moved a second; zero is without limit.
package struct DiskThrottle: Sendable, Hashable {
    package var readBytes: Int64 = 0
    package var readOperations: Int64 = 0
    package var writeBytes: Int64 = 0
    package var writeOperations: Int64 = 0

    package var isUnlimited: Bool { self == DiskThrottle() }

    package init() {}

    /// Reads `limits.read`, `limits.write` and `limits.max` of a disk: `10MB` is bytes, `100iops` operations.
    package init(_ device: [String: String]) throws {
        let both = device["limits.max"] ?? ""
        (readBytes, readOperations) = try Self.parse(both.isEmpty ? device["limits.read"] ?? "" : both)
        (writeBytes, writeOperations) = try Self.parse(both.isEmpty ? device["limits.write"] ?? "" : both)
    }

    private static func parse(_ text: String) throws -> (bytes: Int64, operations: Int64) {
        guard !text.isEmpty else { return (0, 0) }
        guard text.hasSuffix("iops") else { return (try ByteCount.parse(text), 0) }
        guard let operations = Int64(text.dropLast(4)), operations >= 0 else {
            throw LXDError.badRequest("Invalid disk limit: \(goQuoted(text))")
        }
        return (0, operations)
    }
}

/// What the limits of an instance's disks mean for its control group. The kernel limits a group on a block device, so
/// disks that lie on the same one share the average of their limits, as in LXD.
package enum DiskLimits {
    /// - Parameter block: The block device, as `major:minor`, that holds a disk.
    package static func throttles(
        _ devices: [String: [String: String]], block: (_ device: [String: String]) throws -> String
    ) throws -> [String: DiskThrottle] {
        var limits: [String: [DiskThrottle]] = [:]
        for (_, device) in devices where device["type"] == "disk" {
            let throttle = try DiskThrottle(device)
            if throttle.isUnlimited { continue }
            limits[try block(device), default: []].append(throttle)
        }
        return limits.mapValues(average)
    }

    private static func average(_ limits: [DiskThrottle]) -> DiskThrottle {
        func mean(_ key: KeyPath<DiskThrottle, Int64>) -> Int64 {
            let values = limits.map { $0[keyPath: key] }.filter { $0 > 0 }
            return values.isEmpty ? 0 : values.map { $0 / Int64(values.count) }.reduce(0, +)
        }
        var throttle = DiskThrottle()
        throttle.readBytes = mean(\.readBytes)
        throttle.readOperations = mean(\.readOperations)
        throttle.writeBytes = mean(\.writeBytes)
        throttle.writeOperations = mean(\.writeOperations)
        return throttle
    }

    /// The values for a start.
    package static func atStart(_ throttles: [String: DiskThrottle], _ host: HostLimits) throws -> [LimitSetting] {
        try afterChange(from: [:], to: throttles, host)
    }

    /// The values that bring a running container from one set of limits to another; a limit that went away is lifted.
    package static func afterChange(
        from old: [String: DiskThrottle], to new: [String: DiskThrottle], _ host: HostLimits
    ) throws -> [LimitSetting] {
        let changed = Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }
        guard !changed.isEmpty else { return [] }
        guard let version = host.controllers["blkio"] ?? host.controllers["io"] else {
            throw LXDError.internalError("Cannot apply disk limits as blkio cgroup controller is missing")
        }
        return changed.flatMap { block -> [LimitSetting] in
            let (before, after) = (old[block] ?? DiskThrottle(), new[block] ?? DiskThrottle())
            let values = rows.filter { before[keyPath: $0.value] != after[keyPath: $0.value] }
            switch version {
            case .v1:
                return values.map {
                    LimitSetting(version: .v1, file: $0.file, value: "\(block) \(after[keyPath: $0.value])")
                }
            case .v2:
                let words = values.map { row in
                    let value = after[keyPath: row.value]
                    return "\(row.word)=\(value == 0 ? "max" : "\(value)")"
                }
                return [LimitSetting(version: .v2, file: "io.max", value: "\(block) \(words.joined(separator: " "))")]
            }
        }
    }

    private static var rows: [(value: KeyPath<DiskThrottle, Int64>, file: String, word: String)] { [
        (\.readBytes, "blkio.throttle.read_bps_device", "rbps"),
        (\.readOperations, "blkio.throttle.read_iops_device", "riops"),
        (\.writeBytes, "blkio.throttle.write_bps_device", "wbps"),
        (\.writeOperations, "blkio.throttle.write_iops_device", "wiops"),
    ] }

    // MARK: Which block device

    /// The whole block device that holds a path of the host, or that the path is: limits are refused on partitions.
    ///
    /// - Returns: `major:minor`.
    static func block(of path: String) throws -> String {
        let status: FileStatus
        do { status = try FileStatus.of(path: path) } catch {
            throw LXDError.badRequest("Block device path doesn't exist \(goQuoted(path))")
        }
        if status.kind == .blockDevice { return whole(status.nodeMajor, status.nodeMinor) }
        if status.deviceMajor != 0 { return whole(status.deviceMajor, status.deviceMinor) }
        // File systems over several devices, as btrfs is, have no number of their own; the mount's source is one of them.
        let holder = try MountTable.current().entries
            .filter { path == $0.target || path.hasPrefix($0.target == "/" ? "/" : $0.target + "/") }
            .max { $0.target.utf8.count < $1.target.utf8.count }
        guard let source = holder?.source, let node = try? FileStatus.of(path: source), node.kind == .blockDevice else {
            throw LXDError.badRequest("Block device doesn't support quotas \(goQuoted(path))")
        }
        return whole(node.nodeMajor, node.nodeMinor)
    }

    private static func whole(_ major: UInt32, _ minor: UInt32) -> String {
        let entry = "/sys/dev/block/\(major):\(minor)"
        guard (try? FileStatus.of(path: entry + "/partition")) != nil,
            let parent = try? AtomicFile.readText(entry + "/../dev", limit: 64)
        else { return "\(major):\(minor)" }
        return String(parent.prefix { $0 != "\n" })
    }
}

extension InstanceLifecycle {
    /// The limits of an instance's disks on this host.
    func diskThrottles(_ instance: LoadedInstance) throws -> [String: DiskThrottle] {
        try DiskLimits.throttles(instance.expandedDevices) { device in
            let (pool, source) = (device["pool"] ?? "", device["source"] ?? "")
            return try DiskLimits.block(of: pool.isEmpty ? source : host.paths.storagePool(pool))
        }
    }
}
