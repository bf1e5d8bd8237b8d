/// The path of a resource below `/1.0`, with its query: names are escaped here and nowhere else.
public struct APIPath: Sendable, Hashable, ExpressibleByStringLiteral {
    private let segments: [String]
    /// Pairs of name and value, in the order they are sent.
    public private(set) var query: [(name: String, value: String)]

    /// - Parameter segments: What stands between the slashes, unescaped: `["instances", "web 1", "state"]`.
    public init(_ segments: [String], query: [(name: String, value: String)] = []) {
        self.segments = segments
        self.query = query
    }

    public init(_ segments: String..., query: [(name: String, value: String)] = []) {
        self.init(segments, query: query)
    }

    /// A fixed path such as `"instances"` or `"storage-pools"`; slashes separate its parts.
    public init(stringLiteral value: String) {
        self.init(value.split(separator: "/").map(String.init))
    }

    /// The same path with one more thing asked for.
    public func with(_ name: String, _ value: String) -> APIPath {
        var path = self
        path.query.append((name, value))
        return path
    }

    /// The request target, as in `/1.0/instances/web?project=default`.
    public var target: String {
        var text = "/1.0"
        for segment in segments { text += "/" + Self.escape(segment) }
        return text + Self.queryText(query)
    }

    func hasQuery(_ name: String) -> Bool { query.contains { $0.name == name } }

    static func queryText(_ query: [(name: String, value: String)]) -> String {
        query.isEmpty ? "" : "?" + query.map { "\(escape($0.name))=\(escape($0.value))" }.joined(separator: "&")
    }

    /// Percent-encodes all but the characters that never need it.
    public static func escape(_ text: String) -> String {
        if text.utf8.allSatisfy(isPlain) { return text }
        var escaped = ""
        for byte in text.utf8 {
            if isPlain(byte) {
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return escaped
    }

    /// The text that a percent-encoded one means; what is no proper encoding stays.
    public static func unescape(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    public static func == (left: APIPath, right: APIPath) -> Bool { left.target == right.target }
    public func hash(into hasher: inout Hasher) { hasher.combine(target) }
}

/// A value and the tag that names its version, for a change that must not overwrite another's.
public struct Versioned<Value: Sendable>: Sendable {
    public var value: Value
    /// Empty when the server gave none.
    public var etag: String

    public init(_ value: Value, etag: String) {
        self.value = value
        self.etag = etag
    }
}
