import LXDAPI

/// What `lxc info --resources` says about the hardware of a server.
enum ResourcesText {
    static func of(_ resources: Resources) -> String {
        var report = IndentedReport()
        let sockets = resources.cpu.sockets
        if sockets.count == 1 { report.line("CPU (\(resources.cpu.architecture)):") }
        if sockets.count > 1 { report.line("CPUs (\(resources.cpu.architecture)):") }
        for socket in sockets {
            report.indented {
                if sockets.count > 1 { $0.line("Socket \(socket.socket):") }
                $0.indented(sockets.count > 1) { cpu(socket, &$0) }
            }
        }
        report.line("")
        report.line("Memory:")
        report.indented { memory(resources.memory, &$0) }
        list("GPU", "Card", resources.gpu.cards, &report, gpu)
        list("NIC", "Card", resources.network.cards, &report, nic)
        list("Disk", "Disk", resources.storage.disks, &report, disk)
        return report.text
    }

    private static func list<Item>(
        _ title: String, _ word: String, _ items: [Item], _ report: inout IndentedReport,
        _ show: (Item, inout IndentedReport) -> Void
    ) {
        guard !items.isEmpty else { return }
        report.line("")
        report.line(items.count == 1 ? "\(title):" : "\(title)s:")
        for (index, item) in items.enumerated() {
            report.indented {
                if items.count > 1 { $0.line("\(word) \(index):") }
                $0.indented(items.count > 1) { show(item, &$0) }
            }
        }
    }

    private static func size(_ bytes: UInt64, _ precision: Int = 2) -> String {
        ByteText.iec(Int64(clamping: bytes), precision: precision)
    }

    private static func cpu(_ socket: ResourcesCPUSocket, _ report: inout IndentedReport) {
        if !socket.vendor.isEmpty { report.line("Vendor: \(socket.vendor)") }
        if !socket.name.isEmpty { report.line("Name: \(socket.name)") }
        if !socket.cache.isEmpty {
            report.line("Caches:")
            for cache in socket.cache {
                report.line("  - Level \(cache.level) (type: \(cache.type)): \(size(cache.size, 0))")
            }
        }
        report.line("Cores:")
        for core in socket.cores {
            report.line("  - Core \(core.core)")
            report.line("    Frequency: \(core.frequency)Mhz")
            report.line("    Threads:")
            for thread in core.threads {
                report.line(
                    "      - \(thread.thread) (id: \(thread.id), online: \(thread.online), NUMA node: \(thread.numaNode))")
            }
        }
        guard socket.frequency > 0 else { return }
        let range =
            socket.frequencyTurbo > 0 && socket.frequencyMinimum > 0
            ? " (min: \(socket.frequencyMinimum)Mhz, max: \(socket.frequencyTurbo)Mhz)" : ""
        report.line("Frequency: \(socket.frequency)Mhz\(range)")
    }

    private static func amounts(_ used: UInt64, _ total: UInt64, _ report: inout IndentedReport) {
        report.line("Free: \(size(total &- used))")
        report.line("Used: \(size(used))")
        report.line("Total: \(size(total))")
    }

    private static func memory(_ memory: ResourcesMemory, _ report: inout IndentedReport) {
        if memory.hugepagesTotal > 0 {
            report.line("Hugepages:")
            report.indented { amounts(memory.hugepagesUsed, memory.hugepagesTotal, &$0) }
        }
        if memory.nodes.count > 1 {
            report.line("NUMA nodes:")
            for node in memory.nodes {
                report.indented {
                    $0.line("Node \(node.numaNode):")
                    $0.indented {
                        if node.hugepagesTotal > 0 {
                            $0.line("Hugepages:")
                            $0.indented { amounts(node.hugepagesUsed, node.hugepagesTotal, &$0) }
                        }
                        amounts(node.used, node.total, &$0)
                    }
                }
            }
        }
        amounts(memory.used, memory.total, &report)
    }

    private static func device(
        _ node: UInt64, _ vendor: (String, String), _ product: (String, String), _ address: String,
        _ driver: (String, String), _ report: inout IndentedReport
    ) {
        report.line("NUMA node: \(node)")
        if !vendor.0.isEmpty { report.line("Vendor: \(vendor.0) (\(vendor.1))") }
        if !product.0.isEmpty { report.line("Product: \(product.0) (\(product.1))") }
        if !address.isEmpty { report.line("PCI address: \(address)") }
        if !driver.0.isEmpty { report.line("Driver: \(driver.0) (\(driver.1))") }
    }

    private static func virtualFunctions<Item>(
        _ current: UInt64, _ maximum: UInt64, _ items: [Item], _ report: inout IndentedReport,
        _ show: (Item, inout IndentedReport) -> Void
    ) {
        report.line("SR-IOV information:")
        report.line("  Current number of VFs: \(current)")
        report.line("  Maximum number of VFs: \(maximum)")
        guard !items.isEmpty else { return }
        report.line("  VFs: \(maximum)")
        for item in items { report.item { show(item, &$0) } }
    }

