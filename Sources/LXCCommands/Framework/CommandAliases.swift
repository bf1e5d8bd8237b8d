import LXDAPI
import LXDClient

/// Command aliases: words that stand for others, with `@ARGS@` and `@ARG1@` for what follows them.
enum CommandAliases {
    /// Known without being configured; a user's own alias of the same name goes first.
    static let builtIn = ["shell": "exec @ARGS@ -- su -l"]

    /// The command line with its alias replaced; nil when it has none.
    ///
    /// - Parameter words: The command line without the program's name.
    static func expand(_ words: [String], _ aliases: [String: String]) throws(CommandFailure) -> [String]? {
        let flags = words.prefix { $0.hasPrefix("-") }
        let rest = Array(words.dropFirst(flags.count))
        guard let (key, target) = find(rest, aliases) ?? find(rest, builtIn) else { return nil }
        var given = Array(rest.dropFirst(key.count))
        let template = target.split(separator: " ", omittingEmptySubsequences: false).map(String.init)

        var numbered: [Int: String] = [:]
        for word in template {
            for number in markers(in: word) {
                guard number <= given.count, number > 0 else {
                    throw CommandFailure(
                        "Found alias \(key.joined(separator: " ").goQuoted) references an argument outside the given number")
                }
                numbered[number] = given[number - 1]
            }
        }
        for number in numbered.keys.sorted(by: >) { given.remove(at: number - 1) }

        var expanded = template.first?.hasPrefix("/") == true ? [] : Array(flags)
        var usedAll = false
        for word in template {
            if word == "@ARGS@" {
                expanded += given
                usedAll = true
            } else {
                expanded.append(numbered.reduce(word) { $0.replacingAll("@ARG\($1.key)@", with: $1.value) })
            }
        }
        return usedAll ? expanded : expanded + given
    }

    private static func find(_ words: [String], _ aliases: [String: String]) -> (key: [String], target: String)? {
        // The longest key first, so that the outcome does not depend on the order of a dictionary.
        let keys = aliases.keys.map { $0.split(separator: " ").map(String.init) }.sorted {
            ($0.count, $1.joined()) > ($1.count, $0.joined())
        }
        guard let key = keys.first(where: { !$0.isEmpty && words.starts(with: $0) }),
            let target = aliases[key.joined(separator: " ")]
        else { return nil }
        return (key, target)
    }

    /// The numbers of all `@ARG…@` in a word.
    private static func markers(in word: String) -> [Int] {
        word.split(separator: "@").compactMap { part in
            part.hasPrefix("ARG") && word.contains("@\(part)@") ? Int(part.dropFirst(3)) : nil
        }
    }
}

extension String {
    func replacingAll(_ mark: String, with text: String) -> String {
        var result = ""
        var rest = self[...]
        while let range = rest.firstRange(of: mark) {
            result += rest[..<range.lowerBound] + text
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
