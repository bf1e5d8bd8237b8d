import LXDAPI

extension HostResources {
    /// Every PCI device.
    func pciDevices() -> ResourcesPCI {
        let base = "/sys/bus/pci/devices"
        var devices: [ResourcesPCIDevice] = files.names(base).map { address in
            let path = base + "/" + address
            let driver = files.driver(path)
            return .with {
                $0.driver = driver?.name ?? ""
                $0.driverVersion = driver?.version ?? ""
                $0.numaNode = files.numaNode(path)
                $0.pciAddress = address
                $0.vendorID = files.hexID(path + "/vendor") ?? ""
                $0.productID = files.hexID(path + "/device") ?? ""
                $0.iommuGroup = files.baseName(path + "/iommu_group").flatMap { UInt64($0) } ?? 0
            }
        }
        let names = names(HardwareNames.pciPaths, devices.map { ($0.vendorID, $0.productID) })
        for index in devices.indices {
            devices[index].vendor = names.vendor(devices[index].vendorID)
            devices[index].product = names.product(devices[index].vendorID, devices[index].productID)
        }
        return .with {
            $0.devices = devices
            $0.total = UInt64(devices.count)
        }
    }

    /// Every USB device but the hubs.
    func usbDevices() -> ResourcesUSB {
        let base = "/sys/bus/usb/devices"
        var devices: [ResourcesUSBDevice] = []
        for name in files.names(base) {
            let path = base + "/" + name
            guard let bus = files.unsigned(path + "/busnum"), let address = files.unsigned(path + "/devnum"),
                files.text(path + "/bDeviceClass") != "09"
            else { continue }
            devices.append(
                .with {
                    $0.busAddress = bus
                    $0.deviceAddress = address
                    $0.vendorID = files.hexID(path + "/idVendor") ?? ""
                    $0.productID = files.hexID(path + "/idProduct") ?? ""
                    $0.product = files.text(path + "/product") ?? ""
                    $0.speed = files.text(path + "/speed").flatMap { Double($0) } ?? 0
                    $0.interfaces = files.names(path).filter { $0.hasPrefix(name) }.map { usbInterface("\(path)/\($0)") }
                })
        }
        let names = names(HardwareNames.usbPaths, devices.map { ($0.vendorID, $0.productID) })
        for index in devices.indices {
            devices[index].vendor = names.vendor(devices[index].vendorID)
            if devices[index].product.isEmpty {
                devices[index].product = names.product(devices[index].vendorID, devices[index].productID)
            }
        }
        return .with {
            $0.devices = devices
            $0.total = UInt64(devices.count)
        }
    }

    private func usbInterface(_ path: String) -> ResourcesUSBDeviceInterface {
        func hexadecimal(_ name: String) -> UInt64 { files.text("\(path)/\(name)").flatMap { UInt64($0, radix: 16) } ?? 0 }
        let driver = files.driver(path)
        return .with {
            $0.classID = hexadecimal("bInterfaceClass")
            $0.class = Self.usbClasses[$0.classID] ?? ""
            $0.subclassID = hexadecimal("bInterfaceSubClass")
            $0.number = hexadecimal("bInterfaceNumber")
            $0.driver = driver?.name ?? ""
            $0.driverVersion = driver?.version ?? ""
        }
    }

    /// Network cards and, below them, their ports.
    func networkCards() -> ResourcesNetwork {
        var cards: [ResourcesNetworkCard] = []
        var known: Set<String> = []
        var functions: [String: [ResourcesNetworkCard]] = [:]
        func add(_ path: String, _ address: String) {
            let card = networkCard(path, pciAddress: address)
            if let parent = files.baseName(path + "/physfn") {
                functions[parent, default: []].append(card)
            } else {
                cards.append(card)
            }
        }
        for name in files.names("/sys/class/net") {
            let path = "/sys/class/net/\(name)/device"
            guard files.exists(path) else { continue }
            let address = files.pciAddress(path) ?? ""
            if !address.isEmpty, !known.insert(address).inserted { continue }
            add(path, address)
        }
        // Cards without a driver have no interface.
        for address in files.names("/sys/bus/pci/devices") where !known.contains(address) {
            let path = "/sys/bus/pci/devices/" + address
            guard files.text(path + "/class")?.hasPrefix("0x02") == true else { continue }
            add(path, address)
        }
        let all = cards + functions.values.flatMap { $0 }
        let names = names(HardwareNames.pciPaths, all.map { ($0.vendorID, $0.productID) })
        func named(_ card: ResourcesNetworkCard) -> ResourcesNetworkCard {
            var card = card
            card.vendor = names.vendor(card.vendorID)
            card.product = names.product(card.vendorID, card.productID)
            return card
        }
        cards = cards.map(named)
        for index in cards.indices {
            let own = (functions[cards[index].pciAddress] ?? []).map(named)
            cards[index].sriov?.vfs = own
        }
        return .with {
            $0.cards = cards
            $0.total = UInt64(cards.count + functions.values.reduce(0) { $0 + $1.count })
        }
    }

