internal import LXDAPI

/// How a moment is kept: UTC with nine digits of fraction, so that text order is time order.
func storedText(_ time: LXDTime) -> String {
    let fraction = String(time.nanoseconds)
    var whole = time
    whole.nanoseconds = 0
    whole.utcOffset = 0
    return whole.description.dropLast() + "." + String(repeating: "0", count: 9 - fraction.count) + fraction + "Z"
}

/// Reads what ``storedText(_:)`` writes and also `2006-01-02 15:04:05+00:00`, as people write it by hand.
func storedTime(_ text: String?) -> LXDTime? {
    guard let text else { return nil }
    return LXDTime(rfc3339: text) ?? LXDTime(rfc3339: text.replacing(" ", with: "T", maxReplacements: 1))
}
