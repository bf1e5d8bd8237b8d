import Glibc

/// A moment with nanoseconds and the offset it was written with, as Go's `time.Time` travels (RFC 3339).
///
/// The zero value is `0001-01-01T00:00:00Z` and means "never". Two moments are equal if they are the same instant.
public struct LXDTime: WireValue, Comparable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    public var seconds: Int64
    /// 0 ... 999 999 999.
    public var nanoseconds: Int32
    /// Seconds east of UTC used when the moment is written; 0 writes `Z`.
    public var utcOffset: Int32

    public init(seconds: Int64, nanoseconds: Int32 = 0, utcOffset: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.utcOffset = utcOffset
    }

    public init() { self.init(seconds: -62_135_596_800) }

    /// `0001-01-01T00:00:00Z`: not set.
    public static let zero = LXDTime()
    /// `1970-01-01T00:00:00Z`: what an instance that was never started has as last use.
    public static let epoch = LXDTime(seconds: 0)

    /// The present, in UTC.
    public static func now() -> LXDTime {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return LXDTime(seconds: Int64(now.tv_sec), nanoseconds: Int32(now.tv_nsec))
    }

    /// Whether this is the zero value, in any offset.
    public var isZero: Bool { seconds == LXDTime.zero.seconds && nanoseconds == 0 }

    /// Nanoseconds since 1970, clamped to what fits; for the database.
    public var unixNanoseconds: Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : product.addingReportingOverflow(Int64(nanoseconds)).partialValue
    }

    /// From nanoseconds since 1970.
    public init(unixNanoseconds: Int64) {
        let (quotient, remainder) = unixNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let borrow: Int64 = remainder < 0 ? 1 : 0
        self.init(seconds: quotient - borrow, nanoseconds: Int32(remainder + borrow * 1_000_000_000))
    }

    public static func == (left: LXDTime, right: LXDTime) -> Bool {
        left.seconds == right.seconds && left.nanoseconds == right.nanoseconds
    }

    public static func < (left: LXDTime, right: LXDTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(seconds)
        hasher.combine(nanoseconds)
    }

    /// The moment `duration` later.
    public static func + (left: LXDTime, duration: Duration) -> LXDTime {
        let (seconds, attoseconds) = duration.components
        var sum = left
        var nanoseconds = Int64(left.nanoseconds) + attoseconds / 1_000_000_000
        sum.seconds += seconds
        if nanoseconds >= 1_000_000_000 {
            nanoseconds -= 1_000_000_000
            sum.seconds += 1
        } else if nanoseconds < 0 {
            nanoseconds += 1_000_000_000
            sum.seconds -= 1
        }
        sum.nanoseconds = Int32(nanoseconds)
        return sum
    }

    /// The time that lies between two moments.
    public static func - (left: LXDTime, right: LXDTime) -> Duration {
        .seconds(left.seconds - right.seconds) + .nanoseconds(Int64(left.nanoseconds) - Int64(right.nanoseconds))
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let time = LXDTime(rfc3339: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not an RFC 3339 time")
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
