/// The keys of one kind of object.
package struct KeyTable: Sendable {
    /// In the order they are documented.
    package let keys: [ConfigKey]
    private let exact: [String: ConfigKey]
    private let patterns: [(pattern: NamePattern, key: ConfigKey)]

    package init(_ keys: [ConfigKey]) {
        self.keys = keys
        var exact: [String: ConfigKey] = [:]
        var patterns: [(NamePattern, ConfigKey)] = []
        for key in keys {
            if let pattern = NamePattern(key.name) { patterns.append((pattern, key)) } else { exact[key.name] = key }
        }
        self.exact = exact
        self.patterns = patterns
    }

    /// The key that rules a name, or nil if there is none.
    package func key(_ name: String) -> ConfigKey? {
        exact[name] ?? patterns.first { $0.pattern.matches(name) }?.key
    }

    /// What is wrong with the first bad entry, in the order of the names.
    ///
    /// - Parameter unset: Also check the keys that are absent with the empty value, so that required ones are missed.
    package func firstProblem(in config: [String: String], checkingUnset unset: Bool = false) -> Problem? {
        for (name, value) in config.sorted(by: { $0.key < $1.key }) {
            guard let key = key(name) else { return .unknown(name) }
            if NamePattern.hasBadCharacters(name) { return .unknown(name) }
            if let text = key.problem(with: value) { return .invalid(name, text) }
        }
        guard unset else { return nil }
        for key in keys where exact[key.name] != nil && config[key.name] == nil {
            if let text = key.check("") { return .invalid(key.name, text) }
        }
        return nil
    }

    package enum Problem: Sendable, Equatable {
        case unknown(String)
        case invalid(String, String)
    }
}

/// A key name with a variable part.
private struct NamePattern: Sendable {
    let prefix: String
    let suffix: String

    /// nil for a name without a variable part.
    init?(_ name: String) {
        if name.hasSuffix(".*") {
            prefix = String(name.dropLast())
            suffix = ""
            return
        }
        guard let range = name.firstRange(of: ".NAME") else { return nil }
        prefix = String(name[..<range.lowerBound]) + "."
        suffix = String(name[range.upperBound...])
    }

    func matches(_ name: String) -> Bool {
        name.utf8.count > prefix.utf8.count + suffix.utf8.count && name.hasPrefix(prefix) && name.hasSuffix(suffix)
    }

    static func hasBadCharacters(_ name: String) -> Bool {
        name.unicodeScalars.contains {
            $0.value < 32 || $0.value == 127 || $0.value == 0x85 || $0.value == 0x2028 || $0.value == 0x2029
        }
    }
}
