/// ResourcesSystem.
public struct ResourcesSystem: WireValue {
    /// Uuid. Example: `7fa1c0cc-2271-11b2-a85c-aab32a05d71a`.
    @Zero public var uuid: String
    /// Vendor. Example: `LENOVO`.
    @Zero public var vendor: String
    /// Product. Example: `20HRCTO1WW`.
    @Zero public var product: String
    /// Family. Example: `ThinkPad X1 Carbon 5th`.
    @Zero public var family: String
    /// Version. Example: `ThinkPad X1 Carbon 5th`.
    @Zero public var version: String
    /// Sku.
    @Zero public var sku: String
    /// Serial. Example: `PY3DD4X9`.
    @Zero public var serial: String
    /// Type. Example: `physical`.
    @Zero public var type: String
    /// Firmware.
    @Zero public var firmware: ResourcesSystemFirmware?
    /// Chassis.
    @Zero public var chassis: ResourcesSystemChassis?
    /// Motherboard.
    @Zero public var motherboard: ResourcesSystemMotherboard?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case uuid, vendor, product, family, version, sku, serial, type, firmware, chassis, motherboard
    }
}

/// ResourcesSystemFirmware.
public struct ResourcesSystemFirmware: WireValue {
    /// Vendor. Example: `Lenovo`.
    @Zero public var vendor: String
    /// Date. Example: `10/14/2020`.
    @Zero public var date: String
    /// Version. Example: `N1MET64W (1.49)`.
    @Zero public var version: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case vendor, date, version
    }
}

/// ResourcesSystemChassis.
public struct ResourcesSystemChassis: WireValue {
    /// Vendor. Example: `Lenovo`.
    @Zero public var vendor: String
    /// Type. Example: `Notebook`.
    @Zero public var type: String
    /// Serial. Example: `PY3DD4X9`.
    @Zero public var serial: String
    /// Version. Example: `None`.
    @Zero public var version: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case vendor, type, serial, version
    }
}

/// ResourcesSystemMotherboard.
public struct ResourcesSystemMotherboard: WireValue {
    /// Vendor. Example: `Lenovo`.
    @Zero public var vendor: String
    /// Product. Example: `20HRCTO1WW`.
    @Zero public var product: String
    /// Serial. Example: `L3CF4FX003A`.
    @Zero public var serial: String
    /// Version. Example: `None`.
    @Zero public var version: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case vendor, product, serial, version
    }
}
