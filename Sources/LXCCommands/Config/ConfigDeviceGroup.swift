import ArgumentParser

struct ConfigDeviceGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Manage devices",
        subcommands: [
            ConfigDeviceAdd.self, ConfigDeviceGet.self, ConfigDeviceList.self, ConfigDeviceOverride.self,
            ConfigDeviceRemove.self, ConfigDeviceSet.self, ConfigDeviceShow.self, ConfigDeviceUnset.self,
        ])
}

struct ConfigDeviceAdd: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add instance devices", usage: "[<remote>:]<instance> <device> <type> [key=value...]")
    static let argumentCount = 3...Int.max
    static let examples = """
        lxc config device add [<remote>:]instance1 <device-name> disk source=/share/c1 path=/opt
            Will mount the host's /share/c1 onto /opt in the instance.

        lxc config device add [<remote>:]instance1 <device-name> disk pool=some-pool source=some-volume path=/opt
            Will mount the some-volume volume on some-pool onto /opt in the instance.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let owner = try DeviceOwner(.instance, arguments[0], session)
        try await DeviceCommands.add(owner, Array(arguments.dropFirst()), session)
    }
}

struct ConfigDeviceGet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Get values for device configuration keys",
        usage: "[<remote>:]<instance> <device> <key>")
    static let argumentCount = 3...3
    static let examples = """
        lxc config device get u1 eth0 parent
            Show to which network the card "eth0" of "u1" is attached.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await DeviceCommands.get(try DeviceOwner(.instance, arguments[0], session), arguments[1], arguments[2])
    }
}

struct ConfigDeviceList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List instance devices", usage: "[<remote>:]<instance>", aliases: ["ls"])
    static let argumentCount = 1...1
    static let examples = """
        lxc config device list u1
            Show the devices that "u1" has besides those of its profiles.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await DeviceCommands.list(try DeviceOwner(.instance, arguments[0], session))
    }
}

struct ConfigDeviceOverride: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "override", abstract: "Copy profile inherited devices and override configuration keys",
        usage: "[<remote>:]<instance> <device> [key=value...]")
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc config device override u1 root size=20GiB
            Give "u1" a larger disk than its profile says.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let owner = try DeviceOwner(.instance, arguments[0], session)
        try await DeviceCommands.override(owner, arguments[1], Array(arguments.dropFirst(2)), session)
    }
}

struct ConfigDeviceRemove: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove instance devices", usage: "[<remote>:]<instance> <name>...",
        aliases: ["rm"])
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc config device remove u1 data
            Take the device "data" away from "u1".
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let owner = try DeviceOwner(.instance, arguments[0], session)
        try await DeviceCommands.remove(owner, Array(arguments.dropFirst()), session)
    }
}

struct ConfigDeviceSet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set device configuration keys",
        usage: "[<remote>:]<instance> <device> <key>=<value>...",
        discussion: """
            Set device configuration keys

            For backward compatibility, a single configuration key may still be set with:
                lxc config device set [<remote>:]<instance> <device> <key> <value>
            """)
    static let argumentCount = 3...Int.max
    static let examples = """
        lxc config device set u1 root size=20GiB
            Change the size of the disk of "u1".
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let owner = try DeviceOwner(.instance, arguments[0], session)
        try await DeviceCommands.set(owner, arguments[1], try KeyValues.parse(Array(arguments.dropFirst(2))))
    }
}

struct ConfigDeviceShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show full device configuration", usage: "[<remote>:]<instance>")
    static let argumentCount = 1...1
    static let examples = """
        lxc config device show u1
            Show the devices that "u1" has besides those of its profiles.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await DeviceCommands.show(try DeviceOwner(.instance, arguments[0], session))
    }
}

struct ConfigDeviceUnset: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Unset device configuration keys", usage: "[<remote>:]<instance> <device> <key>")
    static let argumentCount = 3...3
    static let examples = """
        lxc config device unset u1 root size
            Go back to the pool's own size for the disk of "u1".
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await DeviceCommands.unset(try DeviceOwner(.instance, arguments[0], session), arguments[1], arguments[2])
    }
}
