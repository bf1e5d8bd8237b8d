import LXDAPI

/// What `lxc config device` and `lxc profile device` are told apart by.
protocol DeviceHolder {
    static var kind: DeviceOwner.Kind { get }
    /// The words before `device` on the command line.
    static var command: String { get }
    /// What a person names first.
    static var word: String { get }
    /// A name for examples.
    static var example: String { get }
}

enum InstanceDevices: DeviceHolder {
    static let kind = DeviceOwner.Kind.instance
    static let command = "lxc config"
    static let word = "instance"
    static let example = "u1"
}

enum ProfileDevices: DeviceHolder {
    static let kind = DeviceOwner.Kind.profile
    static let command = "lxc profile"
    static let word = "profile"
    static let example = "web"
}

struct ConfigDeviceGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Manage devices",
        subcommands: DeviceGroup<InstanceDevices>.commands + [DeviceOverride.self])
}

struct ProfileDeviceGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Manage devices", subcommands: DeviceGroup<ProfileDevices>.commands)
}

private enum DeviceGroup<Holder: DeviceHolder> {
    static var commands: [any Command.Type] {
        [
            DeviceAdd<Holder>.self, DeviceGet<Holder>.self, DeviceList<Holder>.self, DeviceRemove<Holder>.self,
            DeviceSet<Holder>.self, DeviceShow<Holder>.self, DeviceUnset<Holder>.self,
        ]
    }
}

struct DeviceAdd<Holder: DeviceHolder>: LXCCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "add", abstract: "Add instance devices",
            usage: "[<remote>:]<\(Holder.word)> <device> <type> [key=value...]")
    }
    static var argumentCount: ClosedRange<Int> { 3...Int.max }
    static var examples: String {
        let place = Holder.kind == .instance ? "the instance" : "its instances"
        return """
            \(Holder.command) device add [<remote>:]\(Holder.word)1 <device-name> disk source=/share/c1 path=/opt
                Will mount the host's /share/c1 onto /opt in \(place).

            \(Holder.command) device add [<remote>:]\(Holder.word)1 <device-name> disk pool=some-pool source=some-volume path=/opt
                Will mount the some-volume volume on some-pool onto /opt in \(place).
            """
    }
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let (name, type) = (arguments[1], arguments[2])
        let owner = try DeviceOwner(Holder.kind, arguments[0], session)
        var device = try DeviceOwner.properties(arguments.dropFirst(3))
        device["type"] = type
        let added = device
        try await owner.change { devices, _ in
            guard devices[name] == nil else { throw CommandFailure("The device already exists") }
            devices[name] = added
        }
        session.say("Device \(name) added to \(owner.resource.name)")
    }
}

struct DeviceGet<Holder: DeviceHolder>: LXCCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "get", abstract: "Get values for device configuration keys",
            usage: "[<remote>:]<\(Holder.word)> <device> <key>")
    }
    static var argumentCount: ClosedRange<Int> { 3...3 }
    static var examples: String {
        """
        \(Holder.command) device get \(Holder.example) eth0 parent
            Show to which network the card "eth0" of "\(Holder.example)" is attached.
        """
    }
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let (own, expanded) = try await DeviceOwner(Holder.kind, arguments[0], session).load()
        try DeviceOwner.require(
            arguments[1], in: own, expanded, orFail: "Device from profile(s) cannot be retrieved for individual instance")
        Standard.output((own[arguments[1]]?[arguments[2]] ?? "") + "\n")
    }
}

struct DeviceList<Holder: DeviceHolder>: LXCCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "list", abstract: "List instance devices", usage: "[<remote>:]<\(Holder.word)>", aliases: ["ls"])
    }
    static var argumentCount: ClosedRange<Int> { 1...1 }
    static var examples: String {
        """
        \(Holder.command) device list \(Holder.example)
            Show the names of the devices of "\(Holder.example)" itself.
        """
    }
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let (own, _) = try await DeviceOwner(Holder.kind, arguments[0], session).load()
        Standard.output(own.keys.sorted().joined(separator: "\n") + "\n")
    }
}