    private static func gpu(_ gpu: ResourcesGPUCard, _ report: inout IndentedReport) {
        device(
            gpu.numaNode, (gpu.vendor, gpu.vendorID), (gpu.product, gpu.productID), gpu.pciAddress,
            (gpu.driver, gpu.driverVersion), &report)
        if let drm = gpu.drm {
            report.line("DRM:")
            report.line("  ID: \(drm.id)")
            if !drm.cardName.isEmpty { report.line("  Card: \(drm.cardName) (\(drm.cardDevice))") }
            if !drm.controlName.isEmpty { report.line("  Control: \(drm.controlName) (\(drm.controlDevice))") }
            if !drm.renderName.isEmpty { report.line("  Render: \(drm.renderName) (\(drm.renderDevice))") }
        }
        if let nvidia = gpu.nvidia {
            report.line("NVIDIA information:")
            report.line("  Architecture: \(nvidia.architecture)")
            report.line("  Brand: \(nvidia.brand)")
            report.line("  Model: \(nvidia.model)")
            report.line("  CUDA Version: \(nvidia.cudaVersion)")
            report.line("  NVRM Version: \(nvidia.nvrmVersion)")
            report.line("  UUID: \(nvidia.uuid)")
        }
        if let sriov = gpu.sriov { virtualFunctions(sriov.currentVFs, sriov.maximumVFs, sriov.vfs, &report, self.gpu) }
        guard !gpu.mdev.isEmpty else { return }
        report.line("Mdev profiles:")
        for (name, profile) in gpu.mdev.sorted(by: { $0.key < $1.key }) {
            report.line("  - \(name) (\(profile.available) available)")
            for line in profile.description.split(separator: "\n") { report.line("      \(line)") }
        }
    }

    private static func nic(_ nic: ResourcesNetworkCard, _ report: inout IndentedReport) {
        device(
            nic.numaNode, (nic.vendor, nic.vendorID), (nic.product, nic.productID), nic.pciAddress,
            (nic.driver, nic.driverVersion), &report)
        if !nic.ports.isEmpty { report.line("Ports:") }
        for port in nic.ports { report.indented { self.port(port, &$0) } }
        if let sriov = nic.sriov { virtualFunctions(sriov.currentVFs, sriov.maximumVFs, sriov.vfs, &report, self.nic) }
    }

    private static func port(_ port: ResourcesNetworkCardPort, _ report: inout IndentedReport) {
        report.line("- Port \(port.port) (\(port.protocol))")
        report.indented {
            $0.line("ID: \(port.id)")
            if !port.address.isEmpty { $0.line("Address: \(port.address)") }
            if !port.supportedModes.isEmpty { $0.line("Supported modes: \(port.supportedModes.joined(separator: ", "))") }
            if !port.supportedPorts.isEmpty { $0.line("Supported ports: \(port.supportedPorts.joined(separator: ", "))") }
            if !port.portType.isEmpty { $0.line("Port type: \(port.portType)") }
            if !port.transceiverType.isEmpty { $0.line("Transceiver type: \(port.transceiverType)") }
            $0.line("Auto negotiation: \(port.autoNegotiation)")
            $0.line("Link detected: \(port.linkDetected)")
            if port.linkSpeed > 0 { $0.line("Link speed: \(port.linkSpeed)Mbit/s (\(port.linkDuplex) duplex)") }
            guard let infiniband = port.infiniband else { return }
            $0.line("Infiniband:")
            if !infiniband.issmName.isEmpty { $0.line("  IsSM: \(infiniband.issmName) (\(infiniband.issmDevice))") }
            if !infiniband.madName.isEmpty { $0.line("  MAD: \(infiniband.madName) (\(infiniband.madDevice))") }
            if !infiniband.verbName.isEmpty { $0.line("  Verb: \(infiniband.verbName) (\(infiniband.verbDevice))") }
        }
    }

    private static func disk(_ disk: ResourcesStorageDisk, _ report: inout IndentedReport) {
        report.line("NUMA node: \(disk.numaNode)")
        report.line("ID: \(disk.id)")
        report.line("Device: \(disk.device)")
        if !disk.model.isEmpty { report.line("Model: \(disk.model)") }
        if !disk.type.isEmpty { report.line("Type: \(disk.type)") }
        report.line("Size: \(size(disk.size))")
        if !disk.wwn.isEmpty { report.line("WWN: \(disk.wwn)") }
        report.line("Read-Only: \(disk.readOnly)")
        report.line("Removable: \(disk.removable)")
        if !disk.partitions.isEmpty { report.line("Partitions:") }
        for partition in disk.partitions {
            report.line("  - Partition \(partition.partition)")
            report.line("    ID: \(partition.id)")
            report.line("    Device: \(partition.device)")
            report.line("    Read-Only: \(partition.readOnly)")
            report.line("    Size: \(size(partition.size))")
        }
    }
}

/// Lines of text that belong under each other.
struct IndentedReport {
    private(set) var text = ""
    private var indentation = ""
    /// What stands before the next line instead of its indentation.
    private var bullet: String?

    mutating func line(_ line: String) {
        text += line.isEmpty ? "\n" : (bullet ?? indentation) + line + "\n"
        bullet = nil
    }

    mutating func indented(_ isIndented: Bool = true, _ write: (inout IndentedReport) -> Void) {
        let outer = indentation
        if isIndented { indentation += "  " }
        write(&self)
        indentation = outer
    }

    /// Lines of which the first has a dash.
    mutating func item(_ write: (inout IndentedReport) -> Void) {
        let outer = indentation
        bullet = indentation + "  - "
        indentation += "    "
        write(&self)
        indentation = outer
    }
}
