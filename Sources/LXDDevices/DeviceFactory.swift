import LXDAPI

/// A type of device that containers cannot have here.
package struct UnsupportedDevice: Error, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String = "Unsupported device type") { self.description = description }
}

extension UnsupportedDevice {
    /// What containers can have in LXD though not here: refused in words, never left out in silence.
    static func refusal(_ config: [String: String], nicType: String) -> any Error {
        let type = config["type"] ?? ""
        if type == "nic", ["routed", "ipvlan", "sriov", "ovn"].contains(nicType) {
            return LXDError.notImplemented(
                "Network devices of type \(goQuoted(nicType)) are not supported by this server")
        }
        if ["gpu", "infiniband", "proxy", "tpm", "unix-hotplug", "usb"].contains(type) {
            return LXDError.notImplemented("Devices of type \(goQuoted(type)) are not supported by this server")
        }
        return UnsupportedDevice()
    }
}

/// Makes devices from their configuration.
package enum DeviceFactory {
    /// What kind of NIC it is: its `nictype`, or what its managed network asks for.
    package static func nicType(_ config: [String: String], networks: [ManagedNetwork]) -> String {
        guard config["type"] == "nic", let name = config["network"], !name.isEmpty else {
            return config["nictype"] ?? ""
        }
        switch networks.first(where: { $0.name == name })?.type {
        case "bridge": return "bridged"
        case .some(let type): return type
        case nil: return ""
        }
    }

    /// - Parameters:
    ///   - config: Expanded; validated before.
    ///   - volatile: The instance's configuration; keys `volatile.NAME.…` are read.
    ///   - networks: Managed networks that the instance's project sees.
    /// - Throws: `UnsupportedDevice`.
    package static func device(
        _ name: String, _ config: [String: String], volatile: [String: String], owner: DeviceOwner,
        networks: [ManagedNetwork], environment: DeviceEnvironment
    ) throws -> any Device {
        let settings = DeviceSettings(name: name, config: config, instanceConfig: volatile, owner: owner)
        switch config["type"] {
        case "none": return NoDevice(name: name)
        case "disk": return DiskDevice(settings: settings, storage: environment.storage)
        case "unix-char", "unix-block": return UnixDevice(settings: settings)
        case "nic":
            let type = nicType(config, networks: networks)
            guard let kind = NICKind(rawValue: type) else { throw UnsupportedDevice.refusal(config, nicType: type) }
            return NICDevice(
                settings: settings, plan: try NICPlan(settings, kind: kind, networks: networks),
                networks: environment.networks)
        default: throw UnsupportedDevice.refusal(config, nicType: "")
        }
    }
}

/// A device's configuration with what the server noted about it.
package struct DeviceSettings: Sendable, Hashable {
    package let name: String
    package let config: [String: String]
    /// Keys after `volatile.NAME.`.
    package let volatile: [String: String]
    package let owner: DeviceOwner

    package init(name: String, config: [String: String], instanceConfig: [String: String], owner: DeviceOwner) {
        self.name = name
        self.config = config
        self.owner = owner
        let prefix = "volatile.\(name)."
        var volatile: [String: String] = [:]
        for (key, value) in instanceConfig where key.hasPrefix(prefix) {
            volatile[String(key.dropFirst(prefix.count))] = value
        }
        self.volatile = volatile
    }

    package subscript(key: String) -> String { config[key] ?? "" }
    package func isTrue(_ key: String) -> Bool { ["true", "1", "yes", "on"].contains(self[key].lowercased()) }
    package func isFalse(_ key: String) -> Bool { ["false", "0", "no", "off"].contains(self[key].lowercased()) }

    /// The configured value, else the noted one.
    func configuredOrNoted(_ key: String) -> String { self[key].isEmpty ? volatile[key] ?? "" : self[key] }

    /// A comma-separated value.
    func list(_ key: String) -> [String] {
        self[key].split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }

    func volatileKey(_ key: String) -> String { "volatile.\(name).\(key)" }
}

/// A device that masks one of a profile.
package struct NoDevice: Device {
    package let name: String
    package let updatableKeys: Set<String> = []
    package func start() async throws -> DeviceStart { DeviceStart() }
    package func stop() async throws -> [String: String?] { [:] }
    package func detach(from target: any HotplugTarget) async throws {}
    package func update(from old: any Device, isRunning: Bool) async throws {}
}
