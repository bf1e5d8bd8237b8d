/// A name that has been checked: a value of such a type can be put into a path, a URL or a query.
public protocol CheckedName: RawRepresentable<String>, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// - Throws: `.badRequest` with LXD's text that says what is wrong.
    init(_ text: String) throws(LXDError)
}

extension CheckedName {
    public var description: String { rawValue }
    public init?(rawValue: String) {
        guard let name = try? Self(rawValue) else { return nil }
        self = name
    }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The name of an instance: 1–63 letters, digits and hyphens, as a host name.
public struct InstanceName: CheckedName {
    public let rawValue: String
    public init(_ text: String) throws(LXDError) {
        if text.utf8.contains(UInt8(ascii: "/")) { throw .badRequest(#"The character "/" is reserved for snapshots"#) }
        if let problem = NameRules.hostname(text) { throw .badRequest("Invalid instance name: \(problem)") }
        rawValue = text
    }
}

/// The name of a snapshot, without that of what it is of.
public struct SnapshotName: CheckedName {
    public let rawValue: String
    public init(_ text: String) throws(LXDError) {
        if let problem = NameRules.urlSegment(text) { throw .badRequest("Invalid snapshot name: \(problem)") }
        if text.utf8.contains(where: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "/") }) {
            throw .badRequest("Invalid instance snapshot name: Cannot contain space or / characters")
        }
        if let problem = NameRules.fileName(text) { throw .badRequest("Invalid snapshot name: \(problem)") }
        rawValue = text
    }
}

/// The name of a project.
public struct ProjectName: CheckedName {
    public let rawValue: String
    public init(_ text: String) throws(LXDError) {
        let bytes = text.utf8
        if text.isEmpty { throw .badRequest("No name provided") }
        if bytes.contains(UInt8(ascii: "/")) { throw .badRequest("Project names may not contain slashes") }
        if bytes.contains(UInt8(ascii: " ")) { throw .badRequest("Project names may not contain spaces") }
        if bytes.contains(UInt8(ascii: "_")) { throw .badRequest("Project names may not contain underscores") }
        if bytes.contains(UInt8(ascii: "'")) || bytes.contains(UInt8(ascii: "\"")) {
            throw .badRequest("Project names may not contain quotes")
        }
        if text == "*" { throw .badRequest("Reserved project name") }
        if text == "." || text == ".." { throw .badRequest("Invalid project name \(goQuoted(text))") }
        if let problem = NameRules.fileName(text) {
            throw .badRequest("Invalid project name \(goQuoted(text)): \(problem)")
        }
        rawValue = text
    }

    private init(trusted: String) { rawValue = trusted }

    /// The project that always exists.
    public static let `default` = ProjectName(trusted: "default")
}

/// The name of a profile.
public struct ProfileName: CheckedName {
    public let rawValue: String
    public init(_ text: String) throws(LXDError) {
        if text.isEmpty { throw .badRequest("No name provided") }
        if text.utf8.contains(UInt8(ascii: "/")) { throw .badRequest("Profile names may not contain slashes") }
        if text == "." || text == ".." { throw .badRequest("Invalid profile name \(goQuoted(text))") }
        if let problem = NameRules.fileName(text) {
            throw .badRequest("Invalid profile name \(goQuoted(text)): \(problem)")
        }
        rawValue = text
    }
}

/// The name of a storage pool.
public struct PoolName: CheckedName {
    public let rawValue: String
    public init(_ text: String) throws(LXDError) {
        if text.isEmpty { throw .badRequest("No name provided") }
        if text.utf8.contains(UInt8(ascii: "/")) { throw .badRequest("Storage pool names may not contain slashes") }
        if text.unicodeScalars.contains(where: \.properties.isWhitespace) {
            throw .badRequest("Storage name cannot contain white space")
        }
        if let problem = NameRules.fileName(text) {
            throw .badRequest("Invalid storage pool name \(goQuoted(text)): \(problem)")
        }
        rawValue = text
    }
}

/// The name of a custom storage volume.
public struct VolumeName: CheckedName {
    public let rawValue: String
    public init(_ text: String) throws(LXDError) {
        if text.isEmpty { throw .badRequest("No name provided") }
        if text.utf8.contains(UInt8(ascii: "/")) { throw .badRequest("Storage volume names may not contain slashes") }
        if let problem = NameRules.fileName(text) {
            throw .badRequest("Invalid storage volume name \(goQuoted(text)): \(problem)")
        }
        rawValue = text
    }
}

/// The name of a managed network; on a bridge also that of the interface: 2–15 characters.
public struct NetworkName: CheckedName {
    public let rawValue: String
    public init(_ text: String) throws(LXDError) {
        if text.isEmpty { throw .badRequest("No name provided") }
        if let problem = NameRules.interface(text) {
            throw .badRequest("Invalid network name \(goQuoted(text)): \(problem)")
        }
        if text == "." || text == ".." { throw .badRequest("Invalid network name \(goQuoted(text))") }
        rawValue = text
    }
}

/// The SHA-256 of an image or certificate: 64 lower-case hexadecimal digits.
public struct Fingerprint: CheckedName {
    public let rawValue: String
    public init(_ text: String) throws(LXDError) {
        guard text.utf8.count == 64, NameRules.isHexadecimal(text) else {
            throw .badRequest("Invalid fingerprint \(goQuoted(text))")
        }
        rawValue = text
    }

