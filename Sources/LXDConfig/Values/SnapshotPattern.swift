package import LXDAPI

/// Names of snapshots that are made by themselves: text with `{{ creation_date }}` and `{{ creation_date|date:'LAYOUT' }}`.
///
/// A layout is an example of the moment 2006-01-02 15:04:05, as Go has it. `%d` is left for the caller to count.
package enum SnapshotPattern {
    /// The name for a moment.
    ///
    /// - Throws: `.badRequest` for anything in braces but `creation_date`.
    package static func render(_ pattern: String, at time: LXDTime) throws(LXDError) -> String {
        guard !pattern.contains("{%"), !pattern.contains("{#") else {
            throw .badRequest("Invalid snapshot pattern \(goQuoted(pattern)): only {{ creation_date }} is known")
        }
        var name = ""
        var rest = Substring(pattern)
        while let open = rest.firstRange(of: "{{") {
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
                throw .badRequest("Invalid snapshot pattern \(goQuoted(pattern)): unclosed {{")
            }
            name += rest[..<open.lowerBound]
            name += try value(rest[open.upperBound..<close.lowerBound].filter { $0 != "\n" }, time)
            rest = rest[close.upperBound...]
        }
        return name + rest
    }

    private static func value(_ expression: String, _ time: LXDTime) throws(LXDError) -> String {
        func trimmed(_ text: Substring) -> Substring {
            let front = text.drop(while: \.isWhitespace)
            return front.dropLast(front.reversed().prefix(while: \.isWhitespace).count)
        }
        let parts = expression.split(separator: "|", maxSplits: 1).map(trimmed)
        guard parts.first == "creation_date" else {
            throw .badRequest("Invalid snapshot pattern: unknown variable \(goQuoted(String(parts.first ?? "")))")
        }
        guard parts.count == 2 else { return GoTimeLayout.format(time, "2006-01-02 15:04:05 +0000 UTC") }
        let filter = parts[1].split(separator: ":", maxSplits: 1).map(trimmed)
        guard filter.count == 2, filter[0] == "date", filter[1].count >= 2, let quote = filter[1].first,
            quote == "'" || quote == "\"",
            filter[1].last == quote
        else { throw .badRequest("Invalid snapshot pattern: unknown filter \(goQuoted(String(parts[1])))") }
        return GoTimeLayout.format(time, String(filter[1].dropFirst().dropLast()))
    }
}

/// Times written by Go's layouts.
enum GoTimeLayout {
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// The moment in UTC by a layout.
    static func format(_ time: LXDTime, _ layout: String) -> String {
        let civil = time.civil()
        let weekday = weekdays[Int(((time.seconds / 86_400) % 7 + 11) % 7)]
        let month = months[max(0, min(11, civil.month - 1))]
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let hour12 = civil.hour % 12 == 0 ? 12 : civil.hour % 12
        // The longer of two fields with the same beginning comes first.
        let fields: [(String, String)] = [
            ("2006", String(repeating: "0", count: max(0, 4 - "\(civil.year)".count)) + "\(civil.year)"),
            ("January", month),
            ("Jan", String(month.prefix(3))), ("Monday", weekday), ("Mon", String(weekday.prefix(3))), ("MST", "UTC"),
            ("Z07:00", "Z"), ("-07:00", "+00:00"), ("-0700", "+0000"), ("15", two(civil.hour)),
            ("01", two(civil.month)),
            ("02", two(civil.day)), ("03", two(hour12)), ("04", two(civil.minute)), ("05", two(civil.second)),
            ("06", two(civil.year % 100)), ("_2", civil.day < 10 ? " \(civil.day)" : "\(civil.day)"),
            ("PM", civil.hour < 12 ? "AM" : "PM"),
            ("pm", civil.hour < 12 ? "am" : "pm"), ("1", "\(civil.month)"), ("2", "\(civil.day)"), ("3", "\(hour12)"),
            ("4", "\(civil.minute)"), ("5", "\(civil.second)"),
        ]
        var text = ""
        var rest = Substring(layout)
        while let first = rest.first {
            if let (field, value) = fields.first(where: { rest.hasPrefix($0.0) }) {
                text += value
                rest = rest.dropFirst(field.count)
            } else {
                text.append(first)
                rest = rest.dropFirst()
            }
        }
        return text
    }
}
