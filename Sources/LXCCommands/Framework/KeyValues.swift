/// Configuration given as `key=value...`, or as one key and one value.
enum KeyValues {
    /// - Parameter words: `["k=v", "k2=v2"]` or `["k", "v"]`. A value of `-` is read from the standard input.
    static func parse(_ words: [String]) throws -> [String: String] {
        if words.count == 2, !words[0].contains("=") {
            return [words[0]: try value(words[1])]
        }
        var values: [String: String] = [:]
        for word in words {
            guard let (key, text) = word.split(once: "=") else {
                throw CommandFailure("Invalid key=value configuration: \(word)")
            }
            values[key] = try value(text)
        }
        return values
    }

    private static func value(_ text: String) throws -> String {
        text == "-" && !Standard.isTerminal(Standard.input) ? try Standard.readInputText() : text
    }
}
