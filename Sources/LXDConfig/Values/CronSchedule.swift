package import LXDAPI

/// When something happens again and again: five fields as in crontab(5), or an alias such as `@daily`.
package struct CronSchedule: Sendable, Hashable {
    let minutes: Set<Int>
    let hours: Set<Int>
    let days: Set<Int>
    let months: Set<Int>
    /// 0 is Sunday.
    let weekdays: Set<Int>
    private let anyDay: Bool
    private let anyWeekday: Bool

    private static let aliases = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@annually": "0 0 1 1 *", "@yearly": "0 0 1 1 *",
    ]
    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    /// Checks a list of schedules and aliases separated by `, `.
    ///
    /// - Throws: `.badRequest` with LXD's text.
    package static func check(_ text: String, aliases: Set<String>) throws(LXDError) {
        for trigger in triggers(text) where !aliases.contains(trigger) { _ = try CronSchedule(trigger) }
    }

    /// The schedules of a list. Aliases without a time (`@startup`, `@never`) are left out.
    package static func parse(_ text: String) throws(LXDError) -> [CronSchedule] {
        var schedules: [CronSchedule] = []
        for trigger in triggers(text) where trigger != "@startup" && trigger != "@never" {
            schedules.append(try CronSchedule(Self.aliases[trigger] ?? trigger))
        }
        return schedules
    }

    private static func triggers(_ text: String) -> [String] {
        text.lowercased().split(separator: ", ", omittingEmptySubsequences: false).map(String.init)
    }

    /// Reads five fields.
    package init(_ text: String) throws(LXDError) {
        let fields = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 5 else {
            throw .badRequest("Schedule must be of the form: <minute> <hour> <day-of-month> <month> <day-of-week>")
        }
        minutes = try Self.field(fields[0], 0...59)
        hours = try Self.field(fields[1], 0...23)
        days = try Self.field(fields[2], 1...31)
        months = try Self.field(fields[3], 1...12, names: Self.monthNames, firstName: 1)
        weekdays = try Self.field(fields[4], 0...6, names: Self.dayNames, firstName: 0)
        anyDay = fields[2].hasPrefix("*") || fields[2] == "?"
        anyWeekday = fields[4].hasPrefix("*") || fields[4] == "?"
    }

    private static func field(
        _ text: String, _ bounds: ClosedRange<Int>, names: [String] = [], firstName: Int = 0
    ) throws(LXDError) -> Set<Int> {
        func fail(_ problem: String) -> LXDError { .badRequest("Error parsing schedule: \(problem)") }
        func value(_ text: Substring) throws(LXDError) -> Int {
            if let index = names.firstIndex(of: String(text)) { return index + firstName }
            guard let number = Int(text), number >= 0, !text.hasPrefix("+") else {
                throw fail("failed to parse int from \(text): \(GoInteger.problem(String(text), function: "Atoi"))")
            }
            return number
        }
        var found: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
            guard let range = pieces.first, pieces.count <= 2 else { throw fail("too many slashes: \(part)") }
            var low = bounds.lowerBound
            var high = bounds.upperBound
            let isWild = range == "*" || range == "?"
            if !isWild {
                let ends = range.split(separator: "-", omittingEmptySubsequences: false)
                guard let first = ends.first, ends.count <= 2 else { throw fail("too many hyphens: \(part)") }
                low = try value(first)
                high = ends.count == 2 ? try value(ends[1]) : pieces.count == 2 ? bounds.upperBound : low
            }
            let step = pieces.count == 2 ? try value(pieces[1]) : 1
            guard low >= bounds.lowerBound else {
                throw fail("beginning of range (\(low)) below minimum (\(bounds.lowerBound)): \(part)")
            }
            guard high <= bounds.upperBound else {
                throw fail("end of range (\(high)) above maximum (\(bounds.upperBound)): \(part)")
            }
            guard low <= high else { throw fail("beginning of range (\(low)) beyond end of range (\(high)): \(part)") }
            guard step > 0 else { throw fail("step of range should be a positive number: \(part)") }
            found.formUnion(stride(from: low, through: high, by: step))
        }
        guard !found.isEmpty else { throw fail("empty field") }
        return found
    }

    /// Whether the schedule names the minute of a moment, by the calendar at an offset from UTC.
    package func matches(_ time: LXDTime, utcOffset: Int32 = 0) -> Bool {
        let civil = time.civil(utcOffset: utcOffset)
        let day = (time.seconds + Int64(utcOffset) - (time.seconds + Int64(utcOffset) < 0 ? 86_399 : 0)) / 86_400
        // 1970-01-01 was a Thursday.
        let weekday = Int((day % 7 + 11) % 7)
        guard minutes.contains(civil.minute), hours.contains(civil.hour), months.contains(civil.month) else {
            return false
        }
        let onDay = days.contains(civil.day)
        let onWeekday = weekdays.contains(weekday)
        // If both are given, either is enough; crontab(5) has it so.
        return anyDay || anyWeekday ? onDay && onWeekday : onDay || onWeekday
    }
}
