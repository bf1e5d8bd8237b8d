/// The metrics this server has, in the order they are shown. LXD's names; the last group is ours.
package enum Metric: String, CaseIterable, Sendable {
    case cpuSeconds = "lxd_cpu_seconds_total"
    case diskReadBytes = "lxd_disk_read_bytes_total"
    case diskReads = "lxd_disk_reads_completed_total"
    case diskWrittenBytes = "lxd_disk_written_bytes_total"
    case diskWrites = "lxd_disk_writes_completed_total"
    case filesystemAvailable = "lxd_filesystem_avail_bytes"
    case filesystemFree = "lxd_filesystem_free_bytes"
    case filesystemSize = "lxd_filesystem_size_bytes"
    case memoryActiveAnonymous = "lxd_memory_Active_anon_bytes"
    case memoryActiveFile = "lxd_memory_Active_file_bytes"
    case memoryActive = "lxd_memory_Active_bytes"
    case memoryCached = "lxd_memory_Cached_bytes"
    case memoryDirty = "lxd_memory_Dirty_bytes"
    case memoryInactiveAnonymous = "lxd_memory_Inactive_anon_bytes"
    case memoryInactiveFile = "lxd_memory_Inactive_file_bytes"
    case memoryInactive = "lxd_memory_Inactive_bytes"
    case memoryMapped = "lxd_memory_Mapped_bytes"
    case memoryAvailable = "lxd_memory_MemAvailable_bytes"
    case memoryFree = "lxd_memory_MemFree_bytes"
    case memoryTotal = "lxd_memory_MemTotal_bytes"
    case memoryResident = "lxd_memory_RSS_bytes"
    case memoryShared = "lxd_memory_Shmem_bytes"
    case memorySwap = "lxd_memory_Swap_bytes"
    case memoryUnevictable = "lxd_memory_Unevictable_bytes"
    case memoryWriteback = "lxd_memory_Writeback_bytes"
    case networkReceivedBytes = "lxd_network_receive_bytes_total"
    case networkReceiveDropped = "lxd_network_receive_drop_total"
    case networkReceiveErrors = "lxd_network_receive_errs_total"
    case networkReceivedPackets = "lxd_network_receive_packets_total"
    case networkSentBytes = "lxd_network_transmit_bytes_total"
    case networkSendDropped = "lxd_network_transmit_drop_total"
    case networkSendErrors = "lxd_network_transmit_errs_total"
    case networkSentPackets = "lxd_network_transmit_packets_total"
    case processes = "lxd_procs_total"

    case operations = "lxd_operations_total"
    case warnings = "lxd_warnings_total"
    case uptime = "lxd_uptime_seconds"
    case serverMemory = "lxd_server_resident_bytes"
    case serverDescriptors = "lxd_server_open_descriptors"
    case serverThreads = "lxd_server_threads"

    /// What it means, for people.
    package var text: String {
        switch self {
        case .cpuSeconds: "CPU time used, in seconds, by mode and processor."
        case .diskReadBytes: "Bytes read from the device."
        case .diskReads: "Reads completed on the device."
        case .diskWrittenBytes: "Bytes written to the device."
        case .diskWrites: "Writes completed on the device."
        case .filesystemAvailable: "Bytes of the filesystem that an unprivileged user may still write."
        case .filesystemFree: "Bytes of the filesystem that are free."
        case .filesystemSize: "Bytes of the filesystem."
        case .memoryActiveAnonymous: "Bytes of anonymous memory in recent use."
        case .memoryActiveFile: "Bytes of file pages in recent use."
        case .memoryActive: "Bytes of memory in recent use."
        case .memoryCached: "Bytes of page cache."
        case .memoryDirty: "Bytes that wait to be written to disk."
        case .memoryInactiveAnonymous: "Bytes of anonymous memory not in recent use."
        case .memoryInactiveFile: "Bytes of file pages not in recent use."
        case .memoryInactive: "Bytes of memory not in recent use."
        case .memoryMapped: "Bytes of files mapped into memory."
        case .memoryAvailable: "Bytes of memory still to be had, page cache given back."
        case .memoryFree: "Bytes of memory not in use."
        case .memoryTotal: "Bytes of memory the instance may use."
        case .memoryResident: "Bytes of anonymous memory and swap cache."
        case .memoryShared: "Bytes of shared memory and tmpfs."
        case .memorySwap: "Bytes of swap in use."
        case .memoryUnevictable: "Bytes of memory that cannot be taken back."
        case .memoryWriteback: "Bytes that are being written to disk."
        case .networkReceivedBytes: "Bytes received on the interface."
        case .networkReceiveDropped: "Packets dropped on their way in."
        case .networkReceiveErrors: "Errors while receiving."
        case .networkReceivedPackets: "Packets received on the interface."
        case .networkSentBytes: "Bytes sent on the interface."
        case .networkSendDropped: "Packets dropped on their way out."
        case .networkSendErrors: "Errors while sending."
        case .networkSentPackets: "Packets sent on the interface."
        case .processes: "Processes that run."
        case .operations: "Operations the server knows of."
        case .warnings: "Warnings that nobody has dealt with."
        case .uptime: "Seconds since the server started."
        case .serverMemory: "Bytes of memory the server has resident."
        case .serverDescriptors: "Descriptors the server has open."
        case .serverThreads: "Threads of the server."
        }
    }

    /// Counters only grow.
    package var kind: String {
        switch self {
        case .processes, .operations, .warnings: "gauge"
        default: rawValue.hasSuffix("_total") ? "counter" : "gauge"
        }
    }
}

/// Values of metrics with their labels, as lines of OpenMetrics text.
package struct MetricSet: Sendable {
    private var lines: [Metric: [String]] = [:]

    package init() {}

    package mutating func add(_ metric: Metric, _ value: some BinaryInteger, _ labels: MetricLabels = .init()) {
        add(metric, text: String(value), labels)
    }

    package mutating func add(_ metric: Metric, seconds: Double, _ labels: MetricLabels = .init()) {
        add(metric, text: seconds.description, labels)
    }

    package mutating func merge(_ other: MetricSet) {
        for (metric, more) in other.lines { lines[metric, default: []] += more }
    }

    /// The whole text with its end mark.
    package var text: String {
        var text = ""
        for metric in Metric.allCases {
            guard let lines = lines[metric] else { continue }
            text += "# HELP \(metric.rawValue) \(metric.text)\n# TYPE \(metric.rawValue) \(metric.kind)\n"
            for line in lines { text += line }
        }
        return text + "# EOF\n"
    }

    private mutating func add(_ metric: Metric, text: String, _ labels: MetricLabels) {
        lines[metric, default: []].append("\(metric.rawValue)\(labels.text) \(text)\n")
    }
}

/// Labels of a value, shown sorted by name.
package struct MetricLabels: Sendable, ExpressibleByDictionaryLiteral {
    private var pairs: [(name: String, value: String)]

    package init() { pairs = [] }
    package init(dictionaryLiteral elements: (String, String)...) { pairs = elements.map { ($0.0, $0.1) } }

    package func with(_ more: MetricLabels) -> MetricLabels {
        var all = self
        all.pairs += more.pairs
        return all
    }

    fileprivate var text: String {
        guard !pairs.isEmpty else { return "" }
        let sorted = pairs.sorted { $0.name < $1.name }.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
        return "{" + sorted.joined(separator: ",") + "}"
    }

    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 34 || $0 == 92 || $0 == 10 }) else { return value }
        return value.reduce(into: "") { text, character in
            switch character {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
