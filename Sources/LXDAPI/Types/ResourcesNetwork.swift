/// Hardware: network.
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

/// Hardware: network card.
public struct ResourcesNetworkCard: WireValue {
    /// Driver. Example: `atlantic`.
    @OmitEmpty public var driver: String
    /// Version of the driver. Example: `5.8.0-36-generic`.
    @OmitEmpty public var driverVersion: String
    /// Ports.
    @OmitEmpty public var ports: [ResourcesNetworkCardPort]
    /// Virtual functions.
    @OmitEmpty public var sriov: ResourcesNetworkCardSRIOV?
    /// Node that it is nearest to. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Address on the PCI bus. Example: `0000:0d:00.0`.
    @OmitEmpty public var pciAddress: String
    /// Vendor. Example: `Aquantia Corp.`.
    @OmitEmpty public var vendor: String
    /// Number of the vendor. Example: `1d6a`.
    @OmitEmpty public var vendorID: String
    /// Product. Example: `AQC107 NBase-T/IEEE`.
    @OmitEmpty public var product: String
    /// Number of the product. Example: `87b1`.
    @OmitEmpty public var productID: String
    /// Version of the firmware. Example: `3.1.100`.
    @OmitEmpty public var firmwareVersion: String
    /// Address on the USB bus. Example: `2:7`.
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

/// Hardware: network card port.
public struct ResourcesNetworkCardPort: WireValue {
    /// Identity. Example: `eth0`.
    @Zero public var id: String
    /// Hardware address. Example: `00:23:a4:01:01:6f`.
    @OmitEmpty public var address: String
    /// Number of the port. Example: `0`.
    @Zero public var port: UInt64
    /// Protocol. Example: `ethernet`.
    @Zero public var `protocol`: String
    /// Speeds and duplex modes. Example: `["100baseT/Full", "1000baseT/Full", "2500baseT/Full", "5000baseT/Full",
    /// "10000baseT/Full"]`.
    @OmitEmpty public var supportedModes: [String]
    /// Kinds of plugs. Example: `["twisted pair"]`.
    @OmitEmpty public var supportedPorts: [String]
    /// Kind of plug. Example: `twisted pair`.
    @OmitEmpty public var portType: String
    /// Kind of transceiver. Example: `internal`.
    @OmitEmpty public var transceiverType: String
    /// Whether speed is negotiated. Example: `true`.
    @Zero public var autoNegotiation: Bool
    /// Whether a cable is plugged in. Example: `true`.
    @Zero public var linkDetected: Bool
    /// Megabits a second. Example: `10000`.
    @OmitEmpty public var linkSpeed: UInt64
    /// `half` or `full`. Example: `full`.
    @OmitEmpty public var linkDuplex: String
    /// What only Infiniband ports have.
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

/// Hardware: network card port infiniband.
public struct ResourcesNetworkCardPortInfiniband: WireValue {
    /// Name of the subnet manager's device. Example: `issm0`.
    @OmitEmpty public var issmName: String
    /// Device number of the subnet manager. Example: `231:64`.
    @OmitEmpty public var issmDevice: String
    /// Name of the device for management datagrams. Example: `umad0`.
    @OmitEmpty public var madName: String
    /// Device number of the management datagrams. Example: `231:0`.
    @OmitEmpty public var madDevice: String
    /// Name of the device for verbs. Example: `uverbs0`.
    @OmitEmpty public var verbName: String
    /// Device number for verbs. Example: `231:192`.
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

/// Hardware: network card SRIOV.
public struct ResourcesNetworkCardSRIOV: WireValue {
    /// Virtual functions in use. Example: `0`.
    @Zero public var currentVFs: UInt64
    /// Most virtual functions. Example: `0`.
    @Zero public var maximumVFs: UInt64
    /// The virtual functions. Example: `null`.
    @Zero public var vfs: [ResourcesNetworkCard]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case currentVFs = "current_vfs"
        case maximumVFs = "maximum_vfs"
        case vfs
    }
}
