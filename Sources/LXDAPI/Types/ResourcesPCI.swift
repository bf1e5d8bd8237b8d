/// Hardware: PCI.
public struct ResourcesPCI: WireValue {
    /// Devices.
    @Zero public var devices: [ResourcesPCIDevice]
    /// Total. Example: `1`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case devices, total
    }
}

/// Hardware: PCI device.
public struct ResourcesPCIDevice: WireValue {
    /// Driver. Example: `mgag200`.
    @Zero public var driver: String
    /// Version of the driver. Example: `5.8.0-36-generic`.
    @Zero public var driverVersion: String
    /// Node that it is nearest to. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Address on the PCI bus. Example: `0000:07:03.0`.
    @Zero public var pciAddress: String
    /// Vendor. Example: `Matrox Electronics Systems Ltd.`.
    @Zero public var vendor: String
    /// Number of the vendor. Example: `102b`.
    @Zero public var vendorID: String
    /// Product. Example: `MGA G200eW WPCM450`.
    @Zero public var product: String
    /// Number of the product. Example: `0532`.
    @Zero public var productID: String
    /// Group of devices that are isolated together. Example: `20`.
    @Zero public var iommuGroup: UInt64
    /// Vital product data.
    @Zero public var vpd: ResourcesPCIVPD

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case driver
        case driverVersion = "driver_version"
        case numaNode = "numa_node"
        case pciAddress = "pci_address"
        case vendor
        case vendorID = "vendor_id"
        case product
        case productID = "product_id"
        case iommuGroup = "iommu_group"
        case vpd
    }
}

/// Hardware: PCIVPD.
public struct ResourcesPCIVPD: WireValue {
    /// Name of the product. Example: `HP Ethernet 1Gb 4-port 331i Adapter`.
    @OmitEmpty public var productName: String
    /// Product data by keyword. Example: `{"EC": ""A-5545", "MN": "103C", "V0": "5W PCIeGen2"}`.
    @OmitEmpty public var entries: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case productName = "product_name"
        case entries
    }
}
