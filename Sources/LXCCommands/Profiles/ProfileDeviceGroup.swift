import ArgumentParser

struct ProfileDeviceGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Manage devices",
        subcommands: [
            ProfileDeviceAdd.self, ProfileDeviceGet.self, ProfileDeviceList.self,
            ProfileDeviceRemove.self, ProfileDeviceSet.self, ProfileDeviceShow.self, ProfileDeviceUnset.self,
        ])
}

struct ProfileDeviceAdd: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add instance devices",
        usage: "[<remote>:]<profile> <device> <type> [key=value...]")
    static let argumentCount = 3...Int.max
    static let examples = """
        lxc profile device add [<remote>:]profile1 <device-name> disk source=/share/c1 path=/opt
            Will mount the host's /share/c1 onto /opt in its instances.

        lxc profile device add [<remote>:]profile1 <device-name> disk pool=some-pool source=some-volume path=/opt
            Will mount the some-volume volume on some-pool onto /opt in its instances.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let owner = try DeviceOwner(.profile, arguments[0], session)
        try await DeviceCommands.add(owner, Array(arguments.dropFirst()), session)
    }
}

struct ProfileDeviceGet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Get values for device configuration keys",
        usage: "[<remote>:]<profile> <device> <key>")
    static let argumentCount = 3...3
    static let examples = """
        lxc profile device get web eth0 parent
            Show to which network the card "eth0" of "web" is attached.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await DeviceCommands.get(try DeviceOwner(.profile, arguments[0], session), arguments[1], arguments[2])
    }
}

struct ProfileDeviceList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List instance devices", usage: "[<remote>:]<profile>", aliases: ["ls"])
    static let argumentCount = 1...1
    static let examples = """
        lxc profile device list web
            Show the devices that "web" has.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await DeviceCommands.list(try DeviceOwner(.profile, arguments[0], session))
    }
}

struct ProfileDeviceRemove: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove instance devices", usage: "[<remote>:]<profile> <name>...",
        aliases: ["rm"])
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc profile device remove web data
            Take the device "data" away from "web".
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let owner = try DeviceOwner(.profile, arguments[0], session)
        try await DeviceCommands.remove(owner, Array(arguments.dropFirst()), session)
    }
}

struct ProfileDeviceSet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set device configuration keys",
        usage: "[<remote>:]<profile> <device> <key>=<value>...",
        discussion: """
            Set device configuration keys

            For backward compatibility, a single configuration key may still be set with:
                lxc profile device set [<remote>:]<profile> <device> <key> <value>
            """)
    static let argumentCount = 3...Int.max
    static let examples = """
        lxc profile device set web root size=20GiB
            Change the size of the disk of "web".
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        let owner = try DeviceOwner(.profile, arguments[0], session)
        try await DeviceCommands.set(owner, arguments[1], try KeyValues.parse(Array(arguments.dropFirst(2))))
    }
}

struct ProfileDeviceShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show full device configuration", usage: "[<remote>:]<profile>")
    static let argumentCount = 1...1
    static let examples = """
        lxc profile device show web
            Show the devices that "web" has.
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await DeviceCommands.show(try DeviceOwner(.profile, arguments[0], session))
    }
}

struct ProfileDeviceUnset: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Unset device configuration keys", usage: "[<remote>:]<profile> <device> <key>")
    static let argumentCount = 3...3
    static let examples = """
        lxc profile device unset web root size
            Go back to the pool's own size for the disk of "web".
        """
    @Argument var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await DeviceCommands.unset(try DeviceOwner(.profile, arguments[0], session), arguments[1], arguments[2])
    }
}
