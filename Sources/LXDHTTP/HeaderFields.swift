internal import NIOHTTP1

/// HTTP header fields in the order they came; names are compared without regard to case.
package struct HeaderFields: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One field; `value` never holds CR or LF when it came from a peer.
    package struct Field: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    package private(set) var fields: [Field] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    init(_ headers: HTTPHeaders) {
        fields.reserveCapacity(headers.count)
        for (name, value) in headers {
            fields.append(Field(name: name, value: value))
        }
    }

    /// The first value of the field; setting replaces all of them, nil removes them.
    package subscript(name: String) -> String? {
        get { fields.first { Self.matches($0.name, name) }?.value }
        set {
            fields.removeAll { Self.matches($0.name, name) }
            if let newValue { fields.append(Field(name: name, value: newValue)) }
        }
    }

    /// Appends a field beside those of the same name.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// All values of the field in order.
    package func all(_ name: String) -> [String] {
        fields.filter { Self.matches($0.name, name) }.map(\.value)
    }

    /// Whether a comma-separated field such as `Connection` names the token.
    package func contains(_ token: String, in name: String) -> Bool {
        all(name).contains { value in
            value.split(separator: ",").contains { part in
                Self.matches(part.drop { $0 == " " }.prefix { $0 != " " && $0 != ";" }, token)
            }
        }
    }

    /// The form NIO's encoder takes. CR, LF and NUL in a value become spaces, so a value never starts a second field.
    var nioHeaders: HTTPHeaders {
        HTTPHeaders(fields.map { ($0.name, Self.singleLine($0.value)) })
    }

    private static func singleLine(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 13 || $0 == 10 || $0 == 0 }) else { return value }
        return String(value.unicodeScalars.map { $0 == "\r" || $0 == "\n" || $0 == "\0" ? " " : Character($0) })
    }

    private static func matches(_ left: some StringProtocol, _ right: some StringProtocol) -> Bool {
        let left = left.utf8
        let right = right.utf8
        guard left.count == right.count else { return false }
        return zip(left, right).allSatisfy { lower($0) == lower($1) }
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        byte >= 65 && byte <= 90 ? byte + 32 : byte
    }
}

/// An HTTP method by its name on the wire.
package struct HTTPVerb: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static let get = HTTPVerb(rawValue: "GET")
    package static let head = HTTPVerb(rawValue: "HEAD")
    package static let post = HTTPVerb(rawValue: "POST")
    package static let put = HTTPVerb(rawValue: "PUT")
    package static let patch = HTTPVerb(rawValue: "PATCH")
    package static let delete = HTTPVerb(rawValue: "DELETE")

    package var description: String { rawValue }
}
