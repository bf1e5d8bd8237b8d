/// Hardware: storage.
public struct ResourcesStorage: WireValue {
    /// Disks.
    @Zero public var disks: [ResourcesStorageDisk]
    /// Total. Example: `1`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case disks, total
    }
}

/// Hardware: storage disk.
public struct ResourcesStorageDisk: WireValue {
    /// Identity. Example: `nvme0n1`.
    @Zero public var id: String
    /// Device number, `major:minor`. Example: `259:0`.
    @Zero public var device: String
    /// Model. Example: `INTEL SSDPEKKW256G7`.
    @OmitEmpty public var model: String
    /// Kind. Example: `nvme`.
    @OmitEmpty public var type: String
    /// Whether it can only be read. Example: `false`.
    @Zero public var readOnly: Bool
    /// Bytes. Example: `256060514304`.
    @Zero public var size: UInt64
    /// Whether it can be taken out. Example: `false`.
    @Zero public var removable: Bool
    /// World wide name. Example: `eui.0000000001000000e4d25cafae2e4c00`.
    @OmitEmpty public var wwn: String
    /// Node that it is nearest to. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Path on the bus. Example: `pci-0000:05:00.0-nvme-1`.
    @OmitEmpty public var devicePath: String
    /// Bytes a block. Example: `512`.
    @Zero public var blockSize: UInt64
    /// Version of the firmware. Example: `PSF121C`.
    @OmitEmpty public var firmwareVersion: String
    /// Turns a minute; 0 for a disk that does not turn. Example: `0`.
    @Zero public var rpm: UInt64
    /// Serial number. Example: `BTPY63440ARH256D`.
    @OmitEmpty public var serial: String
    /// Name below `/dev/disk/by-id`. Example: `nvme-eui.0000000001000000e4d25cafae2e4c00`.
    @Zero public var deviceID: String
    /// Partitions.
    @Zero public var partitions: [ResourcesStorageDiskPartition]
    /// Address on the PCI bus. Example: `0000:05:00.0`.
    @OmitEmpty public var pciAddress: String
    /// Address on the USB bus. Example: `3:5`.
    @OmitEmpty public var usbAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id, device, model, type
        case readOnly = "read_only"
        case size, removable, wwn
        case numaNode = "numa_node"
        case devicePath = "device_path"
        case blockSize = "block_size"
        case firmwareVersion = "firmware_version"
        case rpm, serial
        case deviceID = "device_id"
        case partitions
        case pciAddress = "pci_address"
        case usbAddress = "usb_address"
    }
}

/// Hardware: storage disk partition.
public struct ResourcesStorageDiskPartition: WireValue {
    /// Identity. Example: `nvme0n1p1`.
    @Zero public var id: String
    /// Device number, `major:minor`. Example: `259:1`.
    @Zero public var device: String
    /// Whether it can only be read. Example: `false`.
    @Zero public var readOnly: Bool
    /// Bytes. Example: `254933278208`.
    @Zero public var size: UInt64
    /// Number of the partition. Example: `1`.
    @Zero public var partition: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id, device
        case readOnly = "read_only"
        case size, partition
    }
}
