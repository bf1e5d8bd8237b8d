/// Booleans as configuration spells them, in either case: `true 1 yes on` and `false 0 no off`.
package enum ConfigBool {
    /// nil for anything else, the empty text included.
    package static func parse(_ value: String) -> Bool? {
        switch value.lowercased() {
        case "true", "1", "yes", "on": true
        case "false", "0", "no", "off": false
        default: nil
        }
    }

    package static func isTrue(_ value: String?) -> Bool { value.flatMap(parse) == true }
    package static func isTrueOrEmpty(_ value: String?) -> Bool { (value ?? "").isEmpty || isTrue(value) }
    package static func isFalse(_ value: String?) -> Bool { value.flatMap(parse) == false }
    package static func isFalseOrEmpty(_ value: String?) -> Bool { (value ?? "").isEmpty || isFalse(value) }
}

/// Values separated by commas.
package enum ConfigList {
    /// The values without the white space around them; one empty value for an empty text, as in Go.
    package static func split(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(part.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }
    }

    /// The values that are not empty.
    package static func values(_ text: String?) -> [String] { split(text ?? "").filter { !$0.isEmpty } }
}
