import LXDAPI

extension HostResources {
    /// Memory of the host and of each NUMA node.
    func memory() -> ResourcesMemory {
        var info = MemoryInformation(files.lines("/proc/meminfo"))
        // The kernel's total leaves out what it keeps for itself; the memory blocks have it all.
        if let blocks = blockTotal("/sys/devices/system/memory") { info.total = blocks }
        var nodes: [ResourcesMemoryNode] = []
        for name in files.names("/sys/devices/system/node") {
            let path = "/sys/devices/system/node/" + name
            guard name.hasPrefix("node"), let number = UInt64(name.dropFirst(4)), files.exists(path + "/meminfo") else {
                continue
            }
            let node = MemoryInformation(files.lines(path + "/meminfo"))
            nodes.append(
                .with {
                    $0.numaNode = number
                    $0.hugepagesUsed = (node.hugePagesTotal &- node.hugePagesFree) &* info.hugePageSize
                    $0.hugepagesTotal = node.hugePagesTotal &* info.hugePageSize
                    $0.used = node.used
                    $0.total = blockTotal(path) ?? node.total
                })
        }
        let free = info.free + info.cached + info.buffers
        return .with {
            $0.nodes = nodes
            $0.hugepagesTotal = info.hugePagesTotal &* info.hugePageSize
            $0.hugepagesUsed = (info.hugePagesTotal &- info.hugePagesFree) &* info.hugePageSize
            $0.hugepagesSize = info.hugePageSize
            $0.used = info.total > free ? info.total - free : 0
            $0.total = info.total
        }
    }

    /// The bytes of all memory blocks that are online; `nil` where the kernel does not list them.
    private func blockTotal(_ path: String) -> UInt64? {
        guard let sizeText = files.text("/sys/devices/system/memory/block_size_bytes"),
            let size = UInt64(sizeText, radix: 16), size > 0
        else { return nil }
        let count = files.names(path).count { name in
            name.hasPrefix("memory") && files.text("\(path)/\(name)/online") == "1"
        }
        return count == 0 ? nil : size * UInt64(count)
    }
}

/// What /proc/meminfo or a node's meminfo tells; bytes, and numbers of huge pages.
struct MemoryInformation {
    var total: UInt64 = 0
    var free: UInt64 = 0
    var used: UInt64 = 0
    var cached: UInt64 = 0
    var buffers: UInt64 = 0
    var hugePagesTotal: UInt64 = 0
    var hugePagesFree: UInt64 = 0
    var hugePageSize: UInt64 = 0

    init(_ lines: some Sequence<Substring>) {
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            // A node's lines begin with "Node 0 ".
            guard parts.count == 2, let key = parts[0].split(separator: " ").last else { continue }
            let words = parts[1].split(separator: " ")
            guard let first = words.first, let number = UInt64(first) else { continue }
            let value = words.count > 1 ? number &* 1024 : number
            switch key {
            case "MemTotal": total = value
            case "MemFree": free = value
            case "MemUsed": used = value
            case "Cached": cached = value
            case "Buffers": buffers = value
            case "HugePages_Total": hugePagesTotal = value
            case "HugePages_Free": hugePagesFree = value
            case "Hugepagesize": hugePageSize = value
            default: continue
            }
        }
    }
}
