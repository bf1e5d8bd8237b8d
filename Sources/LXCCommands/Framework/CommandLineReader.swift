/// What a command line asks for.
enum CommandRequest {
    /// Run a command with the flags it was given.
    case run(any LXCCommand, path: [any Command.Type])
    /// Show a command's help on the standard output.
    case help(path: [any Command.Type])
    /// Show a command's usage on the standard error stream.
    case usage(path: [any Command.Type])
    case version
}

/// Finds the command that a command line names and gives it its flags.
struct CommandLineReader {
    let root: any Command.Type
    private(set) var globals = GlobalFlags()

    init(root: any Command.Type) {
        self.root = root
    }

    /// - Parameter words: The command line without the program's name.
    mutating func read(_ words: [String]) throws -> CommandRequest {
        var (path, rest) = locate(words)
        if path.count == 1, let topic = rest.first(where: { !$0.hasPrefix("-") }), topic == "help" {
            return try readHelp(rest, after: topic)
        }
        let command = path[path.count - 1]
        let isRoot = path.count == 1
        var grammar = FlagGrammar { isRoot ? GlobalFlags.rootRows : command.flags }
        try grammar.read(rest)
        globals = grammar.globals
        rest = grammar.positionals

        guard let leaf = command.leaf else {
            return try readGroup(path, rest)
        }
        if globals.help { return .help(path: path) }
        var parsed: any LXCCommand = leaf.init(options: grammar.options)
        parsed.arguments = rest
        if !leaf.argumentCount.contains(rest.count) {
            if rest.isEmpty { return .help(path: path) }
            Standard.output(HelpText(path: path, globals: globals).help())
            throw CommandFailure("Invalid number of arguments")
        }
        return .run(parsed, path: path)
    }

    private func readGroup(_ path: [any Command.Type], _ rest: [String]) throws -> CommandRequest {
        let isRoot = path.count == 1
        if isRoot, globals.version { return .version }
        if globals.help { return .help(path: path) }
        guard let unknown = rest.first else { return isRoot ? .help(path: path) : .usage(path: path) }
        var text = "unknown command \"\(unknown)\" for \"\(path.map { $0.name }.joined(separator: " "))\""
        if isRoot {
            let close = Self.suggestions(for: unknown, among: root.configuration.subcommands)
            if !close.isEmpty { text += "\n\nDid you mean this?\n\t" + close.joined(separator: "\n\t") + "\n" }
        }
        throw CommandFailure(text)
    }

    private mutating func readHelp(_ rest: [String], after topic: String) throws -> CommandRequest {
        var words = rest
        words.removeAll { $0 == topic }
        var grammar = FlagGrammar { GlobalFlags.rootRows }
        try grammar.read(words)
        globals = grammar.globals
        let (path, left) = locate(grammar.positionals)
        if !left.isEmpty {
            Standard.output("Unknown help topic [\(grammar.positionals.map { "`\($0)`" }.joined(separator: " "))]\n")
            return .usage(path: [root])
        }
        return .help(path: path)
    }

    /// Goes down the tree as far as the words name commands.
    private func locate(_ words: [String]) -> (path: [any Command.Type], rest: [String]) {
        var path: [any Command.Type] = [root]
        var rest: [String] = []
        var index = 0
        while index < words.count {
            let word = words[index]
            if word == "--" { break }
            if word.hasPrefix("-") {
                rest.append(word)
                index += 1
                // A flag of a command that is not known yet takes the next word along, as in LXD's client.
                if Self.takesNextWord(word), index + 1 < words.count {
                    rest.append(words[index])
                    index += 1
                }
                continue
            }
            guard let child = path[path.count - 1].configuration.subcommands.first(where: { $0.isNamed(word) }) else { break }
            path.append(child)
            index += 1
        }
        return (path, rest + words[index...])
    }

    private static func takesNextWord(_ word: String) -> Bool {
        if word.contains("=") || !word.hasPrefix("--") && word.count != 2 { return false }
        let name = word.drop { $0 == "-" }
        let known = (GlobalFlags.rows + GlobalFlags.rootRows).first { flag in
            word.hasPrefix("--") ? flag.long == name : flag.short.map { String($0) == name } ?? false
        }
        return known?.takesValue ?? true
    }

    static func suggestions(for word: String, among commands: [any Command.Type]) -> [String] {
        commands.filter { $0.configuration.shouldDisplay }.map { $0.name }.filter {
            editDistance($0.lowercased(), word.lowercased()) <= 2 || $0.lowercased().hasPrefix(word.lowercased())
        }
    }

    private static func editDistance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let substituted = previous + (a == b ? 0 : 1)
                previous = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
