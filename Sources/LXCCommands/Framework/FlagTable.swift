import ArgumentParser
import Foundation

/// The flags of a command, read from its ArgumentParser declaration.
///
/// ArgumentParser tells about a command in one public form, the JSON document meant for tools; it is read here and
/// nowhere else. It costs about half a millisecond, so it is only asked for when an argument starts with a dash.
enum FlagTable {
    /// Flags that may stand without their value, and what that means.
    private static let bareValues = ["console": "console"]

    /// The value name that marks an option whose value must be a whole number.
    static let integerValueName = "int"

    static func flags(of command: any ParsableCommand.Type) -> [FlagInfo] {
        guard let dump = try? JSONDecoder().decode(ToolDump.self, from: Data(command._dumpHelp().utf8)) else { return [] }
        return (dump.command.arguments ?? []).compactMap(flag(from:))
            .filter { $0.long != "help" && $0.long != "version" }
            .sorted { $0.long < $1.long }
    }

    private static func flag(from argument: ToolDump.Argument) -> FlagInfo? {
        guard argument.kind != "positional", let names = argument.names,
            let long = names.first(where: { $0.kind == "long" })?.name
        else { return nil }
        var flag = FlagInfo(
            long: long,
            short: names.first { $0.kind == "short" }?.name.first,
            takesValue: argument.kind == "option",
            help: argument.abstract ?? "")
        flag.isRepeating = argument.isRepeating
        flag.isHidden = !argument.shouldDisplay
        flag.isInteger = argument.valueName == integerValueName
        if flag.takesValue {
            flag.valueWhenBare = bareValues[long]
            if let value = argument.defaultValue, !value.isEmpty, value != "[]" {
                flag.defaultText = flag.isInteger ? (value == "0" ? nil : value) : "\"\(value)\""
            }
        }
        return flag
    }

    private struct ToolDump: Decodable {
        struct Command: Decodable { var arguments: [Argument]? }
        struct Name: Decodable {
            var kind: String
            var name: String
        }
        struct Argument: Decodable {
            var kind: String
            var names: [Name]?
            var isRepeating: Bool
            var shouldDisplay: Bool
            var abstract: String?
            var defaultValue: String?
            var valueName: String?
        }
        var command: Command
    }
}
