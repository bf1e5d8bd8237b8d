import LXDAPI
import LXDClient

struct WarningGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "warning", abstract: "Manage warnings",
        subcommands: [WarningAcknowledge.self, WarningDelete.self, WarningList.self, WarningShow.self])
}

struct WarningAcknowledge: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "acknowledge", abstract: "Acknowledge warning", usage: "[<remote>:]<warning-uuid>",
        aliases: ["ack"])
    static let argumentCount = 1...1
    static let examples = """
        lxc warning acknowledge 9ab1b8b4-3fd4-4dba-b8b9-6ef1c2cd2b1f
            Leave a warning out of the list from now on.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        try await resource.server.updateWarning(resource.name, .with { $0.status = "acknowledged" })
    }
}

struct WarningDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete warning", usage: "[<remote>:]<warning-uuid>", aliases: ["rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc warning delete 9ab1b8b4-3fd4-4dba-b8b9-6ef1c2cd2b1f
            Forget a warning.
        """

    @Flag(short: "a", help: "Delete all warnings") var all = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        try await resource.server.deleteWarning(resource.name)
    }
}

struct WarningList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List warnings",
        usage: "[<remote>:]",
        discussion: """
            List warnings

            The -c option takes a (optionally comma-separated) list of arguments
            that control which warning attributes to output when displaying in table
            or csv format.

            Default column layout is: utSscpLl

            Column shorthand chars:

                c - Count
                l - Last seen
                L - Location
                f - First seen
                p - Project
                s - Severity
                S - Status
                u - UUID
                t - Type
            """,
        aliases: ["ls"])
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc warning list --all
            Show all warnings, also those that are settled.
        """

    @Flag(short: "a", help: "List all warnings") var all = false
    @Option(short: "c", help: "Columns") var columns = Self.usualColumns
    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    private static let usualColumns = "utSscpLl"

    private static let known: [Character: (title: String, text: @Sendable (Warning) -> String)] = [
        "c": ("COUNT", { "\($0.count)" }), "f": ("FIRST SEEN", { TimeText.uploaded($0.firstSeenAt) }),
        "l": ("LAST SEEN", { TimeText.uploaded($0.lastSeenAt) }), "p": ("PROJECT", { $0.project }),
        "s": ("SEVERITY", { $0.severity.uppercased() }), "S": ("STATUS", { $0.status.uppercased() }),
        "t": ("TYPE", { $0.type }), "u": ("UUID", { $0.uuid }), "L": ("LOCATION", { $0.location }),
    ]

    func run(_ session: Session) async throws {
        let server = try session.resource(arguments.first ?? "").server
        let warnings = try await server.warnings().filter {
            all || ($0.status != "acknowledged" && $0.status != "resolved")
        }
        let chosen = try ColumnLetters.parse(
            columns, usual: Self.usualColumns, isClustered: try await server.isClustered()
        ) {
            Self.known[$0]
        }
        var table = Table(chosen.map(\.title))
        table.rows = warnings.map { warning in chosen.map { $0.text(warning) } }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: warnings))
    }
}

struct WarningShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show warning", usage: "[<remote>:]<warning-uuid>")
    static let argumentCount = 1...1
    static let examples = """
        lxc warning show 9ab1b8b4-3fd4-4dba-b8b9-6ef1c2cd2b1f
            Show all of a warning as YAML.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        Standard.output(try LXDYAML.encode(try await resource.server.warning(resource.name).value))
    }
}

/// Columns chosen by letters, `utS` or `u,t,S`.
enum ColumnLetters {
    /// - Parameter usual: The letters that stand for the usual columns; `L` among them is left out when there is no cluster.
    static func parse<Column>(
        _ letters: String, usual: String, isClustered: Bool, _ column: (Character) -> Column?
    ) throws -> [Column] {
        var letters = letters
        if !isClustered {
            if letters != usual, letters.contains("L") {
                throw CommandFailure("Can't specify column L when not clustered")
            }
            letters.removeAll { $0 == "L" }
        }
        var columns: [Column] = []
        for entry in letters.split(separator: ",", omittingEmptySubsequences: false) {
            if entry.isEmpty {
                throw CommandFailure("Empty column entry (redundant, leading or trailing command) in '\(letters)'")
            }
            for letter in entry {
                guard let found = column(letter) else {
                    throw CommandFailure("Unknown column shorthand char '\(letter)' in '\(entry)'")
                }
                columns.append(found)
            }
        }
        return columns
    }
}
