import LXDAPI
import LXDClient

struct AliasGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "alias", abstract: "Manage command aliases",
        subcommands: [AliasAdd.self, AliasList.self, AliasRemove.self, AliasRename.self])
}

struct AliasAdd: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add new aliases", usage: "<alias> <target>")
    static let argumentCount = 2...2
    static let examples = """
        lxc alias add list "list -c ns46S"
            Overwrite the "list" command to pass -c ns46S.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try session.changeConfiguration { configuration in
            guard configuration.aliases[arguments[0]] == nil else {
                throw CommandFailure("Alias \(arguments[0]) already exists")
            }
            configuration.aliases[arguments[0]] = arguments[1]
        }
    }
}

struct AliasList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List aliases", usage: "", aliases: ["ls"])
    static let argumentCount = 0...0
    static let examples = """
        lxc alias list
            Show the aliases of this user.
        """
    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let aliases = session.configuration.aliases
        let table = Table(["ALIAS", "TARGET"], aliases.map { [$0.key, $0.value] }.sortedByColumns())
        Standard.output(try table.render(try TableFormat(named: format), raw: aliases))
    }
}

struct AliasRename: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Rename aliases", usage: "<old alias> <new alias>", aliases: ["mv"])
    static let argumentCount = 2...2
    static let examples = """
        lxc alias rename list my-list
            Rename existing alias "list" to "my-list".
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try session.changeConfiguration { configuration in
            guard let target = configuration.aliases[arguments[0]] else {
                throw CommandFailure("Alias \(arguments[0]) doesn't exist")
            }
            guard configuration.aliases[arguments[1]] == nil else {
                throw CommandFailure("Alias \(arguments[1]) already exists")
            }
            configuration.aliases[arguments[1]] = target
            configuration.aliases[arguments[0]] = nil
        }
    }
}

struct AliasRemove: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove aliases", usage: "<alias>", aliases: ["rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc alias remove my-list
            Remove the "my-list" alias.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try session.changeConfiguration { configuration in
            guard configuration.aliases.removeValue(forKey: arguments[0]) != nil else {
                throw CommandFailure("Alias \(arguments[0]) doesn't exist")
            }
        }
    }
}
