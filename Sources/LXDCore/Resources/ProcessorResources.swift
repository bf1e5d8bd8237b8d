import LXDAPI

extension HostResources {
    /// Sockets, cores and threads as the kernel's topology has them.
    func processors() -> ResourcesCPU {
        struct CoreKey: Hashable {
            let socket: Int64
            let die: Int64
            let core: Int64
        }
        let base = "/sys/devices/system/cpu"
        let isolated = Self.cpuSet(files.text(base + "/isolated") ?? "")
        let descriptions = processorDescriptions()
        var sockets: [Int64: ResourcesCPUSocket] = [:]
        var cores: [CoreKey: ResourcesCPUCore] = [:]
        var total: UInt64 = 0
        for name in files.names(base) {
            guard name.hasPrefix("cpu"), let number = Int64(name.dropFirst(3)) else { continue }
            let path = base + "/" + name
            guard files.exists(path + "/topology") else { continue }
            // Platforms without a socket or die say -1.
            let socket = max(files.signed(path + "/topology/physical_package_id") ?? 0, 0)
            let key = CoreKey(
                socket: socket, die: max(files.signed(path + "/topology/die_id") ?? 0, 0),
                core: max(files.signed(path + "/topology/core_id") ?? 0, 0))
            if sockets[socket] == nil {
                sockets[socket] = .with {
                    $0.socket = UInt64(socket)
                    $0.vendor = descriptions[number]?.vendor ?? ""
                    $0.name = descriptions[number]?.name ?? ""
                    $0.cache = caches(path + "/cache")
                    $0.frequencyMinimum = frequency(path, ["cpuinfo_min_freq", "scaling_min_freq"])
                    $0.frequencyTurbo = frequency(path, ["cpuinfo_max_freq", "scaling_max_freq"])
                }
            }
            var core =
                cores[key]
                ?? .with {
                    $0.core = UInt64(key.core)
                    $0.die = UInt64(key.die)
                    $0.frequency = frequency(path, ["scaling_cur_freq"])
                }
            core.threads.append(
                .with {
                    $0.id = number
                    $0.thread = UInt64(core.threads.count)
                    $0.online = files.unsigned(path + "/online") != 0
                    $0.isolated = isolated.contains(number)
                    $0.numaNode = numaNode(ofProcessor: path)
                })
            cores[key] = core
            total += 1
        }
        for (key, core) in cores {
            sockets[key.socket]?.cores.append(core)
        }
        for number in sockets.keys {
            sockets[number]?.cores.sort { ($0.core, $0.die) < ($1.core, $1.die) }
            let frequencies = sockets[number]?.cores.map(\.frequency).filter { $0 > 0 } ?? []
            if !frequencies.isEmpty {
                sockets[number]?.frequency = frequencies.reduce(0, +) / UInt64(frequencies.count)
            }
        }
        return .with {
            $0.architecture = machine
            $0.sockets = sockets.values.sorted { $0.socket < $1.socket }
            $0.total = total
        }
    }

    /// Vendor and model of each processor from /proc/cpuinfo.
    private func processorDescriptions() -> [Int64: (vendor: String, name: String)] {
        var result: [Int64: (vendor: String, name: String)] = [:]
        var current: Int64 = 0
        for line in files.lines("/proc/cpuinfo") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].trimmingPrefix { $0 == " " }
            switch parts[0].split(whereSeparator: \.isWhitespace).joined(separator: " ") {
            case "processor":
                current = Int64(value) ?? 0
                result[current] = ("", "")
            case "vendor_id": result[current]?.vendor = String(value)
            case "model name", "cpu": result[current]?.name = String(value)
            default: continue
            }
        }
        return result
    }

    private func caches(_ path: String) -> [ResourcesCPUCache] {
        files.names(path).compactMap { name in
            guard let level = files.unsigned("\(path)/\(name)/level") else { return nil }
            return .with {
                $0.level = level
                $0.type = files.text("\(path)/\(name)/type") ?? "Unknown"
                let size = files.text("\(path)/\(name)/size") ?? ""
                $0.size = size.hasSuffix("K") ? (UInt64(size.dropLast()) ?? 0) * 1024 : UInt64(size) ?? 0
            }
        }
    }

    /// MHz from the first of the files that exists; the kernel writes kHz.
    private func frequency(_ path: String, _ names: [String]) -> UInt64 {
        for name in names {
            if let value = files.unsigned("\(path)/cpufreq/\(name)") { return value / 1000 }
        }
        return 0
    }

    private func numaNode(ofProcessor path: String) -> UInt64 {
        for name in files.names(path) where name.hasPrefix("node") {
            if let node = UInt64(name.dropFirst(4)) { return node }
        }
        return 0
    }

    /// The numbers in a list such as `0-3,8`; what is not a number is left out.
    static func cpuSet(_ text: String) -> Set<Int64> {
        var result: Set<Int64> = []
        for chunk in text.split(separator: ",") {
            let ends = chunk.split(separator: "-").compactMap { Int64($0) }
            if ends.count == 1 { result.insert(ends[0]) }
            if ends.count == 2, ends[0] <= ends[1], ends[1] - ends[0] < 65_536 { result.formUnion(ends[0]...ends[1]) }
        }
        return result
    }
}
