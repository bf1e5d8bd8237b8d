/// ResourcesNetwork.
public struct ResourcesNetwork: WireValue {
    /// Cards.
    @Zero public var cards: [ResourcesNetworkCard]
    /// Total. Example: `1`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case cards, total
    }
}

/// ResourcesNetworkCard.
public struct ResourcesNetworkCard: WireValue {
    /// Driver. Example: `atlantic`.
    @OmitEmpty public var driver: String
    /// Driver version. Example: `5.8.0-36-generic`.
    @OmitEmpty public var driverVersion: String
    /// Ports.
    @OmitEmpty public var ports: [ResourcesNetworkCardPort]
    /// Sriov.
    @OmitEmpty public var sriov: ResourcesNetworkCardSRIOV?
    /// Numa node. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Pci address. Example: `0000:0d:00.0`.
    @OmitEmpty public var pciAddress: String
    /// Vendor. Example: `Aquantia Corp.`.
    @OmitEmpty public var vendor: String
    /// Vendor id. Example: `1d6a`.
    @OmitEmpty public var vendorID: String
    /// Product. Example: `AQC107 NBase-T/IEEE`.
    @OmitEmpty public var product: String
    /// Product id. Example: `87b1`.
    @OmitEmpty public var productID: String
    /// Firmware version. Example: `3.1.100`.
    @OmitEmpty public var firmwareVersion: String
    /// Usb address. Example: `2:7`.
    @OmitEmpty public var usbAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case driver
        case driverVersion = "driver_version"
        case ports, sriov
        case numaNode = "numa_node"
        case pciAddress = "pci_address"
        case vendor
        case vendorID = "vendor_id"
        case product
        case productID = "product_id"
        case firmwareVersion = "firmware_version"
        case usbAddress = "usb_address"
    }
}

/// ResourcesNetworkCardPort.
public struct ResourcesNetworkCardPort: WireValue {
    /// Id. Example: `eth0`.
    @Zero public var id: String
    /// Address. Example: `00:23:a4:01:01:6f`.
    @OmitEmpty public var address: String
    /// Port. Example: `0`.
    @Zero public var port: UInt64
    /// Protocol. Example: `ethernet`.
    @Zero public var `protocol`: String
    /// Supported modes. Example: `["100baseT/Full", "1000baseT/Full", "2500baseT/Full", "5000baseT/Full",
    /// "10000baseT/Full"]`.
    @OmitEmpty public var supportedModes: [String]
    /// Supported ports. Example: `["twisted pair"]`.
    @OmitEmpty public var supportedPorts: [String]
    /// Port type. Example: `twisted pair`.
    @OmitEmpty public var portType: String
    /// Transceiver type. Example: `internal`.
    @OmitEmpty public var transceiverType: String
    /// Auto negotiation. Example: `true`.
    @Zero public var autoNegotiation: Bool
    /// Link detected. Example: `true`.
    @Zero public var linkDetected: Bool
    /// Link speed. Example: `10000`.
    @OmitEmpty public var linkSpeed: UInt64
    /// Link duplex. Example: `full`.
    @OmitEmpty public var linkDuplex: String
    /// Infiniband.
    @OmitEmpty public var infiniband: ResourcesNetworkCardPortInfiniband?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id, address, port, `protocol`
        case supportedModes = "supported_modes"
        case supportedPorts = "supported_ports"
        case portType = "port_type"
        case transceiverType = "transceiver_type"
        case autoNegotiation = "auto_negotiation"
        case linkDetected = "link_detected"
        case linkSpeed = "link_speed"
        case linkDuplex = "link_duplex"
        case infiniband
    }
}

/// ResourcesNetworkCardPortInfiniband.
public struct ResourcesNetworkCardPortInfiniband: WireValue {
    /// Issm name. Example: `issm0`.
    @OmitEmpty public var issmName: String
    /// Issm device. Example: `231:64`.
    @OmitEmpty public var issmDevice: String
    /// Mad name. Example: `umad0`.
    @OmitEmpty public var madName: String
    /// Mad device. Example: `231:0`.
    @OmitEmpty public var madDevice: String
    /// Verb name. Example: `uverbs0`.
    @OmitEmpty public var verbName: String
    /// Verb device. Example: `231:192`.
    @OmitEmpty public var verbDevice: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case issmName = "issm_name"
        case issmDevice = "issm_device"
        case madName = "mad_name"
        case madDevice = "mad_device"
        case verbName = "verb_name"
        case verbDevice = "verb_device"
    }
}

/// ResourcesNetworkCardSRIOV.
public struct ResourcesNetworkCardSRIOV: WireValue {
    /// Current vfs. Example: `0`.
    @Zero public var currentVFs: UInt64
    /// Maximum vfs. Example: `0`.
    @Zero public var maximumVFs: UInt64
    /// Vfs. Example: `null`.
    @Zero public var vfs: [ResourcesNetworkCard]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case currentVFs = "current_vfs"
        case maximumVFs = "maximum_vfs"
        case vfs
    }
}
