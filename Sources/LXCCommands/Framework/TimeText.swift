import Glibc
import LXDAPI

/// Times as lists and reports show them.
enum TimeText {
    /// In UTC, as in `2022/12/31 23:59 UTC`; empty when the time is not set.
    static func listed(_ time: LXDTime) -> String {
        guard time.isSet else { return "" }
        var seconds = time_t(time.seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return format("%Y/%m/%d %H:%M UTC", &parts)
    }

    /// In the time zone of this process, as in `2022/12/31 23:59 CET`.
    static func local(_ time: LXDTime) -> String {
        var seconds = time_t(time.seconds)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return format("%Y/%m/%d %H:%M %Z", &parts)
    }

    private static func format(_ pattern: String, _ parts: inout tm) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        let length = strftime(&buffer, buffer.count, pattern, &parts)
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension LXDTime {
    /// Whether the time means anything: LXD keeps both its own zero and the beginning of 1970 for "never".
    var isSet: Bool { seconds > 0 }
}

extension TimeText {
    /// In UTC, as in `Jan 2, 2006 at 3:04pm (UTC)`.
    static func uploaded(_ time: LXDTime) -> String {
        var seconds = time_t(time.seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let hour = parts.tm_hour % 12 == 0 ? 12 : parts.tm_hour % 12
        let minute = (parts.tm_min < 10 ? "0" : "") + "\(parts.tm_min)"
        let half = parts.tm_hour < 12 ? "am" : "pm"
        return "\(months[Int(parts.tm_mon)]) \(parts.tm_mday), \(Int(parts.tm_year) + 1900) at \(hour):\(minute)\(half) (UTC)"
    }

    /// In UTC, whether the time is set or not.
    static func universal(_ time: LXDTime) -> String {
        time.isSet ? listed(time) : "0001/01/01 00:00 UTC"
    }
}
