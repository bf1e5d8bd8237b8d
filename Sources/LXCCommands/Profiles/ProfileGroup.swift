import LXDAPI
import LXDClient

struct ProfileGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Manage profiles",
        subcommands: [
            ProfileAdd.self, ProfileAssign.self, ProfileCopy.self, ProfileCreate.self, ProfileDelete.self,
            ProfileDeviceGroup.self, ProfileEdit.self, ProfileGet.self, ProfileList.self, ProfileRemove.self,
            ProfileRename.self, ProfileSet.self, ProfileShow.self, ProfileUnset.self,
        ])

    static let missingName = "Missing profile name"

    static func thing(_ argument: String, _ session: Session) throws -> ConfiguredThing<Profile> {
        let resource = try session.named(argument, orFail: missingName)
        return ConfiguredThing {
            try await resource.server.profile(resource.name)
        } store: {
            try await resource.server.updateProfile(resource.name, $0, etag: $1)
        }
    }
}

struct ProfileCopy: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy", abstract: "Copy profiles", usage: "[<remote>:]<profile> [<remote>:]<profile>",
        aliases: ["cp"])
    static let argumentCount = 2...2
    static let examples = """
        lxc profile copy default web
            Make "web", a profile like "default".
        """

    @Option(help: "Copy to a project different from the source") var targetProject = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let source = try session.resource(arguments[0])
        let destination = try session.resource(arguments[1])
        guard !source.name.isEmpty else { throw CommandFailure("Missing source profile name") }
        let profile = try await source.server.profile(source.name).value
        let server = targetProject.isEmpty ? destination.server : destination.server.using(project: targetProject)
        try await server.createProfile(
            .with {
                $0.writable = profile.writable
                $0.name = destination.name.isEmpty ? source.name : destination.name
            })
    }
}

struct ProfileCreate: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create profiles", usage: "[<remote>:]<profile>")
    static let argumentCount = 1...1
    static let examples = """
        lxc profile create web
            Make an empty profile.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProfileGroup.missingName)
        try await resource.server.createProfile(.with { $0.name = resource.name })
        session.say("Profile \(resource.name) created")
    }
}

struct ProfileDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete profiles", usage: "[<remote>:]<profile>", aliases: ["rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc profile delete web
            Delete a profile that no instance uses.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProfileGroup.missingName)
        try await resource.server.deleteProfile(resource.name)
        session.say("Profile \(resource.name) deleted")
    }
}

struct ProfileEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit profile configurations as YAML", usage: "[<remote>:]<profile>")
    static let argumentCount = 1...1
    static let examples = """
        lxc profile edit <profile> < profile.yaml
            Update a profile using the content of profile.yaml
        """

    var arguments: [String] = []

    private static let help = """
        ### This is a YAML representation of the profile.
        ### Any line starting with a '# will be ignored.
        ###
        ### A profile consists of a set of configuration items followed by a set of
        ### devices.
        ###
        ### An example would look like:
        ### name: onenic
        ### config:
        ###   raw.lxc: lxc.aa_profile=unconfined
        ### devices:
        ###   eth0:
        ###     nictype: bridged
        ###     parent: lxdbr0
        ###     type: nic
        ###
        ### Note that the name is shown but cannot be changed
        """

    func run(_ session: Session) async throws {
        try await ProfileGroup.thing(arguments[0], session).edit(help: Self.help)
    }
}

struct ProfileGet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Get values for profile configuration keys", usage: "[<remote>:]<profile> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc profile get web limits.memory
            Show the memory limit that "web" gives its instances.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ProfileGroup.thing(arguments[0], session).get(arguments[1], missing: "\n")
    }
}

struct ProfileList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List profiles", usage: "[<remote>:]", aliases: ["ls"])
    static let argumentCount = 0...1
    static let examples = """
        lxc profile list
            Show the profiles and how many instances use each.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let profiles = try await session.resource(arguments.first ?? "").server.profiles()
        var table = Table(["NAME", "DESCRIPTION", "USED BY"])
        table.rows = profiles.map { [$0.name, $0.description, "\($0.usedBy.count)"] }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: profiles))
    }
}

struct ProfileRename: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Rename profiles", usage: "[<remote>:]<profile> <new-name>", aliases: ["mv"])
    static let argumentCount = 2...2
    static let examples = """
        lxc profile rename web frontend
            Give a profile another name.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProfileGroup.missingName)
        try await resource.server.renameProfile(resource.name, to: arguments[1])
        session.say("Profile \(resource.name) renamed to \(arguments[1])")
    }
}

struct ProfileSet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set profile configuration keys",
        usage: "[<remote>:]<profile> <key><value>...",
        discussion: """
            Set profile configuration keys

            For backward compatibility, a single configuration key may still be set with:
                lxc profile set [<remote>:]<profile> <key> <value>
            """)
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc profile set web limits.memory=512MiB
            Give the instances of "web" at most 512 MiB of memory.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ProfileGroup.thing(arguments[0], session).set(arguments.dropFirst())
    }
}

struct ProfileShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show profile configurations", usage: "[<remote>:]<profile>")
    static let argumentCount = 1...1
    static let examples = """
        lxc profile show default
            Show all of a profile as YAML.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ProfileGroup.thing(arguments[0], session).show(sorted: false)
    }
}

struct ProfileUnset: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Unset profile configuration keys", usage: "[<remote>:]<profile> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc profile unset web limits.memory
            Lift the memory limit of the instances of "web".
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ProfileGroup.thing(arguments[0], session).unset(arguments[1])
    }
}
