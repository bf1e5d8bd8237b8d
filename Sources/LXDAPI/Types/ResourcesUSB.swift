/// ResourcesUSB.
public struct ResourcesUSB: WireValue {
    /// Devices.
    @Zero public var devices: [ResourcesUSBDevice]
    /// Total. Example: `1`.
    @Zero public var total: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case devices, total
    }
}

/// ResourcesUSBDevice.
public struct ResourcesUSBDevice: WireValue {
    /// Bus address. Example: `1`.
    @Zero public var busAddress: UInt64
    /// Device address. Example: `3`.
    @Zero public var deviceAddress: UInt64
    /// Interfaces.
    @Zero public var interfaces: [ResourcesUSBDeviceInterface]
    /// Vendor. Example: `ATEN International Co., Ltd`.
    @Zero public var vendor: String
    /// Vendor id. Example: `0557`.
    @Zero public var vendorID: String
    /// Product. Example: `Hermon USB hidmouse Device`.
    @Zero public var product: String
    /// Product id. Example: `2221`.
    @Zero public var productID: String
    /// Speed. Example: `12`.
    @Zero public var speed: Double

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case busAddress = "bus_address"
        case deviceAddress = "device_address"
        case interfaces, vendor
        case vendorID = "vendor_id"
        case product
        case productID = "product_id"
        case speed
    }
}

/// ResourcesUSBDeviceInterface.
public struct ResourcesUSBDeviceInterface: WireValue {
    /// Class. Example: `Human Interface Device`.
    @Zero public var `class`: String
    /// Class id. Example: `3`.
    @Zero public var classID: UInt64
    /// Driver. Example: `usbhid`.
    @Zero public var driver: String
    /// Driver version. Example: `5.8.0-36-generic`.
    @Zero public var driverVersion: String
    /// Number. Example: `0`.
    @Zero public var number: UInt64
    /// Subclass. Example: `Boot Interface Subclass`.
    @Zero public var subclass: String
    /// Subclass id. Example: `1`.
    @Zero public var subclassID: UInt64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case `class`
        case classID = "class_id"
        case driver
        case driverVersion = "driver_version"
        case number, subclass
        case subclassID = "subclass_id"
    }
}