    /// The first 12 digits, as tables show it.
    public var short: String { String(rawValue.prefix(12)) }

    /// Whether a text can be the beginning of a fingerprint: 1–64 lower-case hexadecimal digits.
    public static func isPrefix(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && NameRules.isHexadecimal(text)
    }
}

/// What makes a name fit for its use. Each rule answers with LXD's text, or nil if the name is good.
public enum NameRules {
    /// A host name of one label.
    public static func hostname(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count) else { return "Name must be 1-63 characters long" }
        if bytes.first == UInt8(ascii: "-") { return #"Name must not start with "-" character"# }
        if bytes.last == UInt8(ascii: "-") { return #"Name must not end with "-" character"# }
        if let first = bytes.first, isDigit(first) { return "Name must not start with a number" }
        guard bytes.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") }) else {
            return "Name can only contain alphanumeric and hyphen characters"
        }
        return nil
    }

    /// A name of a device of an instance.
    public static func device(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count) else { return "Name must be 1-63 characters long" }
        if bytes.first == UInt8(ascii: ".") { return #"Name must not start with "." character"# }
        guard bytes.allSatisfy({ isAlphanumeric($0) || "/.-:_".utf8.contains($0) }) else {
            return
                "Name can only contain alphanumeric, forward slash, hyphen, colon, underscore and full stop characters"
        }
        return nil
    }

    /// A name the kernel takes for a network interface.
    public static func interface(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        if bytes.count < 2 { return "Network interface is too short (minimum 2 characters)" }
        if bytes.count > 15 { return "Network interface is too long (maximum 15 characters)" }
        guard bytes.allSatisfy({ isAlphanumeric($0) || "-_.".utf8.contains($0) }) else {
            return "Network interface contains invalid characters"
        }
        return nil
    }

    /// A text that stands in a URL as it is.
    public static func urlSegment(_ text: String) -> String? {
        for character in ["/", "?", "&", "+"] where text.contains(character) {
            return "Cannot contain \"\(character)\""
        }
        return nil
    }

    /// One component of a file path: no `/`, no control characters, not `.` or `..`, 1–255 bytes.
    ///
    /// LXD lets some of these through; a name becomes a directory here, so we do not.
    public static func fileName(_ text: String) -> String? {
        guard (1...255).contains(text.utf8.count) else { return "Name must be 1-255 bytes long" }
        if text == "." || text == ".." { return "Name must not be \"\(text)\"" }
        if text.utf8.contains(UInt8(ascii: "/")) { return "Cannot contain \"/\"" }
        if hasControlCharacters(text) { return "Name must not contain control characters" }
        return nil
    }

    /// Whether a text has characters that end lines or steer terminals (C0, DEL, C1, line separators).
    public static func hasControlCharacters(_ text: String) -> Bool {
        text.unicodeScalars.contains {
            $0.value < 32 || (127...159).contains($0.value) || $0.value == 0x2028 || $0.value == 0x2029
        }
    }

    static func isHexadecimal(_ text: String) -> Bool {
        text.utf8.allSatisfy { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
    }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

/// The text in double quotes with `\`, `"`, control and unprintable characters escaped, as messages show values.
public func goQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case "\n": quoted += "\\n"
        case "\r": quoted += "\\r"
        case "\t": quoted += "\\t"
        case "\u{07}": quoted += "\\a"
        case "\u{08}": quoted += "\\b"
        case "\u{0B}": quoted += "\\v"
        case "\u{0C}": quoted += "\\f"
        case _ where scalar.value < 32 || scalar.value == 127:
            quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        case _ where NameRules.hasControlCharacters(String(scalar)):
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

/// `web1/snap0` as `("web1", "snap0")`, `web1` as `("web1", nil)`.
public func splitSnapshotName(_ name: String) -> (parent: String, snapshot: String?) {
    guard let slash = name.firstIndex(of: "/") else { return (name, nil) }
    return (String(name[..<slash]), String(name[name.index(after: slash)...]))
}
