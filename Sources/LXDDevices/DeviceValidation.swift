import LXDAPI
import LXDConfig

/// The surroundings a device is checked in.
package struct DeviceSurroundings: Sendable {
    package var project: String
    /// Empty for a profile.
    package var instance: String
    /// Managed networks that the project sees.
    package var networks: [ManagedNetwork]
    package var pools: [String]
    /// The whole, expanded set the device stands in is known.
    package var isExpanded: Bool
    /// The devices it stands among, itself included.
    package var siblings: [String: [String: String]]

    package init(
        project: String, instance: String, networks: [ManagedNetwork], pools: [String], isExpanded: Bool,
        siblings: [String: [String: String]] = [:]
    ) {
        self.project = project
        self.instance = instance
        self.networks = networks
        self.pools = pools
        self.isExpanded = isExpanded
        self.siblings = siblings
    }
}

/// What devices may be configured as, with LXD's sentences.
package enum DeviceValidation {
    /// - Throws: `UnsupportedDevice` for a type or kind there is none of; `LXDError` for anything else.
    package static func validate(_ name: String, _ config: [String: String], in surroundings: DeviceSurroundings) throws
    {
        try DeviceKeys.validate(name: name)
        let line = config.first {
            $0.key != "type" && $0.value.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
        }
        if let line {
            throw LXDError.badRequest(
                "Invalid value for device option \(goQuoted(line.key)): Control characters are not allowed")
        }
        switch config["type"] {
        case "none": try DeviceKeys.validate(config)
        case "disk": try DiskRules.validate(name, config, surroundings)
        case "unix-char", "unix-block": try UnixRules.validate(config)
        case "nic": try NICRules.validate(name, config, surroundings)
        default: throw UnsupportedDevice.refusal(config, nicType: "")
        }
    }
}
