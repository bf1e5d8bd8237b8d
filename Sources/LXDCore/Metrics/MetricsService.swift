import Glibc
import LXDDatabase
import LXDLinux
import LXDNetlink
package import LXDRuntime
import LXDStorage
import Synchronization

/// `/1.0/metrics`: what instances use, as OpenMetrics text.
///
/// What has been read is good for eight seconds, as LXD keeps it; those who ask meanwhile, or while it is being read,
/// share it. All containers are read in one go on one thread, without a process or a namespace entered for any of them.
package final class MetricsService: Sendable {
    /// Reads counters of the containers with these runtime names.
    package typealias Reader = @Sendable (_ names: [String]) async -> [String: ContainerMetrics]

    private struct Cached {
        var sets: [String: MetricSet]
        var until: ContinuousClock.Instant
    }

    private static let lifetime = Duration.seconds(8)

    private let environment: InstanceEnvironment
    private let lifecycle: InstanceLifecycle
    private let operations: Operations
    private let read: Reader
    private let space = FilesystemSpace()
    private let started = ContinuousClock.now
    private let cached = Mutex<Cached?>(nil)
    private let building = Mutex<Task<[String: MetricSet], any Error>?>(nil)

    package init(
        environment: InstanceEnvironment, lifecycle: InstanceLifecycle, operations: Operations, read: @escaping Reader
    ) {
        self.environment = environment
        self.lifecycle = lifecycle
        self.operations = operations
        self.read = read
    }

    /// - Parameters:
    ///   - isVisible: Whether the asker may see a project.
    ///   - withServer: Whether the server's own numbers are in it.
    package func text(withServer: Bool, _ isVisible: (String) -> Bool) async throws -> String {
        var set = MetricSet()
        for (project, part) in try await sets().sorted(by: { $0.key < $1.key }) where isVisible(project) {
            set.merge(part)
        }
        if withServer { try await addServer(&set) }
        return set.text
    }

    // MARK: Instances

    private func sets() async throws -> [String: MetricSet] {
        if let known = cached.withLock({ $0 }), known.until > .now { return known.sets }
        let task = building.withLock { building in
            if let running = building { return running }
            let task = Task {
                defer { self.building.withLock { $0 = nil } }
                let sets = try await self.build()
                self.cached.withLock { $0 = Cached(sets: sets, until: .now + Self.lifetime) }
                return sets
            }
            building = task
            return task
        }
        return try await task.value
    }

    private func build() async throws -> [String: MetricSet] {
        let running = await lifecycle.statuses()
        let instances = try await environment.store.read { try $0.loadInstances() }.filter {
            running[$0.runtimeName] != nil
        }
        let counters = await read(instances.map(\.runtimeName))
        let filesystems = await filesystems(of: instances)
        let totalBytes = UInt64(clamping: Int64(sysconf(CInt(_SC_PHYS_PAGES))) * Int64(sysconf(CInt(_SC_PAGESIZE))))
        var sets: [String: MetricSet] = [:]
        for instance in instances {
            guard let metrics = counters[instance.runtimeName] else { continue }
            let owner: MetricLabels = ["project": instance.project, "name": instance.name]
            sets[instance.project, default: MetricSet()].add(metrics, owner.with(["type": "container"]), totalBytes)
            for (labels, reading) in filesystems[instance.runtimeName] ?? [] {
                sets[instance.project, default: MetricSet()].add(reading, owner.with(labels))
            }
        }
        return sets
    }

    private func filesystems(of instances: [LoadedInstance]) async -> [String: [(MetricLabels, FilesystemReading)]] {
        let mounts = Dictionary(
            ((try? MountTable.current())?.entries ?? []).map { ($0.target, $0) }, uniquingKeysWith: { $1 })
        var readings: [String: FilesystemReading?] = [:]
        var found: [String: [(MetricLabels, FilesystemReading)]] = [:]
        for instance in instances {
            for (_, device) in instance.devicesInOrder {
                guard device["type"] == "disk", let target = device["path"], !target.isEmpty,
                    let path = try? await hostPath(of: device, instance)
                else { continue }
                let known: FilesystemReading?
                if let before = readings[path] { known = before } else {
                    known = await space.reading(of: path)
                    readings[path] = .some(known)
                }
                guard let known else { continue }
                let labels: MetricLabels = [
                    "device": mounts[path]?.source ?? device["source"] ?? "",
                    "fstype": Self.mount(of: path, mounts)?.fsType ?? "", "mountpoint": target,
                ]
                found[instance.runtimeName, default: []].append((labels, known))
            }
        }
        return found
    }

    /// The mount that a path is on.
    private static func mount(of path: String, _ mounts: [String: MountEntryInfo]) -> MountEntryInfo? {
        var folder = path[...]
        while let slash = folder.lastIndex(of: "/") {
            if let mount = mounts[String(folder)] { return mount }
            folder = folder[..<slash]
        }
        return mounts["/"]
    }

    /// Where on the host the filesystem of a disk device is.
    private func hostPath(of device: [String: String], _ instance: LoadedInstance) async throws -> String {
        let source = device["source"] ?? ""
        guard let pool = device["pool"], !pool.isEmpty else { return source }
        let driver = try await environment.pools.driver(pool)
        guard !source.isEmpty else { return driver.mountPath(try environment.volume(instance.key)) }
        let project = try await environment.store.read { try $0.effectiveProject(instance.project, .storageVolumes) }
        return driver.mountPath(try Volume.custom(project + "_" + source))
    }

    // MARK: The server

    private func addServer(_ set: inout MetricSet) async throws {
        set.add(.operations, operations.count)
        set.add(.warnings, try await environment.store.read { tx in
            try tx.warnings(project: nil).filter { $0.status == 1 }.count
        })
        set.add(.uptime, Int64((ContinuousClock.now - started).components.seconds))
        let status = (try? AtomicFile.readText("/proc/self/status")) ?? ""
        for line in status.split(separator: "\n") {
            let fields = line.split(whereSeparator: { $0 == ":" || $0.isWhitespace })
            guard fields.count >= 2, let value = UInt64(fields[1]) else { continue }
            if fields[0] == "VmRSS" { set.add(.serverMemory, value * 1024) }
            if fields[0] == "Threads" { set.add(.serverThreads, value) }
        }
        set.add(.serverDescriptors, Self.openDescriptors())
    }

    private static func openDescriptors() -> Int {
        guard let stream = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(stream) }
        var count = -3  // Itself and the two dots.
        while readdir(stream) != nil { count += 1 }
        return max(0, count)
    }
}

