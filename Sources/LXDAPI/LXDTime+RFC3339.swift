/// A date of the Gregorian calendar with a time of day.
public struct CivilTime: Sendable, Hashable {
    /// Four digits on the wire.
    public var year: Int
    /// 1 ... 12.
    public var month: Int
    /// 1 ... 31.
    public var day: Int
    /// 0 ... 23.
    public var hour: Int
    /// 0 ... 59.
    public var minute: Int
    /// 0 ... 59.
    public var second: Int
}

extension LXDTime {
    /// RFC 3339 with as many fraction digits as needed: `2021-03-23T17:38:37.753398689-04:00`.
    public var description: String {
        let civil = civil(utcOffset: utcOffset)
        var text: [UInt8] = []
        text.reserveCapacity(35)
        func put(_ value: Int, _ width: Int) {
            var divisor = 1
            for _ in 1..<width { divisor *= 10 }
            var rest = value
            while divisor > 0 {
                text.append(UInt8(truncatingIfNeeded: 48 + rest / divisor % 10))
                rest %= divisor
                divisor /= 10
            }
        }
        put(civil.year, 4)
        text.append(UInt8(ascii: "-"))
        put(civil.month, 2)
        text.append(UInt8(ascii: "-"))
        put(civil.day, 2)
        text.append(UInt8(ascii: "T"))
        put(civil.hour, 2)
        text.append(UInt8(ascii: ":"))
        put(civil.minute, 2)
        text.append(UInt8(ascii: ":"))
        put(civil.second, 2)
        if nanoseconds > 0 {
            text.append(UInt8(ascii: "."))
            put(Int(nanoseconds), 9)
            while text.last == UInt8(ascii: "0") { text.removeLast() }
        }
        if utcOffset == 0 {
            text.append(UInt8(ascii: "Z"))
        } else {
            text.append(UInt8(ascii: utcOffset < 0 ? "-" : "+"))
            put(Int(abs(utcOffset)) / 3600, 2)
            text.append(UInt8(ascii: ":"))
            put(Int(abs(utcOffset)) / 60 % 60, 2)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads RFC 3339 with a fraction of 0–9 digits and `Z` or an offset; nil for anything else.
    public init?(rfc3339 text: String) {
        var reader = DigitReader(bytes: Array(text.utf8))
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T"), let hour = reader.number(2), reader.take(":"),
            let minute = reader.number(2), reader.take(":"), let second = reader.number(2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var nanoseconds = 0
        if reader.take(".") {
            guard let fraction = reader.fraction() else { return nil }
            nanoseconds = fraction
        }
        var offset = 0
        if !reader.take("Z") {
            let isWest = reader.take("-")
            guard isWest || reader.take("+"), let hours = reader.number(2), reader.take(":"),
                let minutes = reader.number(2),
                hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (isWest ? -1 : 1)
        }
        guard reader.isAtEnd else { return nil }
        let days = LXDTime.daysSinceEpoch(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(seconds: Int64(seconds), nanoseconds: Int32(nanoseconds), utcOffset: Int32(offset))
    }

    /// The calendar date and time of day at the given offset (seconds east of UTC).
    public func civil(utcOffset: Int32 = 0) -> CivilTime {
        let local = Int(seconds) + Int(utcOffset)
        let days = Int((Double(local) / 86_400).rounded(.down))
        let clock = local - days * 86_400
        let date = LXDTime.date(daysSinceEpoch: days)
        return CivilTime(
            year: date.year, month: date.month, day: date.day, hour: clock / 3600, minute: clock / 60 % 60,
            second: clock % 60)
    }

    /// From a calendar date and time of day in UTC. A day past the month's end runs into the next month.
    public init(civil: CivilTime) {
        let days = LXDTime.daysSinceEpoch(year: civil.year, month: civil.month, day: civil.day)
        self.init(seconds: Int64(days * 86_400 + civil.hour * 3600 + civil.minute * 60 + civil.second))
    }

    // Eras of 400 years that begin in March, so that the leap day is the last day of a year.
    private static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(daysSinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        let month = m < 10 ? m + 3 : m - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * m + 2) / 5 + 1)
    }
}

/// Reads fixed-width decimal fields from ASCII.
private struct DigitReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func number(_ width: Int) -> Int? {
        guard position + width <= bytes.count else { return nil }
        var value = 0
        for _ in 0..<width {
            let digit = Int(bytes[position]) - 48
            guard (0...9).contains(digit) else { return nil }
            value = value * 10 + digit
            position += 1
        }
        return value
    }

    /// The fraction in nanoseconds; digits past the ninth are dropped as Go does.
    mutating func fraction() -> Int? {
        var value = 0
        var count = 0
        while position < bytes.count, (48...57).contains(bytes[position]) {
            if count < 9 { value = value * 10 + Int(bytes[position]) - 48 }
            count += 1
            position += 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 9)..<9 { value *= 10 }
        return value
    }
}
