package import ArgumentParser

/// A command that does something, as opposed to one that only holds subcommands.
///
/// Flags and options are declared with ArgumentParser's property wrappers; what is written on the command line goes
/// through `FlagGrammar` first, so that it is understood as LXD's own client understands it. Positional arguments all
/// arrive in `arguments`; their number is checked against `argumentCount` before `run` is called.
package protocol LXCCommand: ParsableCommand {
    /// The positional arguments that are accepted; the upper bound `Int.max` means any number.
    static var argumentCount: ClosedRange<Int> { get }

    /// One or more examples, as shown by `--help`, in the manual page and in the documentation.
    static var examples: String { get }

    /// The positional arguments, in order, and all that follows `--`.
    var arguments: [String] { get set }

    /// Carries the command out.
    ///
    /// - Throws: whatever stopped it; the text of the error is shown after `Error: ` and the exit status is 1 unless
    ///   the error is a `CommandFailure` that names another.
    func run(_ session: Session) async throws
}

/// A command that only holds subcommands.
package protocol CommandGroup: ParsableCommand {}

extension ParsableCommand {
    /// The name under which the command is called.
    static var name: String { configuration.commandName ?? "" }

    /// The name and what else it may be called.
    static func isNamed(_ word: String) -> Bool { name == word || configuration.aliases.contains(word) }
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
