/// The parameters of a URL's query.
package struct QueryItems: Sendable {
    private var items: [(name: String, value: String)] = []

    /// - Parameter text: As sent, without "?". Parameters that do not decode are left out, as Go does.
    package init(_ text: Substring) {
        guard !text.isEmpty else { return }
        for pair in text.split(separator: "&").prefix(256) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(parts[0], plusIsSpace: true),
                let value = parts.count == 1 ? "" : PercentEncoding.decode(parts[1], plusIsSpace: true)
            else { continue }
            items.append((name, value))
        }
    }

    /// All parameters in order.
    package var all: [(name: String, value: String)] { items }

    /// The first value of a parameter; nil when it is absent.
    package subscript(_ name: String) -> String? { items.first { $0.name == name }?.value }

    /// Whether the parameter is set as LXD understands flags: 1, true, yes, on.
    package func flag(_ name: String) -> Bool {
        guard let value = self[name]?.lowercased() else { return false }
        return ["1", "true", "yes", "on"].contains(value)
    }
}

/// RFC 3986 escapes.
package enum PercentEncoding {
    /// - Returns: Nil for a broken escape, a NUL or bytes that are no UTF-8.
    package static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        let bytes = text.utf8
        guard bytes.contains(where: { $0 == 37 || $0 == 43 || $0 == 0 }) else { return String(text) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            bytes.formIndex(after: &index)
            if byte == 43, plusIsSpace {
                decoded.append(32)
            } else if byte == 37 {
                guard let high = digit(bytes, &index), let low = digit(bytes, &index), high | low != 0 else {
                    return nil
                }
                decoded.append(high << 4 | low)
            } else if byte == 0 {
                return nil
            } else {
                decoded.append(byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func digit<Bytes: Collection<UInt8>>(_ bytes: Bytes, _ index: inout Bytes.Index) -> UInt8? {
        guard index < bytes.endIndex else { return nil }
        let byte = bytes[index]
        bytes.formIndex(after: &index)
        switch byte {
        case 48...57: return byte - 48
        case 65...70: return byte - 55
        case 97...102: return byte - 87
        default: return nil
        }
    }
}
