package import LXDAPI

/// The properties of devices.
package enum DeviceKeys {
    /// The properties of a kind of device, or nil for a kind that does not exist.
    ///
    /// - Parameters:
    ///   - type: As `disk` or `nic`.
    ///   - nicType: For `nic`: `bridged`, `macvlan`, `p2p`, `physical`.
    package static func table(type: String, nicType: String = "") -> KeyTable? {
        switch type {
        case "nic": nicTables[nicType]
        case "disk": disk
        case "unix-char", "unix-block": unix
        case "unix-hotplug": hotplug
        case "usb": usb
        case "proxy": proxy
        case "gpu": gpu
        case "tpm": tpm
        case "pci": pci
        case "none": none
        default: nil
        }
    }

    /// Checks the name of a device.
    ///
    /// - Throws: `.badRequest` with LXD's text.
    package static func validate(name: String) throws(LXDError) {
        if let problem = NameRules.device(name) { throw .badRequest(problem) }
    }

    /// Checks each property; how properties go together is the device's concern.
    ///
    /// - Throws: `.badRequest` with LXD's text.
    package static func validate(_ device: [String: String], nicType: String = "") throws(LXDError) {
        guard let type = device["type"], !type.isEmpty else { throw .badRequest("Missing device type in config") }
        guard let table = table(type: type, nicType: nicType) else { throw .badRequest("Unsupported device type") }
        var properties = device
        properties["type"] = nil
        if type == "nic" || type == "infiniband" { properties["nictype"] = nil }
        if type == "gpu" { properties["gputype"] = nil }
        switch table.firstProblem(in: properties, checkingUnset: true) {
        case nil: return
        case .unknown(let name): throw .badRequest("Invalid device option \(goQuoted(name))")
        case .invalid(let name, let text):
            throw .badRequest("Invalid value for device option \(goQuoted(name)): \(text)")
        }
    }

    private static let user = ConfigKey("user.*", .blob, "Free for users.")

    private static let owner: [ConfigKey] = [
        .init("gid", default: "0", check: .userID.optional, "Group of the device in the instance."),
        .init("mode", default: "0660", check: .octalMode.optional, "Permissions of the device in the instance."),
        .init("uid", default: "0", check: .userID.optional, "Owner of the device in the instance."),
    ]

    private static let required = ConfigKey(
        "required", .bool, default: "true", "Whether the instance needs the device to start.")

    private static let disk = KeyTable([
        .init("boot.priority", .uint32, "Boot order; higher values come first."),
        .init("ceph.cluster_name", "Name of the Ceph cluster."),
        .init("ceph.user_name", "User of the Ceph cluster."),
        .init("limits.max", "Most bytes or operations a second: `10MB`, `100iops`."),
        .init("limits.read", "Most that is read a second."),
        .init("limits.write", "Most that is written a second."),
        .init("optional", .bool, "Old opposite of `required`."),
        .init("path", "Where the disk is in the instance."),
        .init("pool", "Storage pool of the volume."),
        .init("propagation", check: propagation, "How mounts below the disk are shared."),
        .init("raw.mount.options", .string, privilege: .lowLevel, "Mount options of the file system."),
        .init("readonly", .bool, default: "false", "Whether the instance may only read."),
        .init("recursive", .bool, default: "false", "Whether mounts below the source come along."),
        required,
        .init("shift", .bool, default: "false", "Show the files with the instance's ids."),
        .init("size", .size, "Size of the root disk."),
        .init("size.state", .size, "Size of the volume for saved state."),
        .init("source", .string, privilege: .host, "Path on the host, or volume of the pool."),
        user,
    ])

    private static let propagation = ConfigCheck { value in
        let modes = ["", "private", "shared", "slave", "unbindable", "rshared", "rslave", "runbindable", "rprivate"]
        return modes.contains(value)
            ? nil : "Invalid propagation value. Must be one of: \(modes.joined(separator: ", "))"
    }

    private static let unix = KeyTable(
        owner + [
            .init("major", check: .deviceNumber.optional, "Major number; else that of the source."),
            .init("minor", check: .deviceNumber.optional, "Minor number; else that of the source."),
            .init("path", "Where the device is in the instance."),
            required,
            .init("source", "Where the device is on the host."),
            user,
        ])

    private static let hotplug = KeyTable(
        owner + [
            .init("productid", check: .deviceID.optional, "Product of the device."),
            required,
            .init("vendorid", check: .deviceID.optional, "Vendor of the device."),
            user,
        ])

    private static let usb = hotplug

    private static let gpu = KeyTable(
        owner + [
            .init("id", "Number of the card."),
            .init("mdev", "Profile of a mediated device."),
            .init("mig.ci", .integer, "Compute instance of a MIG device."),
            .init("mig.gi", .integer, "GPU instance of a MIG device."),
            .init("mig.uuid", "Identity of a MIG device."),
            .init("pci", check: .pciAddress.optional, "Address of the card."),
            .init("productid", check: .deviceID.optional, "Product of the card."),
            .init("vendorid", check: .deviceID.optional, "Vendor of the card."),
            user,
        ])

    private static let proxy = KeyTable(
        [
            .init("bind", default: "host", check: proxySide.optional, "Which side listens: `host` or `instance`."),
            .init(
                "connect", .string, privilege: .host, check: ConfigCheck.any.required,
                "Where connections go: `tcp:ADDRESS:PORT`, `udp:...`, `unix:PATH`."),
            .init("listen", .string, privilege: .host, check: ConfigCheck.any.required, "Where connections come from."),
            .init("nat", .bool, default: "false", "Forward by the firewall."),
            .init("proxy_protocol", .bool, default: "false", "Tell the client's address by the PROXY protocol."),
            .init("security.gid", check: .userID.optional, "Group that the forwarder runs as."),
            .init("security.uid", check: .userID.optional, "User that the forwarder runs as."),
            user,
        ] + owner)

    private static let proxySide = ConfigCheck { value in
        ["host", "instance", "guest", "container"].contains(value)
            ? nil : #"Invalid binding side given. Must be "host" or "instance""#
    }

    private static let tpm = KeyTable([
        .init("path", "Path in the container."), .init("pathrm", "Path of the resource manager."), user,
    ])
    private static let pci = KeyTable([.init("address", check: .pciAddress, "Address of the device."), user])
    private static let none = KeyTable([user])
}
