/// ResourcesGPU.
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

/// ResourcesGPUCard.
public struct ResourcesGPUCard: WireValue {
    /// Driver. Example: `i915`.
    @OmitEmpty public var driver: String
    /// Driver version. Example: `5.8.0-36-generic`.
    @OmitEmpty public var driverVersion: String
    /// Drm.
    @OmitEmpty public var drm: ResourcesGPUCardDRM?
    /// Sriov.
    @OmitEmpty public var sriov: ResourcesGPUCardSRIOV?
    /// Nvidia.
    @OmitEmpty public var nvidia: ResourcesGPUCardNvidia?
    /// Mdev. Example: `null`.
    @OmitEmpty public var mdev: [String: ResourcesGPUCardMdev]
    /// Numa node. Example: `0`.
    @Zero public var numaNode: UInt64
    /// Pci address. Example: `0000:00:02.0`.
    @OmitEmpty public var pciAddress: String
    /// Vendor. Example: `Intel Corporation`.
    @OmitEmpty public var vendor: String
    /// Vendor id. Example: `8086`.
    @OmitEmpty public var vendorID: String
    /// Product. Example: `HD Graphics 620`.
    @OmitEmpty public var product: String
    /// Product id. Example: `5916`.
    @OmitEmpty public var productID: String
    /// Usb address. Example: `2:7`.
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

/// ResourcesGPUCardDRM.
public struct ResourcesGPUCardDRM: WireValue {
    /// Id. Example: `0`.
    @Zero public var id: UInt64
    /// Card name. Example: `card0`.
    @Zero public var cardName: String
    /// Card device. Example: `226:0`.
    @Zero public var cardDevice: String
    /// Control name. Example: `controlD64`.
    @OmitEmpty public var controlName: String
    /// Control device. Example: `226:0`.
    @OmitEmpty public var controlDevice: String
    /// Render name. Example: `renderD128`.
    @OmitEmpty public var renderName: String
    /// Render device. Example: `226:128`.
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

/// ResourcesGPUCardSRIOV.
public struct ResourcesGPUCardSRIOV: WireValue {
    /// Current vfs. Example: `0`.
    @Zero public var currentVFs: UInt64
    /// Maximum vfs. Example: `0`.
    @Zero public var maximumVFs: UInt64
    /// Vfs. Example: `null`.
    @Zero public var vfs: [ResourcesGPUCard]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case currentVFs = "current_vfs"
        case maximumVFs = "maximum_vfs"
        case vfs
    }
}

/// ResourcesGPUCardNvidia.
public struct ResourcesGPUCardNvidia: WireValue {
    /// Cuda version. Example: `11.0`.
    @OmitEmpty public var cudaVersion: String
    /// Nvrm version. Example: `450.102.04`.
    @OmitEmpty public var nvrmVersion: String
    /// Brand. Example: `GeForce`.
    @Zero public var brand: String
    /// Model. Example: `GeForce GT 730`.
    @Zero public var model: String
    /// Uuid. Example: `GPU-6ddadebd-dafe-2db9-f10f-125719770fd3`.
    @OmitEmpty public var uuid: String
    /// Architecture. Example: `3.5`.
    @OmitEmpty public var architecture: String
    /// Card name. Example: `nvidia0`.
    @Zero public var cardName: String
    /// Card device. Example: `195:0`.
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

/// ResourcesGPUCardMdev.
public struct ResourcesGPUCardMdev: WireValue {
    /// Api. Example: `vfio-pci`.
    @Zero public var api: String
    /// Available. Example: `2`.
    @Zero public var available: UInt64
    /// Name. Example: `i915-GVTg_V5_8`.
    @OmitEmpty public var name: String
    /// Description. Example: `low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\nresolution: 1920x1200\nweight: 4`.
    @OmitEmpty public var description: String
    /// Devices. Example: `["42200aac-0977-495c-8c9e-6c51b9092a01", "b4950c00-1437-41d9-88f6-28d61cf9b9ef"]`.
    @Zero public var devices: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case api, available, name, description, devices
    }
}
