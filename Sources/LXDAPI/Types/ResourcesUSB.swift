/// Hardware: USB.
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

/// Hardware: USB device.
public struct ResourcesUSBDevice: WireValue {
    /// Number of the bus. Example: `1`.
    @Zero public var busAddress: UInt64
    /// Number on the bus. Example: `3`.
    @Zero public var deviceAddress: UInt64
    /// Interfaces of the device.
    @Zero public var interfaces: [ResourcesUSBDeviceInterface]
    /// Vendor. Example: `ATEN International Co., Ltd`.
    @Zero public var vendor: String
    /// Number of the vendor. Example: `0557`.
    @Zero public var vendorID: String
    /// Product. Example: `Hermon USB hidmouse Device`.
    @Zero public var product: String
    /// Number of the product. Example: `2221`.
    @Zero public var productID: String
    /// Megabits a second. Example: `12`.
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

/// Hardware: USB device interface.
public struct ResourcesUSBDeviceInterface: WireValue {
    /// Class. Example: `Human Interface Device`.
    @Zero public var `class`: String
    /// Number of the class. Example: `3`.
    @Zero public var classID: UInt64
    /// Driver. Example: `usbhid`.
    @Zero public var driver: String
    /// Version of the driver. Example: `5.8.0-36-generic`.
    @Zero public var driverVersion: String
    /// Number of the interface. Example: `0`.
    @Zero public var number: UInt64
    /// Subclass. Example: `Boot Interface Subclass`.
    @Zero public var subclass: String
    /// Number of the subclass. Example: `1`.
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
