/// The flags that every command takes, before or after its name.
package struct GlobalFlags: Sendable, Equatable {
    package var help = false
    package var version = false
    package var debug = false
    package var verbose = false
    package var quiet = false
    package var forceLocal = false
    package var showSubcommands = false
    package var showAll = false
    /// Empty when not given.
    package var project = ""

    package init() {}

    /// The same flags as the rows of a help text; `--all` belongs to the root only.
    static let rows: [FlagInfo] = [
        FlagInfo(long: "debug", help: "Show all debug messages"),
        FlagInfo(long: "force-local", help: "Force using the local unix socket"),
        FlagInfo(long: "help", short: "h", help: "Print help"),
        FlagInfo(long: "project", takesValue: true, help: "Override the source project"),
        FlagInfo(long: "quiet", short: "q", help: "Don't show progress information"),
        FlagInfo(long: "sub-commands", help: "Use with help or --help to view sub-commands"),
        FlagInfo(long: "verbose", short: "v", help: "Show all information messages"),
        FlagInfo(long: "version", help: "Print version number"),
    ]

    static let rootRows: [FlagInfo] = [FlagInfo(long: "all", help: "Show less common commands")]

    mutating func set(_ flag: String, to isOn: Bool) {
        switch flag {
        case "help": help = isOn
        case "version": version = isOn
        case "debug": debug = isOn
        case "verbose": verbose = isOn
        case "quiet": quiet = isOn
        case "force-local": forceLocal = isOn
        case "sub-commands": showSubcommands = isOn
        case "all": showAll = isOn
        default: break
        }
    }
}

/// One flag of one command, as far as parsing and help need it.
struct FlagInfo: Equatable {
    var long: String
    var short: Character?
    var takesValue = false
    var isRepeating = false
    var isInteger = false
    /// The value that stands for a flag that may take one and was given none.
    var valueWhenBare: String?
    /// Shown in the help; nil for "nothing to show".
    var defaultText: String?
    var help: String
    var isHidden = false

    init(long: String, short: Character? = nil, takesValue: Bool = false, help: String) {
        self.long = long
        self.short = short
        self.takesValue = takesValue
        self.help = help
    }

    /// How an error names the flag.
    var displayName: String { short.map { "-\($0), --\(long)" } ?? "--\(long)" }
}