    private func networkCard(_ path: String, pciAddress: String) -> ResourcesNetworkCard {
        let driver = files.driver(path)
        return .with {
            $0.pciAddress = pciAddress
            $0.driver = driver?.name ?? ""
            $0.driverVersion = driver?.version ?? ""
            $0.numaNode = files.numaNode(path)
            $0.usbAddress = files.usbAddress(path) ?? ""
            $0.vendorID = files.hexID(path + "/vendor") ?? ""
            $0.productID = files.hexID(path + "/device") ?? ""
            if let maximum = files.unsigned(path + "/sriov_totalvfs") {
                $0.sriov = .with {
                    $0.maximumVFs = maximum
                    $0.currentVFs = files.unsigned(path + "/sriov_numvfs") ?? 0
                }
            }
            $0.ports = files.names(path + "/net").map { networkPort("\(path)/net/\($0)", name: $0) }
        }
    }

    private func networkPort(_ path: String, name: String) -> ResourcesNetworkCardPort {
        .with {
            $0.id = name
            $0.address = files.text(path + "/address") ?? ""
            $0.port = files.unsigned(path + "/dev_port") ?? 0
            $0.protocol = [1: "ethernet", 19: "ATM", 32: "infiniband"][files.unsigned(path + "/type") ?? 0] ?? "unknown"
            $0.linkDetected = files.unsigned(path + "/carrier") == 1
            // The kernel writes -1 for a link that has no speed.
            if let speed = files.signed(path + "/speed"), speed > 0 {
                $0.linkSpeed = UInt64(speed)
                $0.linkDuplex = files.text(path + "/duplex") ?? ""
            }
        }
    }

    /// Graphics cards.
    func graphicsCards() -> ResourcesGPU {
        var cards: [ResourcesGPUCard] = []
        for name in files.names("/sys/class/drm") {
            let entry = "/sys/class/drm/" + name
            let path = entry + "/device"
            guard name.hasPrefix("card"), !name.contains("-"), let id = UInt64(name.dropFirst(4)), files.exists(path) else {
                continue
            }
            let driver = files.driver(path)
            let render = files.names(path + "/drm").first { $0.hasPrefix("renderD") }
            cards.append(
                .with {
                    $0.driver = driver?.name ?? ""
                    $0.driverVersion = driver?.version ?? ""
                    $0.numaNode = files.numaNode(path)
                    $0.pciAddress = files.pciAddress(path) ?? ""
                    $0.usbAddress = files.usbAddress(path) ?? ""
                    $0.vendorID = files.hexID(path + "/vendor") ?? ""
                    $0.productID = files.hexID(path + "/device") ?? ""
                    $0.drm = .with {
                        $0.id = id
                        $0.cardName = name
                        $0.cardDevice = files.text(entry + "/dev") ?? ""
                        $0.renderName = render ?? ""
                        $0.renderDevice = render.flatMap { files.text("\(path)/drm/\($0)/dev") } ?? ""
                    }
                })
        }
        let names = names(HardwareNames.pciPaths, cards.map { ($0.vendorID, $0.productID) })
        for index in cards.indices {
            cards[index].vendor = names.vendor(cards[index].vendorID)
            cards[index].product = names.product(cards[index].vendorID, cards[index].productID)
        }
        return .with {
            $0.cards = cards
            $0.total = UInt64(cards.count)
        }
    }

    private func names(_ paths: [String], _ ids: [(vendor: String, product: String)]) -> HardwareNames {
        var wanted: [String: Set<String>] = [:]
        for id in ids where !id.vendor.isEmpty { wanted[id.vendor, default: []].insert(id.product) }
        return HardwareNames(files: files, paths: paths, wanted: wanted)
    }

    private static let usbClasses: [UInt64: String] = [
        1: "Audio", 2: "Communications", 3: "Human Interface Device", 5: "Physical Interface Device", 6: "Imaging",
        7: "Printer", 8: "Mass Storage", 9: "Hub", 10: "CDC Data", 11: "Chip/SmartCard", 13: "Content Security",
        14: "Video", 15: "Personal Healthcare", 16: "Audio/Video", 17: "Billboard", 220: "Diagnostic",
        224: "Wireless", 239: "Miscellaneous Device", 254: "Application Specific Interface",
        255: "Vendor Specific Class",
    ]
}
