/// ResourcesStorage.
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

/// ResourcesStorageDisk.
public struct ResourcesStorageDisk: WireValue {
    /// Id. Example: `nvme0n1`.
    @Zero public var id: String
    /// Device. Example: `259:0`.
    @Zero public var device: String
    /// Model. Example: `INTEL SSDPEKKW256G7`.
    @OmitEmpty public var model: String
    /// Type. Example: `nvme`.
    @OmitEmpty public var type: String
    /// Read only. Example: `false`.
    @Zero public var readOnly: Bool
    /// Size. Example: `256060514304`.
    @Zero public var size: UInt64
    /// Removable. Example: `false`.
    @Zero public var removable: Bool
    /// Wwn. Example: `eui.0000000001000000e4d25cafae2e4c00`.
    @OmitEmpty public var wwn: String
    /// Numa node. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Device path. Example: `pci-0000:05:00.0-nvme-1`.
    @OmitEmpty public var devicePath: String
    /// Block size. Example: `512`.
    @Zero public var blockSize: UInt64
    /// Firmware version. Example: `PSF121C`.
    @OmitEmpty public var firmwareVersion: String
    /// Rpm. Example: `0`.
    @Zero public var rpm: UInt64
    /// Serial. Example: `BTPY63440ARH256D`.
    @OmitEmpty public var serial: String
    /// Device id. Example: `nvme-eui.0000000001000000e4d25cafae2e4c00`.
    @Zero public var deviceID: String
    /// Partitions.
    @Zero public var partitions: [ResourcesStorageDiskPartition]
    /// Pci address. Example: `0000:05:00.0`.
    @OmitEmpty public var pciAddress: String
    /// Usb address. Example: `3:5`.
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

/// ResourcesStorageDiskPartition.
public struct ResourcesStorageDiskPartition: WireValue {
    /// Id. Example: `nvme0n1p1`.
    @Zero public var id: String
    /// Device. Example: `259:1`.
    @Zero public var device: String
    /// Read only. Example: `false`.
    @Zero public var readOnly: Bool
    /// Size. Example: `254933278208`.
    @Zero public var size: UInt64
    /// Partition. Example: `1`.
    @Zero public var partition: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id, device
        case readOnly = "read_only"
        case size, partition
    }
}
