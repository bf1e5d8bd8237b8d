package import LXDAPI

/// Reports the hardware of the host from /proc and /sys. Nothing is kept between reports.
package struct HostResources: Sendable {
    let files: KernelFiles
    let machine: String

    /// - Parameter machine: The kernel's name of the architecture, `x86_64`.
    package init(files: KernelFiles = KernelFiles(), machine: String) {
        self.files = files
        self.machine = machine
    }

    /// Reads dozens of small files; blocks for some milliseconds.
    package func report() -> Resources {
        .with {
            $0.cpu = processors()
            $0.memory = memory()
            $0.gpu = graphicsCards()
            $0.network = networkCards()
            $0.storage = disks()
            $0.usb = usbDevices()
            $0.pci = pciDevices()
            $0.system = system()
        }
    }

    /// What the firmware says of the machine.
    func system() -> ResourcesSystem {
        let base = "/sys/class/dmi/id/"
        func value(_ name: String) -> String { files.text(base + name) ?? "" }
        var system = ResourcesSystem()
        system.type = systemType()
        guard files.exists("/sys/class/dmi/id") else { return system }
        system.uuid = value("product_uuid")
        system.vendor = value("sys_vendor")
        system.product = value("product_name")
        system.family = value("product_family")
        system.version = value("product_version")
        system.sku = value("product_sku")
        system.serial = value("product_serial")
        system.firmware = .with {
            $0.vendor = value("bios_vendor")
            $0.date = value("bios_date")
            $0.version = value("bios_version")
        }
        system.chassis = .with {
            $0.vendor = value("chassis_vendor")
            $0.type = Int(value("chassis_type")).flatMap { Self.chassisTypes.indices.contains($0) ? Self.chassisTypes[$0] : nil } ?? ""
            $0.serial = value("chassis_serial")
            $0.version = value("chassis_version")
        }
        system.motherboard = .with {
            $0.vendor = value("board_vendor")
            $0.product = value("board_name")
            $0.serial = value("board_serial")
            $0.version = value("board_version")
        }
        return system
    }

    /// `container`, `virtual-machine` or `physical`, without starting a program to find out.
    private func systemType() -> String {
        if let container = files.text("/run/systemd/container"), !container.isEmpty { return "container" }
        if files.exists("/sys/hypervisor/type") { return "virtual-machine" }
        let flags = files.lines("/proc/cpuinfo").first { $0.hasPrefix("flags") } ?? ""
        return flags.split(separator: " ").contains("hypervisor") ? "virtual-machine" : "physical"
    }

    /// Indexed by the number in the firmware's table. Source: SMBIOS specification, "Chassis Types".
    private static let chassisTypes = [
        "", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable",
        "Laptop", "Notebook", "Hand Held", "Docking Station", "All in One", "Sub Notebook", "Space-saving",
        "Lunch Box", "Main Server Chassis", "Expansion Chassis", "SubChassis", "Bus Expansion Chassis",
        "Peripheral Chassis", "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system chassis",
        "Compact PCI", "Advanced TCA", "Blade", "Blade Enclosure", "Tablet", "Convertible", "Detachable",
        "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC",
    ]
}
