import LXDAPI
import LXDClient

struct ImageAliasGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "alias", abstract: "Manage image aliases",
        subcommands: [ImageAliasCreate.self, ImageAliasDelete.self, ImageAliasList.self, ImageAliasRename.self])
}

struct ImageAliasCreate: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create aliases for existing images",
        usage: "[<remote>:]<alias> <fingerprint>")
    static let argumentCount = 2...2
    static let examples = """
        lxc image alias create debian 3c9b
            Call the image whose fingerprint begins with "3c9b" "debian".
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        guard !resource.name.isEmpty else { throw CommandFailure("Alias name missing") }
        try await resource.server.createImageAlias(
            .with {
                $0.name = resource.name
                $0.target = arguments[1]
            })
    }
}

struct ImageAliasDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete image aliases", usage: "[<remote>:]<alias>", aliases: ["rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc image alias delete debian
            Forget the alias; the image stays.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        guard !resource.name.isEmpty else { throw CommandFailure("Alias name missing") }
        try await resource.server.deleteImageAlias(resource.name)
    }
}

struct ImageAliasList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List image aliases",
        usage: "[<remote>:] [<filters>...]",
        discussion: """
            List image aliases

            Filters may be part of the image hash or part of the image alias name.
            """,
        aliases: ["ls"])
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc image alias list images: debian
            Show the aliases of a remote that have "debian" in them.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let reference = try ImageReference(arguments.first ?? "", session)
        var filters = Array(arguments.dropFirst())
        if !reference.reference.name.isEmpty { filters.append(reference.reference.name) }
        let aliases = try await reference.shelf.aliases().filter { alias in
            filters.isEmpty || filters.contains { alias.name.contains($0) || alias.target.contains($0) }
        }
        var table = Table(["ALIAS", "FINGERPRINT", "TYPE", "DESCRIPTION"])
        table.rows = aliases.map { alias in
            [
                alias.name, String(alias.target.prefix(12)), alias.type.isEmpty ? "CONTAINER" : alias.type.uppercased(),
                alias.description,
            ]
        }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: aliases))
    }
}

struct ImageAliasRename: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Rename aliases", usage: "[<remote>:]<alias> <new-name>", aliases: ["mv"])
    static let argumentCount = 2...2
    static let examples = """
        lxc image alias rename debian debian-old
            Give an alias another name.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        guard !resource.name.isEmpty else { throw CommandFailure("Alias name missing") }
        try await resource.server.renameImageAlias(resource.name, to: arguments[1])
    }
}
