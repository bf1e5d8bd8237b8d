/// Hardware: GPU.
public struct ResourcesGPU: WireValue {
    /// Cards.
    @Zero public var cards: [ResourcesGPUCard]
    /// Total. Example: `1`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case cards, total
    }
}

/// Hardware: GPU card.
public struct ResourcesGPUCard: WireValue {
    /// Driver. Example: `i915`.
    @OmitEmpty public var driver: String
    /// Version of the driver. Example: `5.8.0-36-generic`.
    @OmitEmpty public var driverVersion: String
    /// Nodes of the rendering manager.
    @OmitEmpty public var drm: ResourcesGPUCardDRM?
    /// Virtual functions.
    @OmitEmpty public var sriov: ResourcesGPUCardSRIOV?
    /// What only NVIDIA cards have.
    @OmitEmpty public var nvidia: ResourcesGPUCardNvidia?
    /// Mediated devices, by profile. Example: `null`.
    @OmitEmpty public var mdev: [String: ResourcesGPUCardMdev]
    /// Node that it is nearest to. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Address on the PCI bus. Example: `0000:00:02.0`.
    @OmitEmpty public var pciAddress: String
    /// Vendor. Example: `Intel Corporation`.
    @OmitEmpty public var vendor: String
    /// Number of the vendor. Example: `8086`.
    @OmitEmpty public var vendorID: String
    /// Product. Example: `HD Graphics 620`.
    @OmitEmpty public var product: String
    /// Number of the product. Example: `5916`.
    @OmitEmpty public var productID: String
    /// Address on the USB bus. Example: `2:7`.
    @OmitEmpty public var usbAddress: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case driver
        case driverVersion = "driver_version"
        case drm, sriov, nvidia, mdev
        case numaNode = "numa_node"
        case pciAddress = "pci_address"
        case vendor
        case vendorID = "vendor_id"
        case product
        case productID = "product_id"
        case usbAddress = "usb_address"
    }
}

/// Hardware: GPU card DRM.
public struct ResourcesGPUCardDRM: WireValue {
    /// Identity. Example: `0`.
    @Zero public var id: UInt64
    /// Name of the device. Example: `card0`.
    @Zero public var cardName: String
    /// Device number, `major:minor`. Example: `226:0`.
    @Zero public var cardDevice: String
    /// Name of the control node. Example: `controlD64`.
    @OmitEmpty public var controlName: String
    /// Device number of the control node. Example: `226:0`.
    @OmitEmpty public var controlDevice: String
    /// Name of the render node. Example: `renderD128`.
    @OmitEmpty public var renderName: String
    /// Device number of the render node. Example: `226:128`.
    @OmitEmpty public var renderDevice: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case id
        case cardName = "card_name"
        case cardDevice = "card_device"
        case controlName = "control_name"
        case controlDevice = "control_device"
        case renderName = "render_name"
        case renderDevice = "render_device"
    }
}

/// Hardware: GPU card SRIOV.
public struct ResourcesGPUCardSRIOV: WireValue {
    /// Virtual functions in use. Example: `0`.
    @Zero public var currentVFs: UInt64
    /// Most virtual functions. Example: `0`.
    @Zero public var maximumVFs: UInt64
    /// The virtual functions. Example: `null`.
    @Zero public var vfs: [ResourcesGPUCard]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case currentVFs = "current_vfs"
        case maximumVFs = "maximum_vfs"
        case vfs
    }
}

/// Hardware: GPU card nvidia.
public struct ResourcesGPUCardNvidia: WireValue {
    /// Version of CUDA. Example: `11.0`.
    @OmitEmpty public var cudaVersion: String
    /// Version of the kernel module. Example: `450.102.04`.
    @OmitEmpty public var nvrmVersion: String
    /// Brand of the card. Example: `GeForce`.
    @Zero public var brand: String
    /// Model. Example: `GeForce GT 730`.
    @Zero public var model: String
    /// Identity. Example: `GPU-6ddadebd-dafe-2db9-f10f-125719770fd3`.
    @OmitEmpty public var uuid: String
    /// Processor architecture. Example: `3.5`.
    @OmitEmpty public var architecture: String
    /// Name of the device. Example: `nvidia0`.
    @Zero public var cardName: String
    /// Device number, `major:minor`. Example: `195:0`.
    @Zero public var cardDevice: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case cudaVersion = "cuda_version"
        case nvrmVersion = "nvrm_version"
        case brand, model, uuid, architecture
        case cardName = "card_name"
        case cardDevice = "card_device"
    }
}

/// Hardware: GPU card mdev.
public struct ResourcesGPUCardMdev: WireValue {
    /// Kind of mediated device. Example: `vfio-pci`.
    @Zero public var api: String
    /// How many more can be made. Example: `2`.
    @Zero public var available: UInt64
    /// Name. Example: `i915-GVTg_V5_8`.
    @OmitEmpty public var name: String
    /// Text for people. Example: `low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\nresolution: 1920x1200\nweight: 4`.
    @OmitEmpty public var description: String
    /// Identities of the devices in use. Example: `["42200aac-0977-495c-8c9e-6c51b9092a01",
    /// "b4950c00-1437-41d9-88f6-28d61cf9b9ef"]`.
    @Zero public var devices: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case api, available, name, description, devices
    }
}
