/// An option or a flag as a command declares it, with its value once the command line has been read.
///
///     @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
///     @Flag(help: "Display instances from all projects") var allProjects = false
///
/// The property's name is the long name: `allProjects` is `--all-projects`. A class, so that a value can be set in a command
/// that already exists; a base class, so that a look at a command's properties finds it by a cast that costs nothing.
package class Declaration: @unchecked Sendable {
    // SAFETY: written while the command line is read, by one task; only read afterwards.
    fileprivate(set) var flag: FlagInfo
    private let hasOwnName: Bool

    fileprivate init(_ flag: FlagInfo) {
        self.flag = flag
        hasOwnName = !flag.long.isEmpty
    }

    /// Takes a value from the command line; of a flag, that it was given.
    func accept(_ text: String) {}

    fileprivate func nameAfter(_ property: String) {
        if !hasOwnName { flag.long = Self.longName(property) }
    }

    /// `instanceOnly` as `instance-only`.
    private static func longName(_ property: String) -> String {
        var name = ""
        for letter in property {
            if letter.isUppercase { name += "-" + letter.lowercased() } else { name.append(letter) }
        }
        return name
    }

    /// What the properties of a value declare.
    static func all(in value: Any) -> [Declaration] {
        Mirror(reflecting: value).children.compactMap { child in
            guard let declaration = child.value as? Declaration, let label = child.label else { return nil }
            declaration.nameAfter(String(label.drop { $0 == "_" }))
            return declaration
        }
    }
}

/// A flag that takes no value.
@propertyWrapper
package final class Flag: Declaration, @unchecked Sendable {
    // SAFETY: as of `Declaration`.
    package var wrappedValue: Bool

    package init(wrappedValue: Bool, long: String = "", short: Character? = nil, help: String) {
        self.wrappedValue = wrappedValue
        super.init(FlagInfo(long: long, short: short, help: help))
    }

    override func accept(_ text: String) { wrappedValue = true }
}

/// A flag that takes a value.
@propertyWrapper
package final class Option<Value: Sendable>: Declaration, @unchecked Sendable {
    // SAFETY: as of `Declaration`.
    package var wrappedValue: Value
    private let read: @Sendable (String, inout Value) -> Void

    private init(
        _ value: Value, _ short: Character?, _ help: String, defaultText: String?,
        read: @escaping @Sendable (String, inout Value) -> Void
    ) {
        wrappedValue = value
        self.read = read
        var flag = FlagInfo(long: "", short: short, takesValue: true, help: help)
        flag.defaultText = defaultText
        super.init(flag)
    }

    override func accept(_ text: String) { read(text, &wrappedValue) }
}

extension Option where Value == String {
    /// - Parameter bare: The value that stands for a flag that was given none; nil for one that needs its value.
    package convenience init(wrappedValue: String, short: Character? = nil, bare: String? = nil, help: String) {
        self.init(wrappedValue, short, help, defaultText: wrappedValue.isEmpty ? nil : "\"\(wrappedValue)\"") { $1 = $0 }
        flag.valueWhenBare = bare
    }
}

extension Option where Value == [String] {
    /// May be given more than once.
    package convenience init(wrappedValue: [String], short: Character? = nil, help: String) {
        self.init(wrappedValue, short, help, defaultText: nil) { $1.append($0) }
        flag.isRepeating = true
    }
}

extension Option where Value == Int {
    /// The value must be a whole number.
    package convenience init(wrappedValue: Int, short: Character? = nil, help: String) {
        self.init(wrappedValue, short, help, defaultText: wrappedValue == 0 ? nil : "\(wrappedValue)") { text, value in
            // The grammar of flags has refused what is no number.
            if let number = Int(text) { value = number }
        }
        flag.isInteger = true
    }
}
