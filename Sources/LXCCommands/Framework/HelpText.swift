/// The help of a command, laid out as LXD's client does it.
struct HelpText {
    /// The root and then each subcommand down to the one that is described.
    let path: [any Command.Type]
    var globals = GlobalFlags()

    private var command: any Command.Type { path[path.count - 1] }
    private var isRoot: Bool { path.count == 1 }
    private var commandPath: String { path.map { $0.name }.joined(separator: " ") }

    /// Description and usage.
    func help() -> String {
        let configuration = command.configuration
        let text = configuration.discussion.isEmpty ? configuration.abstract : configuration.discussion
        return Self.section("Description", text) + "\n" + usage()
    }

    /// Usage alone, as shown when a group of commands is called without one.
    func usage() -> String {
        var text = "Usage:\n"
        let configuration = command.configuration
        let children = visibleChildren(of: command, isRoot: isRoot)
        if !isRoot {
            let arguments = configuration.usage.map { $0.isEmpty ? "" : " \($0)" } ?? ""
            text += "  \(commandPath)\(arguments)"
            text += arguments.contains("[flags]") ? "\n" : " [flags]\n"
        }
        if !children.isEmpty { text += "  \(commandPath) [command]\n" }
        if !configuration.aliases.isEmpty {
            text += "\nAliases:\n  \(([command.name] + configuration.aliases).joined(separator: ", "))\n"
        }
        if let leaf = command.leaf, !leaf.examples.isEmpty {
            text += "\nExamples:\n" + Self.indented(leaf.examples)
        }
        if !children.isEmpty {
            text += "\nAvailable Commands:\n" + list(of: children, depth: 1, isRoot: isRoot)
        }
        let own = isRoot ? GlobalFlags.rows + GlobalFlags.rootRows : command.flags
        let shown = own.filter { !$0.isHidden }.sorted { $0.long < $1.long }
        if !shown.isEmpty { text += "\nFlags:\n" + Self.flagList(shown) }
        if !isRoot { text += "\nGlobal Flags:\n" + Self.flagList(GlobalFlags.rows) }
        if !children.isEmpty {
            text += "\nUse \"\(commandPath) [command] --help\" for more information about a command.\n"
        }
        return text
    }

    private struct Child {
        let name: String
        let abstract: String
        let type: (any Command.Type)?
    }

    private func visibleChildren(of command: any Command.Type, isRoot: Bool) -> [Child] {
        var children = command.configuration.subcommands
            .filter { $0.configuration.shouldDisplay || globals.showAll }
            .map { Child(name: $0.name, abstract: $0.configuration.abstract, type: $0) }
        if isRoot { children.append(Child(name: "help", abstract: "Help about any command", type: nil)) }
        return children.sorted { $0.name < $1.name }
    }

    private func list(of children: [Child], depth: Int, isRoot: Bool) -> String {
        // The padding counts hidden commands too, and is never less than 11.
        let width = max(11, children.map(\.name.count).max() ?? 0)
        var text = ""
        for child in children {
            let name = child.name + String(repeating: " ", count: width - child.name.count)
            text += String(repeating: "  ", count: depth) + name
            text += (globals.showSubcommands ? "  " : " ") + child.abstract + "\n"
            if globals.showSubcommands, let type = child.type {
                let grandchildren = visibleChildren(of: type, isRoot: false)
                if !grandchildren.isEmpty { text += list(of: grandchildren, depth: depth + 1, isRoot: false) }
            }
        }
        return text
    }

    /// A titled block with its lines indented by two columns.
    static func section(_ title: String, _ text: String) -> String {
        "\(title):\n" + indented(text)
    }

    static func indented(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { $0.isEmpty ? "\n" : "  \($0)\n" }.joined()
    }

    static func flagList(_ flags: [FlagInfo]) -> String {
        let heads = flags.map { flag in
            (flag.short.map { "  -\($0), --" } ?? "      --") + flag.long
                + (flag.valueWhenBare.map { "[=\"\($0)\"]" } ?? "")
        }
        let width = heads.map(\.count).max() ?? 0
        return zip(flags, heads).map { flag, head in
            head + String(repeating: " ", count: width - head.count) + "   " + flag.help
                + (flag.defaultText.map { " (default \($0))" } ?? "") + "\n"
        }.joined()
    }
}
