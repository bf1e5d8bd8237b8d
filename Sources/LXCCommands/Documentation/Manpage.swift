import FoundationEssentials
import LXDAPI

struct Manpage: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "manpage", abstract: "Generate manpages for all commands", usage: "<target>", shouldDisplay: false)
    static let argumentCount = 1...1
    static let examples = """
        lxc manpage /usr/local/share/man/man1
            Write one manual page a command into a folder.
        """

    @Option(short: "f", help: "Format (man|md|rest|yaml)") var format = "man"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let folder = arguments[0]
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for path in CommandTree(root: LXC.self).paths {
            let page = ManualPage(path: path)
            let (name, text): (String, String)
            switch format {
            case "man": (name, text) = (page.name(separator: ".") + ".1", page.man())
            case "md": (name, text) = (page.name(separator: "_") + ".md", page.markdown())
            case "rest": (name, text) = (page.name(separator: "_") + ".rst", page.restructured())
            case "yaml": (name, text) = (page.name(separator: "_") + ".yaml", try page.yaml())
            default: throw CommandFailure("Unknown format \(format.goQuoted): one of man, md, rest or yaml")
            }
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
        }
    }
}

/// The documentation of one command in several forms.
struct ManualPage {
    let path: [any Command.Type]

    private var command: any Command.Type { path[path.count - 1] }
    private var title: String { path.map { $0.name }.joined(separator: " ") }
    private var abstract: String { command.configuration.abstract }
    private var description: String {
        command.configuration.discussion.isEmpty ? abstract : command.configuration.discussion
    }
    private var examples: String { command.leaf?.examples ?? "" }
    private var flags: [FlagInfo] {
        path.count == 1 ? GlobalFlags.rootRows : command.flags.filter { !$0.isHidden }
    }
    private var synopsis: String {
        let usage = command.configuration.usage ?? ""
        if !command.configuration.subcommands.isEmpty { return "\(title) [command]" }
        return "\(title) \(usage)".trimmingBlanks + (usage.contains("[flags]") ? "" : " [flags]")
    }
    private var related: [String] {
        let parent = path.dropLast().map { $0.name }
        let children = command.configuration.subcommands.map { (path.map { $0.name } + [$0.name]) }
        return ((parent.isEmpty ? [] : [parent]) + children).map { $0.joined(separator: "-") }.sorted()
    }

    func name(separator: String) -> String { path.map { $0.name }.joined(separator: separator) }

    func man() -> String {
        var text = """
            .TH "\(title.uppercased())" "1" "" "LXD" "LXD - Command line client"
            .SH NAME
            \(Self.roff(name(separator: "-"))) \\- \(Self.roff(abstract))
            .SH SYNOPSIS
            .B \(Self.roff(synopsis))
            .SH DESCRIPTION
            .nf
            \(Self.roff(description))
            .fi

            """
        for (title, flags) in [("OPTIONS", flags), ("GLOBAL OPTIONS", GlobalFlags.rows)] where !flags.isEmpty {
            text += ".SH \(title)\n"
            for flag in flags {
                text += ".TP\n\\fB\(Self.roff(Self.head(flag)))\\fR\n\(Self.roff(Self.help(flag)))\n"
            }
        }
        if !examples.isEmpty { text += ".SH EXAMPLES\n.nf\n\(Self.roff(examples))\n.fi\n" }
        if !related.isEmpty {
            text += ".SH SEE ALSO\n" + related.map { "\\fB\(Self.roff($0))\\fR(1)" }.joined(separator: ", ") + "\n"
        }
        return text
    }

    func markdown() -> String {
        var text = "# \(title)\n\n\(abstract)\n\n```\n\(synopsis)\n```\n\n\(description)\n"
        if !examples.isEmpty { text += "\n## Examples\n\n```\n\(examples)\n```\n" }
        if !flags.isEmpty { text += "\n## Options\n\n```\n\(HelpText.flagList(flags))```\n" }
        text += "\n## Global options\n\n```\n\(HelpText.flagList(GlobalFlags.rows))```\n"
        if !related.isEmpty { text += "\n## See also\n\n" + related.map { "- [\($0)](\($0.replacingAll("-", with: "_")).md)\n" }.joined() }
        return text
    }

    func restructured() -> String {
        func block(_ text: String) -> String { "::\n\n" + HelpText.indented(text) + "\n" }
        var text = "\(title)\n\(String(repeating: "=", count: title.count))\n\n\(abstract)\n\n" + block(synopsis)
        text += block(description)
        if !examples.isEmpty { text += "Examples\n--------\n\n" + block(examples) }
        if !flags.isEmpty { text += "Options\n-------\n\n" + block(HelpText.flagList(flags)) }
        return text + "Global options\n--------------\n\n" + block(HelpText.flagList(GlobalFlags.rows))
    }

    func yaml() throws -> String {
        func list(_ flags: [FlagInfo]) -> JSONValue {
            .array(
                flags.map { flag in
                    .object([
                        "name": .string(flag.long), "shorthand": .string(flag.short.map(String.init) ?? ""),
                        "default_value": .string(flag.defaultText ?? ""), "usage": .string(flag.help),
                    ])
                })
        }
        return try LXDYAML.encode(
            JSONValue.object([
                "name": .string(title), "synopsis": .string(abstract), "description": .string(description),
                "usage": .string(synopsis), "example": .string(examples), "options": list(flags),
                "inherited_options": list(GlobalFlags.rows), "see_also": .strings(related),
            ]))
    }

    private static func head(_ flag: FlagInfo) -> String {
        (flag.short.map { "-\($0), " } ?? "") + "--\(flag.long)" + (flag.takesValue ? "=VALUE" : "")
    }

    private static func help(_ flag: FlagInfo) -> String {
        flag.help + (flag.defaultText.map { " (default \($0))" } ?? "")
    }

    /// Text that troff shows as it is.
    private static func roff(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let escaped = String(line).replacingAll("\\", with: "\\e").replacingAll("-", with: "\\-")
            return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
        }.joined(separator: "\n")
    }
}
