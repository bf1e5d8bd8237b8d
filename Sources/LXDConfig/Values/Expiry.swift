package import LXDAPI

/// How long something is kept: `1M 2H 3d 4w 5m 6y` are minutes, hours, days, weeks, months and years; `S` seconds.
package struct Expiry: Sendable, Hashable {
    package private(set) var seconds = 0
    package private(set) var minutes = 0
    package private(set) var hours = 0
    package private(set) var days = 0
    package private(set) var weeks = 0
    package private(set) var months = 0
    package private(set) var years = 0

    /// - Returns: nil for an empty text: kept for ever.
    /// - Throws: `.badRequest` with LXD's text.
    package static func parse(_ text: String) throws(LXDError) -> Expiry? {
        let trimmed = text.trimmedSpaces
        if trimmed.isEmpty { return nil }
        var expiry = Expiry()
        for part in trimmed.split(separator: " ", omittingEmptySubsequences: false) {
            let digits = part.dropLast()
            guard let unit = part.last, !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
                let number = Int(digits), number <= 1_000_000, let field = field(for: unit), expiry[keyPath: field] == 0
            else { throw .badRequest("Invalid expiry expression") }
            expiry[keyPath: field] = number
        }
        return expiry
    }

    private static func field(for unit: Character) -> WritableKeyPath<Expiry, Int>? {
        switch unit {
        case "S": \.seconds
        case "M": \.minutes
        case "H": \.hours
        case "d": \.days
        case "w": \.weeks
        case "m": \.months
        case "y": \.years
        default: nil
        }
    }

    /// The moment that lies so long after another. Months and years follow the calendar, in UTC.
    package func date(after start: LXDTime) -> LXDTime {
        var civil = start.civil()
        let month = civil.month - 1 + months
        civil.year += years + month / 12
        civil.month = month % 12 + 1
        civil.day += days + weeks * 7
        var date = LXDTime(civil: civil)
        date.seconds += Int64(hours * 3600 + minutes * 60 + seconds)
        date.nanoseconds = start.nanoseconds
        return date
    }

    /// The moment an expression gives from a start; the zero time for an empty one.
    package static func date(_ text: String, after start: LXDTime) throws(LXDError) -> LXDTime {
        try parse(text)?.date(after: start) ?? .zero
    }
}

extension String {
    /// The text without white space at its ends.
    fileprivate var trimmedSpaces: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
