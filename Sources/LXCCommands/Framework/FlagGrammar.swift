/// LXD's grammar of flags: they may stand anywhere before `--`, `--name=value` and `--name value`, `-nvalue` and
/// `-n value`, booleans joined as in `-fq`, and a value may begin with a dash.
///
/// What comes out can be read without any doubt: options, each with its value joined, and positional arguments apart.
struct FlagGrammar {
    /// The flags of the command; asked for at most once, when the first unknown dash is met.
    private let commandFlags: () -> [FlagInfo]
    private var loaded: [FlagInfo]?
    private(set) var globals: GlobalFlags
    private(set) var options: [String] = []
    private(set) var positionals: [String] = []

    init(globals: GlobalFlags = GlobalFlags(), commandFlags: @escaping () -> [FlagInfo]) {
        self.globals = globals
        self.commandFlags = commandFlags
    }

    mutating func read(_ words: [String]) throws(CommandFailure) {
        var words = words[...]
        while let word = words.popFirst() {
            if word == "--" {
                positionals += words
                return
            } else if word.hasPrefix("--") {
                try readLong(word, &words)
            } else if word.hasPrefix("-"), word != "-" {
                try readShort(word, &words)
            } else {
                positionals.append(word)
            }
        }
    }

    private mutating func readLong(_ word: String, _ words: inout ArraySlice<String>) throws(CommandFailure) {
        let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard !name.isEmpty else { throw CommandFailure("bad flag syntax: \(word)") }
        guard let flag = find({ $0.long == name }) else { throw CommandFailure("unknown flag: --\(name)") }
        if parts.count == 2 {
            try set(flag, to: String(parts[1]))
        } else if let bare = flag.takesValue ? flag.valueWhenBare : "true" {
            try set(flag, to: bare)
        } else if let value = words.popFirst() {
            try set(flag, to: value)
        } else {
            throw CommandFailure("flag needs an argument: --\(name)")
        }
    }

    private mutating func readShort(_ word: String, _ words: inout ArraySlice<String>) throws(CommandFailure) {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let flag = find({ $0.short == letter }) else {
                throw CommandFailure("unknown shorthand flag: '\(letter)' in -\(letter)\(letters)")
            }
            if letters.first == "=", letters.count > 1 {
                return try set(flag, to: String(letters.dropFirst()))
            } else if !flag.takesValue {
                try set(flag, to: "true")
            } else if !letters.isEmpty {
                return try set(flag, to: String(letters))
            } else if let value = words.popFirst() {
                return try set(flag, to: value)
            } else {
                throw CommandFailure("flag needs an argument: '\(letter)' in \(word)")
            }
        }
    }

    private mutating func find(_ matches: (FlagInfo) -> Bool) -> FlagInfo? {
        if let flag = GlobalFlags.rows.first(where: matches) { return flag }
        if loaded == nil { loaded = commandFlags() }
        return loaded?.first(where: matches)
    }

    private mutating func set(_ flag: FlagInfo, to value: String) throws(CommandFailure) {
        func refuse(_ function: String) -> CommandFailure {
            CommandFailure(
                "invalid argument \"\(value)\" for \"\(flag.displayName)\" flag: "
                    + "strconv.\(function): parsing \"\(value)\": invalid syntax")
        }
        if flag.takesValue {
            if flag.long == "project", GlobalFlags.rows.contains(flag) {
                globals.project = value
                return
            }
            if flag.isInteger, Int(value) == nil { throw refuse("ParseInt") }
            options.append("--\(flag.long)=\(value)")
            return
        }
        guard let isOn = Self.boolean(value) else { throw refuse("ParseBool") }
        if GlobalFlags.rows.contains(flag) || GlobalFlags.rootRows.contains(flag) {
            globals.set(flag.long, to: isOn)
        } else {
            options.removeAll { $0 == "--\(flag.long)" }
            if isOn { options.append("--\(flag.long)") }
        }
    }

    private static func boolean(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }
}
