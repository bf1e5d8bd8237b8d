/// Which ways of writing a piece of text in YAML keep it what it is.
struct ScalarAnalysis {
    private(set) var allowsPlain = true
    private(set) var allowsSingleQuotes = true
    private(set) var allowsBlock = true

    init(_ value: String) {
        let scalars = Array(value.unicodeScalars)
        if value.hasPrefix("---") || value.hasPrefix("...") { allowsPlain = false }
        var precededByWhite = true
        var wasSpace = false
        var wasBreak = false
        for (index, scalar) in scalars.enumerated() {
            let isLast = index == scalars.count - 1
            let followedByWhite = isLast || ScalarAnalysis.isWhite(scalars[index + 1])
            if ScalarAnalysis.isIndicator(scalar, first: index == 0, precededByWhite, followedByWhite) {
                allowsPlain = false
            }
            if scalar == " " {
                if index == 0 || isLast { allowsPlain = false }
                if isLast { allowsBlock = false }
                if wasBreak {
                    allowsPlain = false
                    allowsSingleQuotes = false
                }
                wasSpace = true
                wasBreak = false
            } else if scalar == "\n" || scalar == "\r" || scalar.value == 0x85 || scalar.value == 0x2028
                || scalar.value == 0x2029
            {
                allowsPlain = false
                if wasSpace {
                    allowsSingleQuotes = false
                    allowsBlock = false
                }
                wasSpace = false
                wasBreak = true
            } else {
                wasSpace = false
                wasBreak = false
            }
            if !ScalarAnalysis.isPrintable(scalar) {
                allowsPlain = false
                allowsSingleQuotes = false
                allowsBlock = false
            }
            precededByWhite = ScalarAnalysis.isWhite(scalar)
        }
    }

    private static func isWhite(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" || scalar.value == 0x85
            || scalar.value == 0x2028
            || scalar.value == 0x2029
    }

    private static func isIndicator(
        _ scalar: Unicode.Scalar, first: Bool, _ precededByWhite: Bool, _ followedByWhite: Bool
    ) -> Bool {
        if first {
            switch scalar {
            case "#", ",", "[", "]", "{", "}", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`": return true
            case "?", ":", "-": return followedByWhite
            default: return false
            }
        }
        switch scalar {
        case ":": return followedByWhite
        case "#": return precededByWhite
        default: return false
        }
    }

    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0A, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFFFD: scalar.value != 0xFEFF
        case 0x10000...0x10FFFF: true
        default: false
        }
    }

    /// Whether text would be read as a time stamp: `2021-03-23`, with or without a time of day.
    static func isTimestamp(_ value: String) -> Bool {
        let bytes = Array(value.utf8)
        func digits(_ range: Range<Int>) -> Bool { range.allSatisfy { (48...57).contains(bytes[$0]) } }
        guard bytes.count >= 8, digits(0..<4), bytes[4] == UInt8(ascii: "-") else { return false }
        if bytes.count == 10, digits(5..<7), bytes[7] == UInt8(ascii: "-"), digits(8..<10) { return true }
        guard bytes.count > 10 else { return false }
        return LXDTime(rfc3339: value) != nil
            || LXDTime(rfc3339: value.replacing(" ", with: "T", maxReplacements: 1) + "Z") != nil
    }
}

extension YAMLWriter {
    /// Whether one map key comes before another: letters after signs, runs of digits by their value (`eth2` before `eth10`).
    static func precedes(_ left: String, _ right: String) -> Bool {
        let a = Array(left.unicodeScalars)
        let b = Array(right.unicodeScalars)
        var inDigits = false
        func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.numericType == .decimal }
        for i in 0..<min(a.count, b.count) {
            if a[i] == b[i] {
                inDigits = isDigit(a[i])
                continue
            }
            let aIsLetter = a[i].properties.isAlphabetic
            let bIsLetter = b[i].properties.isAlphabetic
            if aIsLetter && bIsLetter { return a[i] < b[i] }
            if aIsLetter || bIsLetter { return inDigits ? aIsLetter : bIsLetter }
            func run(_ scalars: [Unicode.Scalar], _ start: Int) -> (end: Int, value: Double) {
                var end = start
                var value = 0.0
                while end < scalars.count, isDigit(scalars[end]) {
                    value = value * 10 + (scalars[end].properties.numericValue ?? 0)
                    end += 1
                }
                return (end, value)
            }
            // A zero inside a longer number counts with its place.
            var lead = 0.0
            if a[i] == "0" || b[i] == "0" {
                var j = i - 1
                while j >= 0, isDigit(a[j]) {
                    if a[j] != "0" {
                        lead = 1
                        break
                    }
                    j -= 1
                }
            }
            let (aEnd, aRun) = run(a, i)
            let (bEnd, bRun) = run(b, i)
            func scaled(_ length: Int) -> Double { (0..<length).reduce(lead) { value, _ in value * 10 } }
            let aValue = scaled(aEnd - i) + aRun
            let bValue = scaled(bEnd - i) + bRun
            if aValue != bValue { return aValue < bValue }
            if aEnd != bEnd { return aEnd < bEnd }
            return a[i] < b[i]
        }
        return a.count < b.count
    }
}
