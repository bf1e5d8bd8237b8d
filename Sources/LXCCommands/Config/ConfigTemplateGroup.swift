import LXDAPI
import LXDClient

struct ConfigTemplateGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "template", abstract: "Manage instance file templates",
        subcommands: [
            ConfigTemplateCreate.self, ConfigTemplateDelete.self, ConfigTemplateEdit.self, ConfigTemplateList.self,
            ConfigTemplateShow.self,
        ])
}

struct ConfigTemplateCreate: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create new instance file templates", usage: "[<remote>:]<instance> <template>")
    static let argumentCount = 2...2
    static let examples = """
        lxc config template create u1 motd.tpl
            Make an empty template, to be filled with "lxc config template edit".
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let instance = try session.instance(arguments[0])
        try await instance.server.setTemplate(arguments[1], of: instance.name, [])
    }
}

struct ConfigTemplateDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete instance file templates", usage: "[<remote>:]<instance> <template>",
        aliases: ["rm"])
    static let argumentCount = 2...2
    static let examples = """
        lxc config template delete u1 motd.tpl
            Delete a template of "u1".
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let instance = try session.instance(arguments[0])
        try await instance.server.deleteTemplate(arguments[1], of: instance.name)
    }
}

struct ConfigTemplateEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit instance file templates", usage: "[<remote>:]<instance> <template>")
    static let argumentCount = 2...2
    static let examples = """
        lxc config template edit u1 motd.tpl < motd.tpl
            Replace a template by a file.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let instance = try session.instance(arguments[0])
        let name = arguments[1]
        if !Standard.isTerminal(Standard.input) {
            return try await instance.server.setTemplate(name, of: instance.name, try Standard.readInput())
        }
        let content = try await instance.server.template(name, of: instance.name)
        try await Editor.edit(String(decoding: content, as: UTF8.self), failure: "Error updating template file") { edited in
            try await instance.server.setTemplate(name, of: instance.name, Array(edited.utf8))
        }
    }
}

struct ConfigTemplateList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List instance file templates", usage: "[<remote>:]<instance>")
    static let argumentCount = 1...1
    static let examples = """
        lxc config template list u1
            Show the names of the templates of "u1".
        """
    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let instance = try session.instance(arguments[0])
        let names = try await instance.server.templateNames(of: instance.name)
        let table = Table(["FILENAME"], names.map { [$0] }.sortedByColumns())
        Standard.output(try table.render(try TableFormat(named: format), raw: names))
    }
}

struct ConfigTemplateShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show content of instance file templates",
        usage: "[<remote>:]<instance> <template>")
    static let argumentCount = 2...2
    static let examples = """
        lxc config template show u1 motd.tpl
            Show a template of "u1".
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let instance = try session.instance(arguments[0])
        let content = try await instance.server.template(arguments[1], of: instance.name)
        content.withUnsafeBytes { Standard.write($0, to: Standard.outputDescriptor) }
    }
}
