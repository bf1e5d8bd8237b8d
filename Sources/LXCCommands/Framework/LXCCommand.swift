/// A command or a group of commands, as it stands in the tree.
package protocol Command: SendableMetatype {
    static var configuration: CommandConfiguration { get }
    /// The command that does something; nil for a group.
    static var leaf: (any LXCCommand.Type)? { get }
}

/// What a command is called and says about itself.
package struct CommandConfiguration: Sendable {
    package let commandName: String
    /// One line, for lists.
    package let abstract: String
    /// The arguments, as they follow the name in the help; nil for a group.
    package let usage: String?
    /// Shown in place of `abstract` where there is room; may be empty.
    package let discussion: String
    /// Whether lists show the command.
    package let shouldDisplay: Bool
    package let subcommands: [any Command.Type]
    package let aliases: [String]

    package init(
        commandName: String, abstract: String, usage: String? = nil, discussion: String = "", shouldDisplay: Bool = true,
        subcommands: [any Command.Type] = [], aliases: [String] = []
    ) {
        self.commandName = commandName
        self.abstract = abstract
        self.usage = usage
        self.discussion = discussion
        self.shouldDisplay = shouldDisplay
        self.subcommands = subcommands
        self.aliases = aliases
    }
}

extension Command {
    /// The name under which the command is called.
    static var name: String { configuration.commandName }

    /// The name and what else it may be called.
    static func isNamed(_ word: String) -> Bool { name == word || configuration.aliases.contains(word) }

    /// What the command declares; ordered by name.
    static var flags: [FlagInfo] {
        (leaf?.init().declarations ?? []).map(\.flag).sorted { $0.long < $1.long }
    }
}

/// A command that does something, as opposed to one that only holds subcommands.
///
/// Flags and options are declared with `Flag` and `Option`; what is written on the command line goes through `FlagGrammar`, so
/// that it is understood as LXD's own client understands it. Positional arguments all arrive in `arguments`; their number is
/// checked against `argumentCount` before `run` is called.
package protocol LXCCommand: Command, Sendable {
    /// The positional arguments that are accepted; the upper bound `Int.max` means any number.
    static var argumentCount: ClosedRange<Int> { get }

    /// One or more examples, as shown by `--help`, in the manual page and in the documentation.
    static var examples: String { get }

    /// The positional arguments, in order, and all that follows `--`.
    var arguments: [String] { get set }

    /// The command with none of its flags given.
    init()

    /// Its options and flags. A command that shares some with others adds theirs.
    var declarations: [Declaration] { get }

    /// Carries the command out.
    ///
    /// - Throws: whatever stopped it; the text of the error is shown after `Error: ` and the exit status is 1 unless
    ///   the error is a `CommandFailure` that names another.
    func run(_ session: Session) async throws
}

extension LXCCommand {
    package static var leaf: (any LXCCommand.Type)? { self }

    package var declarations: [Declaration] { Declaration.all(in: self) }

    /// The command with flags given.
    ///
    /// - Parameter options: `--name` or `--name=value`, as `FlagGrammar` gives them.
    init(options: [String]) {
        self.init()
        // Most commands are given none, and then nobody needs to know what there is.
        guard !options.isEmpty else { return }
        let declarations = declarations
        for option in options {
            let (name, value) = option.split(once: "=") ?? (option, "")
            declarations.first { "--\($0.flag.long)" == name }?.accept(value)
        }
    }
}

/// A command that only holds subcommands.
package protocol CommandGroup: Command {}

extension CommandGroup {
    package static var leaf: (any LXCCommand.Type)? { nil }
}

/// A failure with a text for the person at the terminal.
package struct CommandFailure: Error, CustomStringConvertible {
    package let description: String
    /// What the process ends with, 1–255.
    package let exitStatus: Int32

    package init(_ description: String, exitStatus: Int32 = 1) {
        self.description = description
        self.exitStatus = exitStatus
    }
}

/// Ends the process with a status and without a message; `lxc exec` passes on what the command returned.
package struct ExitStatus: Error {
    let code: Int32
}

/// Shows usage on the standard error stream and ends well: what LXD's client does when it is given too little.
struct UsageRequest: Error {}

/// The number of arguments is wrong in a way that only the command itself can tell.
struct ArgumentCountError: Error {}
