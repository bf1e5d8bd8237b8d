internal import FoundationEssentials
internal import LXDAPI

/// An absolute `http` or `https` URL, taken apart. What cannot stand in a request line is refused or escaped here, so
/// an address from outside never starts a second header.
package struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    package let isSecure: Bool
    /// A name or an address, lower case, without brackets.
    package let host: String
    package let port: UInt16
    /// Path and query, percent-encoded, beginning with "/".
    package let target: String
    /// `user:password` as it stood in the URL, decoded; nil without.
    package let credentials: String?

    private static let lengthMax = 8192

    /// - Returns: nil for anything but an absolute URL of these two schemes.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.lengthMax, let separator = text.firstRange(of: "://") else { return nil }
        switch text[..<separator.lowerBound].lowercased() {
        case "http": isSecure = false
        case "https": isSecure = true
        default: return nil
        }
        let rest = text[separator.upperBound...]
        let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        var authority = rest[..<authorityEnd]
        if let at = authority.lastIndex(of: "@") {
            guard let decoded = Self.decode(authority[..<at]) else { return nil }
            credentials = decoded
            authority = authority[authority.index(after: at)...]
        } else {
            credentials = nil
        }
        guard let (host, port) = Self.split(authority, isSecure: isSecure),
            let target = Self.escape(rest[authorityEnd...])
        else {
            return nil
        }
        self.host = host
        self.port = port
        self.target = target
    }

    private init(_ base: WebAddress, target: String) {
        isSecure = base.isSecure
        host = base.host
        port = base.port
        credentials = base.credentials
        self.target = target
    }

    /// `host`, with the port unless it is the scheme's own; the `Host` header.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Without credentials, so that it may stand in messages.
    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(target)" }

    /// The path without the query.
    package var path: String { String(target.prefix { $0 != "?" }) }

    /// For messages: queries may hold secrets.
    package var withoutQuery: WebAddress { WebAddress(self, target: path) }

    package func isSameServer(as other: WebAddress) -> Bool {
        isSecure == other.isSecure && host == other.host && port == other.port
    }

    /// A file below this address, named by a path such as `images/alpine/rootfs.squashfs`.
    ///
    /// - Returns: nil for a path that leads anywhere else: another server, a parent, nothing.
    package func file(_ path: String) -> WebAddress? {
        guard !path.isEmpty, path.utf8.count <= Self.lengthMax, !path.contains("\\"), !path.contains("://") else {
            return nil
        }
        var result = self.path
        while result.hasSuffix("/") { result.removeLast() }
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            guard !part.isEmpty, part != ".", part != "..", let escaped = Self.escapePart(part) else { return nil }
            result += "/" + escaped
        }
        return WebAddress(self, target: result)
    }

    /// Where a `Location` header leads, seen from here.
    package func resolving(_ location: String) -> WebAddress? {
        if location.hasPrefix("//") { return WebAddress((isSecure ? "https:" : "http:") + location) }
        let scheme = location.prefix { $0 != ":" && $0 != "/" && $0 != "?" && $0 != "#" }
        if scheme.endIndex < location.endIndex, location[scheme.endIndex] == ":" { return WebAddress(location) }
        if location.hasPrefix("/") { return Self.escape(location[...]).map { WebAddress(self, target: $0) } }
        let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        return Self.escape((folder + location)[...]).map { WebAddress(self, target: $0) }
    }

    // MARK: Parts

    private static func split(_ authority: Substring, isSecure: Bool) -> (String, UInt16)? {
        var host = authority
        var port: UInt16 = isSecure ? 443 : 80
        let nameEnd = authority.hasPrefix("[") ? authority.firstIndex(of: "]") : authority.lastIndex(of: ":")
        if authority.hasPrefix("[") {
            guard let nameEnd else { return nil }
            let after = authority[authority.index(after: nameEnd)...]
            host = authority[authority.index(after: authority.startIndex)..<nameEnd]
            guard host.utf8.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }) else {
                return nil
            }
            if !after.isEmpty {
                guard after.first == ":", let number = UInt16(after.dropFirst()) else { return nil }
                port = number
            }
        } else {
            if let nameEnd {
                host = authority[..<nameEnd]
                guard let number = UInt16(authority[authority.index(after: nameEnd)...]) else { return nil }
                port = number
            }
            guard host.utf8.allSatisfy({ isNameByte($0) }) else { return nil }
        }
        guard !host.isEmpty, host.utf8.count <= 255, port > 0 else { return nil }
        return (host.lowercased(), port)
    }

    /// Path and query without the fragment; what may not stand there is escaped, control characters are refused.
    private static func escape(_ text: Substring) -> String? {
        let text = text.prefix { $0 != "#" }
        var result = text.hasPrefix("/") ? "" : "/"
        for byte in text.utf8 {
            guard byte >= 0x20, byte != 0x7f else { return nil }
            append(byte, isPlain: byte > 0x20 && byte < 0x7f && !#"<>"\^`{|}"#.utf8.contains(byte), to: &result)
        }
        return result.utf8.count <= lengthMax ? result : nil
    }

    /// One segment of a path: nothing of it may end the segment or begin a query.
    private static func escapePart(_ text: Substring) -> String? {
        var result = ""
        for byte in text.utf8 {
            guard byte >= 0x20, byte != 0x7f else { return nil }
            append(byte, isPlain: isNameByte(byte) || "~!$&'()*+,;=:@".utf8.contains(byte), to: &result)
        }
        return result
    }

    private static func append(_ byte: UInt8, isPlain: Bool, to text: inout String) {
        if isPlain {
            text.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            text += byte < 16 ? "%0" : "%"
            text += String(byte, radix: 16, uppercase: true)
        }
    }

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) else { return nil }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        return bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f } ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "-._".utf8.contains(byte)
    }
}