extension MetricSet {
    fileprivate mutating func add(_ metrics: ContainerMetrics, _ owner: MetricLabels, _ hostBytes: UInt64) {
        for processor in metrics.processors {
            let labels = owner.with(["cpu": String(processor.processor)])
            add(.cpuSeconds, seconds: Double(processor.system) / 1e9, labels.with(["mode": "system"]))
            add(.cpuSeconds, seconds: Double(processor.user) / 1e9, labels.with(["mode": "user"]))
        }
        for disk in metrics.disks {
            let labels = owner.with(["device": disk.device])
            add(.diskReadBytes, disk.readBytes, labels)
            add(.diskReads, disk.readCount, labels)
            add(.diskWrittenBytes, disk.writtenBytes, labels)
            add(.diskWrites, disk.writeCount, labels)
        }
        addMemory(metrics, owner, hostBytes)
        for link in metrics.links {
            let labels = owner.with(["device": link.name])
            add(.networkReceivedBytes, link.counters.receivedBytes, labels)
            add(.networkReceiveDropped, link.counters.receiveDropped, labels)
            add(.networkReceiveErrors, link.counters.receiveErrors, labels)
            add(.networkReceivedPackets, link.counters.receivedPackets, labels)
            add(.networkSentBytes, link.counters.sentBytes, labels)
            add(.networkSendDropped, link.counters.sendDropped, labels)
            add(.networkSendErrors, link.counters.sendErrors, labels)
            add(.networkSentPackets, link.counters.sentPackets, labels)
        }
        add(.processes, metrics.taskCount, owner)
    }

    private static let memoryMetrics: [(kind: String, metric: Metric)] = [
        ("active_anon", .memoryActiveAnonymous), ("active_file", .memoryActiveFile), ("active", .memoryActive),
        ("cache", .memoryCached), ("dirty", .memoryDirty), ("inactive_anon", .memoryInactiveAnonymous),
        ("inactive_file", .memoryInactiveFile), ("inactive", .memoryInactive), ("mapped", .memoryMapped),
        ("rss", .memoryResident), ("shmem", .memoryShared), ("unevictable", .memoryUnevictable),
        ("writeback", .memoryWriteback),
    ]

    private mutating func addMemory(_ metrics: ContainerMetrics, _ owner: MetricLabels, _ hostBytes: UInt64) {
        for (kind, metric) in Self.memoryMetrics {
            if let bytes = metrics.memory[kind] { add(metric, bytes, owner) }
        }
        let total = min(metrics.memoryLimitBytes ?? hostBytes, hostBytes)
        let free = total > metrics.memoryBytes ? total - metrics.memoryBytes : 0
        add(.memoryTotal, total, owner)
        add(.memoryFree, free, owner)
        add(.memoryAvailable, min(total, free &+ (metrics.memory["cache"] ?? 0)), owner)
        if let swap = metrics.swapBytes { add(.memorySwap, swap, owner) }
    }

    fileprivate mutating func add(_ reading: FilesystemReading, _ labels: MetricLabels) {
        add(.filesystemAvailable, reading.availableBytes, labels)
        add(.filesystemFree, reading.freeBytes, labels)
        add(.filesystemSize, reading.sizeBytes, labels)
    }
}
