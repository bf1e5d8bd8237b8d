/// Hardware: system.
public struct ResourcesSystem: WireValue {
    /// Identity. Example: `7fa1c0cc-2271-11b2-a85c-aab32a05d71a`.
    @Zero public var uuid: String
    /// Vendor. Example: `LENOVO`.
    @Zero public var vendor: String
    /// Product. Example: `20HRCTO1WW`.
    @Zero public var product: String
    /// Product family. Example: `ThinkPad X1 Carbon 5th`.
    @Zero public var family: String
    /// Version. Example: `ThinkPad X1 Carbon 5th`.
    @Zero public var version: String
    /// Stock keeping unit.
    @Zero public var sku: String
    /// Serial number. Example: `PY3DD4X9`.
    @Zero public var serial: String
    /// Kind. Example: `physical`.
    @Zero public var type: String
    /// Firmware.
    @Zero public var firmware: ResourcesSystemFirmware?
    /// Case.
    @Zero public var chassis: ResourcesSystemChassis?
    /// Main board.
    @Zero public var motherboard: ResourcesSystemMotherboard?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case uuid, vendor, product, family, version, sku, serial, type, firmware, chassis, motherboard
    }
}

/// Hardware: system firmware.
public struct ResourcesSystemFirmware: WireValue {
    /// Vendor. Example: `Lenovo`.
    @Zero public var vendor: String
    /// Date of release. Example: `10/14/2020`.
    @Zero public var date: String
    /// Version. Example: `N1MET64W (1.49)`.
    @Zero public var version: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case vendor, date, version
    }
}

/// Hardware: system chassis.
public struct ResourcesSystemChassis: WireValue {
    /// Vendor. Example: `Lenovo`.
    @Zero public var vendor: String
    /// Kind. Example: `Notebook`.
    @Zero public var type: String
    /// Serial number. Example: `PY3DD4X9`.
    @Zero public var serial: String
    /// Version. Example: `None`.
    @Zero public var version: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case vendor, type, serial, version
    }
}

/// Hardware: system motherboard.
public struct ResourcesSystemMotherboard: WireValue {
    /// Vendor. Example: `Lenovo`.
    @Zero public var vendor: String
    /// Product. Example: `20HRCTO1WW`.
    @Zero public var product: String
    /// Serial number. Example: `L3CF4FX003A`.
    @Zero public var serial: String
    /// Version. Example: `None`.
    @Zero public var version: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case vendor, product, serial, version
    }
}
