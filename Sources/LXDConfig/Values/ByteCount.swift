package import LXDAPI

/// Amounts of bytes as people write them: `10GB` counts in thousands, `10GiB` in 1024s.
package enum ByteCount {
    private static let units: [(suffix: String, factor: Int64)] = [
        ("", 1), ("B", 1), (" bytes", 1), ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("PB", 1_000_000_000_000_000), ("EB", 1_000_000_000_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40), ("PiB", 1 << 50), ("EiB", 1 << 60),
    ]

    /// The number of bytes; 0 for an empty text.
    ///
    /// - Throws: `.badRequest` with LXD's text.
    package static func parse(_ text: String) throws(LXDError) -> Int64 {
        try Quantity.parse(text, units) { _ in "Invalid value: \(text)" }
    }

    /// An amount for people, in thousands: `1.50MB`.
    package static func format(_ bytes: Int64, fractionDigits: Int = 2) -> String {
        Quantity.format(bytes, base: 1000, ["kB", "MB", "GB", "TB", "PB", "EB"], fractionDigits)
    }

    /// An amount for people, in 1024s: `1.50MiB`.
    package static func formatBinary(_ bytes: Int64, fractionDigits: Int = 2) -> String {
        Quantity.format(bytes, base: 1024, ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"], fractionDigits)
    }
}

/// Rates in bits a second: `10Mbit`.
package enum BitRate {
    private static let units: [(suffix: String, factor: Int64)] = [
        ("", 1), ("bit", 1), ("kbit", 1000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000), ("Tbit", 1_000_000_000_000),
        ("Pbit", 1_000_000_000_000_000), ("Ebit", 1_000_000_000_000_000_000), ("Kibit", 1 << 10), ("Mibit", 1 << 20),
        ("Gibit", 1 << 30), ("Tibit", 1 << 40), ("Pibit", 1 << 50), ("Eibit", 1 << 60),
    ]

    /// Bits a second; 0 for an empty text.
    package static func parse(_ text: String) throws(LXDError) -> Int64 {
        try Quantity.parse(text, units) { "Unsupported suffix: \($0)" }
    }
}

private enum Quantity {
    static func parse(
        _ text: String, _ units: [(suffix: String, factor: Int64)], unknown: (String) -> String
    ) throws(LXDError) -> Int64 {
        if text.isEmpty { return 0 }
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty else { throw .badRequest("Invalid value: \(text)") }
        guard let number = Int64(digits) else { throw .badRequest("Invalid integer: \(text)") }
        let suffix = String(text[digits.endIndex...])
        guard let unit = units.first(where: { $0.suffix == suffix }) else { throw .badRequest(unknown(suffix)) }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit.factor)
        guard !overflow else { throw .badRequest("Overflow multiplying \(number) with \(unit.factor)") }
        return product
    }

    static func format(_ amount: Int64, base: Int64, _ units: [String], _ fractionDigits: Int) -> String {
        if amount < base { return "\(amount)B" }
        var value = Double(amount)
        for (index, unit) in units.enumerated() {
            value /= Double(base)
            if value < Double(base) || index == units.count - 1 { return fixed(value, fractionDigits) + unit }
        }
        return "\(amount)B"
    }

    /// A number with exactly so many digits after the point.
    private static func fixed(_ value: Double, _ digits: Int) -> String {
        guard digits > 0 else { return String(Int64(value.rounded(.toNearestOrEven))) }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((value * scale).rounded(.toNearestOrEven))
        let fraction = String(scaled % Int64(scale))
        return "\(scaled / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