struct DeviceOverride: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "override", abstract: "Copy profile inherited devices and override configuration keys",
        usage: "[<remote>:]<instance> <device> [key=value...]")
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc config device override u1 root size=20GiB
            Give "u1" a larger disk than its profile says.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let name = arguments[1]
        let owner = try DeviceOwner(.instance, arguments[0], session)
        let values = try DeviceOwner.properties(arguments.dropFirst(2))
        try await owner.change { devices, expanded in
            guard devices[name] == nil else { throw CommandFailure("The device already exists") }
            guard let inherited = expanded[name] else { throw CommandFailure("The profile device doesn't exist") }
            devices[name] = inherited.merging(values) { _, new in new }
        }
        session.say("Device \(name) overridden for \(owner.resource.name)")
    }
}

struct DeviceRemove<Holder: DeviceHolder>: LXCCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "remove", abstract: "Remove instance devices", usage: "[<remote>:]<\(Holder.word)> <name>...",
            aliases: ["rm"])
    }
    static var argumentCount: ClosedRange<Int> { 2...Int.max }
    static var examples: String {
        """
        \(Holder.command) device remove \(Holder.example) data
            Take the device "data" away from "\(Holder.example)".
        """
    }
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let names = Array(arguments.dropFirst())
        let owner = try DeviceOwner(Holder.kind, arguments[0], session)
        try await owner.change { devices, expanded in
            for name in names {
                try DeviceOwner.require(
                    name, in: devices, expanded,
                    orFail: "Device from profile(s) cannot be removed from individual instance. "
                        + "Override device or modify profile instead")
                devices[name] = nil
            }
        }
        session.say("Device \(names.joined(separator: ", ")) removed from \(owner.resource.name)")
    }
}

struct DeviceSet<Holder: DeviceHolder>: LXCCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "set",
            abstract: "Set device configuration keys",
            usage: "[<remote>:]<\(Holder.word)> <device> <key>=<value>...",
            discussion: """
                Set device configuration keys

                For backward compatibility, a single configuration key may still be set with:
                    \(Holder.command) device set [<remote>:]<\(Holder.word)> <device> <key> <value>
                """)
    }
    static var argumentCount: ClosedRange<Int> { 3...Int.max }
    static var examples: String {
        """
        \(Holder.command) device set \(Holder.example) root size=20GiB
            Change the size of the disk of "\(Holder.example)".
        """
    }
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let values = try KeyValues.parse(Array(arguments.dropFirst(2)))
        try await DeviceOwner(Holder.kind, arguments[0], session).changeDevice(arguments[1]) {
            $0.merge(values) { _, new in new }
        }
    }
}

struct DeviceShow<Holder: DeviceHolder>: LXCCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show", abstract: "Show full device configuration", usage: "[<remote>:]<\(Holder.word)>")
    }
    static var argumentCount: ClosedRange<Int> { 1...1 }
    static var examples: String {
        """
        \(Holder.command) device show \(Holder.example)
            Show the devices of "\(Holder.example)" itself.
        """
    }
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        Standard.output(try LXDYAML.encode(try await DeviceOwner(Holder.kind, arguments[0], session).load().own))
    }
}

struct DeviceUnset<Holder: DeviceHolder>: LXCCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "unset", abstract: "Unset device configuration keys",
            usage: "[<remote>:]<\(Holder.word)> <device> <key>")
    }
    static var argumentCount: ClosedRange<Int> { 3...3 }
    static var examples: String {
        """
        \(Holder.command) device unset \(Holder.example) root size
            Go back to the pool's own size for the disk of "\(Holder.example)".
        """
    }
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let key = arguments[2]
        try await DeviceOwner(Holder.kind, arguments[0], session).changeDevice(arguments[1]) { $0[key] = "" }
    }
}
