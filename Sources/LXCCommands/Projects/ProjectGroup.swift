import LXDAPI
import LXDClient

struct ProjectGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "project", abstract: "Manage projects",
        subcommands: [
            ProjectCreate.self, ProjectDelete.self, ProjectEdit.self, ProjectGet.self, ProjectInfo.self,
            ProjectList.self,
            ProjectRename.self, ProjectSet.self, ProjectShow.self, ProjectSwitch.self, ProjectUnset.self,
        ])

    static let missingName = "Missing project name"

    static func thing(_ argument: String, _ session: Session) throws -> ConfiguredThing<Project> {
        let resource = try session.named(argument, orFail: missingName)
        return ConfiguredThing {
            try await resource.server.project(resource.name)
        } store: {
            try await resource.server.updateProject(resource.name, $0, etag: $1)
        }
    }
}

struct ProjectCreate: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create projects", usage: "[<remote>:]<project>")
    static let argumentCount = 1...1
    static let examples = """
        lxc project create team1 -c features.networks=true
            Make a project that has networks of its own.
        """

    @Option(short: "c", help: "Config key/value to apply to the new project")
    var config: [String] = []
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProjectGroup.missingName)
        let properties = try CreationProperties.parse(config) { "Bad key=value pair: \($0)" }
        try await resource.server.createProject(
            .with {
                $0.name = resource.name
                $0.config = properties
            })
        session.say("Project \(resource.name) created")
    }
}

struct ProjectDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete projects", usage: "[<remote>:]<project>", aliases: ["rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc project delete team1
            Delete a project that is empty.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProjectGroup.missingName)
        try await resource.server.deleteProject(resource.name)
        session.say("Project \(resource.name) deleted")
        guard session.configuration.remotes[resource.remote]?.project == resource.name else { return }
        try session.changeConfiguration { $0.remotes[resource.remote]?.project = "" }
    }
}

struct ProjectEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit project configurations as YAML", usage: "[<remote>:]<project>")
    static let argumentCount = 1...1
    static let examples = """
        lxc project edit <project> < project.yaml
            Update a project using the content of project.yaml
        """

    var arguments: [String] = []

    private static let help = """
        ### This is a YAML representation of the project.
        ### Any line starting with a '# will be ignored.
        ###
        ### A project consists of a set of features and a description.
        ###
        ### An example would look like:
        ### name: my-project
        ### features:
        ###   images: True
        ###   profiles: True
        ### description: My own project
        ###
        ### Note that the name is shown but cannot be changed
        """

    func run(_ session: Session) async throws {
        try await ProjectGroup.thing(arguments[0], session).edit(help: Self.help)
    }
}

struct ProjectGet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Get values for project configuration keys", usage: "[<remote>:]<project> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc project get team1 limits.instances
            Show how many instances a project may have.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ProjectGroup.thing(arguments[0], session).get(arguments[1], missing: "\n")
    }
}

struct ProjectInfo: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Get a summary of resource allocations", usage: "[<remote>:]<project> <key>")
    static let argumentCount = 1...1
    static let examples = """
        lxc project info team1
            Show what a project uses of what it may.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProjectGroup.missingName)
        let state = try await resource.server.projectState(resource.name)
        var table = Table(["RESOURCE", "LIMIT", "USAGE"])
        table.rows = state.resources.map { name, amount in
            func text(_ value: Int64) -> String {
                ["disk", "memory"].contains(name) ? ByteText.iec(value) : "\(value)"
            }
            return [name.uppercased(), amount.limit < 0 ? "UNLIMITED" : text(amount.limit), text(amount.usage)]
        }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: state))
    }
}

struct ProjectList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List projects", usage: "[<remote>:]", aliases: ["ls"])
    static let argumentCount = 0...1
    static let examples = """
        lxc project list
            Show the projects, what each has of its own, and which is the current one.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments.first ?? "")
        let projects = try await resource.server.projects()
        let chosen = session.configuration.remotes[resource.remote]?.project ?? ""
        let current = chosen.isEmpty ? "default" : chosen
        var table = Table(["NAME", "IMAGES", "PROFILES", "STORAGE VOLUMES", "NETWORKS", "DESCRIPTION", "USED BY"])
        table.rows = projects.map { project in
            func has(_ feature: String) -> String {
                ["true", "1", "yes", "on"].contains(project.config["features.\(feature)"]?.lowercased()) ? "YES" : "NO"
            }
            return [
                project.name == current ? "\(project.name) (current)" : project.name, has("images"), has("profiles"),
                has("storage.volumes"), has("networks"), project.description, "\(project.usedBy.count)",
            ]
        }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: projects))
    }
}

struct ProjectRename: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Rename projects", usage: "[<remote>:]<project> <new-name>", aliases: ["mv"])
    static let argumentCount = 2...2
    static let examples = """
        lxc project rename team1 team2
            Give an empty project another name.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProjectGroup.missingName)
        try await resource.server.renameProject(resource.name, to: arguments[1]).wait()
        session.say("Project \(resource.name) renamed to \(arguments[1])")
    }
}

struct ProjectSet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set project configuration keys",
        usage: "[<remote>:]<project> <key>=<value>...",
        discussion: """
            Set project configuration keys

            For backward compatibility, a single configuration key may still be set with:
                lxc project set [<remote>:]<project> <key> <value>
            """)
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc project set team1 limits.instances=5
            Let a project have at most five instances.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ProjectGroup.thing(arguments[0], session).set(arguments.dropFirst())
    }
}

struct ProjectShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show project options", usage: "[<remote>:]<project>")
    static let argumentCount = 1...1
    static let examples = """
        lxc project show default
            Show all of a project as YAML.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ProjectGroup.thing(arguments[0], session).show(sorted: false)
    }
}

struct ProjectSwitch: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch", abstract: "Switch the current project", usage: "[<remote>:]<project>")
    static let argumentCount = 1...1
    static let examples = """
        lxc project switch team1
            Let the commands that follow be about another project.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let reference = try session.parse(arguments[0])
        guard session.configuration.remotes[reference.remote] != nil else {
            throw CommandFailure("Remote \(reference.remote) doesn't exist")
        }
        _ = try await session.server(reference.remote).project(reference.name)
        try session.changeConfiguration { $0.remotes[reference.remote]?.project = reference.name }
    }
}

struct ProjectUnset: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Unset project configuration keys", usage: "[<remote>:]<project> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc project unset team1 limits.instances
            Let a project have any number of instances again.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ProjectGroup.thing(arguments[0], session).unset(arguments[1])
    }
}
