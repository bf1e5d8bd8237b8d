/// Text as LXD's client writes, measures and orders it.
extension String {
    /// The text in double quotes, with control characters, quotes and backslashes escaped as Go's `%q` does.
    var goQuoted: String {
        var quoted = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Without blanks at both ends.
    var trimmingBlanks: String {
        var view = self[...]
        while let first = view.first, first.isWhitespace { view = view.dropFirst() }
        while let last = view.last, last.isWhitespace { view = view.dropLast() }
        return String(view)
    }

    /// The columns that the text takes on a terminal.
    var terminalWidth: Int {
        if utf8.allSatisfy({ $0 < 0x80 }) { return utf8.count }
        return unicodeScalars.reduce(0) { $0 + Self.width(of: $1) }
    }

    private static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0x300...0x36f, 0x200b...0x200f, 0xfe00...0xfe0f: 0
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
            0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
            2
        default: 1
        }
    }

    /// Whether the text comes before another when runs of digits count as numbers.
    func isNaturallyLess(than other: String) -> Bool {
        let left = Array(utf8)
        let right = Array(other.utf8)
        func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        var i = 0
        var j = 0
        while i < left.count, j < right.count {
            guard isDigit(left[i]), isDigit(right[j]) else {
                if left[i] != right[j] { return left[i] < right[j] }
                i += 1
                j += 1
                continue
            }
            let (startI, startJ) = (i, j)
            while i < left.count, left[i] == 0x30 { i += 1 }
            while j < right.count, right[j] == 0x30 { j += 1 }
            let (digitsI, digitsJ) = (i, j)
            while i < left.count, isDigit(left[i]) { i += 1 }
            while j < right.count, isDigit(right[j]) { j += 1 }
            if i - digitsI != j - digitsJ { return i - digitsI < j - digitsJ }
            let (a, b) = (left[digitsI..<i], right[digitsJ..<j])
            if a != b { return a.lexicographicallyPrecedes(b) }
            // Equal numbers: fewer leading zeros first.
            if digitsI - startI != digitsJ - startJ { return digitsI - startI < digitsJ - startJ }
        }
        return left.count - i < right.count - j
    }

    /// What is before and after the first separator; nil if there is none.
    func split(once separator: Character) -> (head: String, tail: String)? {
        guard let index = firstIndex(of: separator) else { return nil }
        return (String(self[..<index]), String(self[self.index(after: index)...]))
    }
}

extension [[String]] {
    /// Rows in the natural order of their columns; an empty cell comes last.
    func sortedByColumns() -> [[String]] {
        sorted { left, right in
            for (a, b) in zip(left, right) where a != b {
                if a.isEmpty { return false }
                if b.isEmpty { return true }
                return a.isNaturallyLess(than: b)
            }
            return false
        }
    }

    /// As `sortedByColumns`, but only the first column that differs counts and the last one decides a tie.
    func sortedNaturally() -> [[String]] { sortedByColumns() }
}

/// Sizes as people read them.
enum ByteText {
    /// In steps of 1024, as in `1.50GiB`.
    static func iec(_ bytes: Int64, precision: Int = 2) -> String {
        guard bytes >= 1024 else { return "\(bytes)B" }
        var value = Double(bytes)
        for unit in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
            value /= 1024
            if value < 1024 { return fixed(value, precision) + unit }
        }
        return fixed(value, precision) + "ZiB"
    }

    /// In steps of 1000, as in `1.61GB`.
    static func decimal(_ bytes: Int64, precision: Int = 2) -> String {
        guard bytes >= 1000 else { return "\(bytes)B" }
        var value = Double(bytes)
        for unit in ["kB", "MB", "GB", "TB", "PB", "EB"] {
            value /= 1000
            if value < 1000 { return fixed(value, precision) + unit }
        }
        return fixed(value, precision) + "ZB"
    }

    /// With so many digits after the point, rounded half to even on the exact binary value as `printf` does.
    static func fixed(_ value: Double, _ precision: Int) -> String {
        var scale = 1.0
        for _ in 0..<precision { scale *= 10 }
        let scaled = Int64((value * scale).rounded(.toNearestOrEven))
        let whole = abs(scaled) / Int64(scale)
        let fraction = String(abs(scaled) % Int64(scale))
        let sign = scaled < 0 ? "-" : ""
        guard precision > 0 else { return sign + "\(whole)" }
        return sign + "\(whole)." + String(repeating: "0", count: precision - fraction.count) + fraction
    }
}

extension ByteText {
    /// The bytes that a text such as `512MiB` or `2GB` means; nil when it means none.
    static func parse(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        let powers: [Character: Int] = ["k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6]
        var unit = text.dropFirst(digits.count)
        while unit.first == " " { unit = unit.dropFirst() }
        if unit.isEmpty || unit == "B" || unit == "bytes" { return number }
        guard let first = unit.first, let power = powers[first] else { return nil }
        let base: Int64 = unit.dropFirst() == "iB" ? 1024 : unit.dropFirst() == "B" ? 1000 : 0
        guard base > 0 else { return nil }
        var result = number
        for _ in 0..<power {
            let (product, overflow) = result.multipliedReportingOverflow(by: base)
            if overflow { return nil }
            result = product
        }
        return result
    }
}
