/// The address of a server as a person writes it, made whole.
enum RemoteAddress {
    /// - Parameters:
    ///   - text: `host`, `host:port`, `[::1]:8443`, `https://host`, `unix:///path` or `/path`.
    ///   - isSocket: Whether a path is a unix socket.
    static func complete(_ text: String, isSocket: (String) -> Bool) throws -> String {
        if text.hasPrefix("unix:") { return "unix://" + withoutSlashes(text.dropFirst("unix:".count)) }
        if text.hasPrefix("/") { return "unix://" + text }
        var rest = text[...]
        if let range = text.firstRange(of: "://") {
            let scheme = text[..<range.lowerBound]
            guard scheme == "https" else { throw CommandFailure("Invalid URL scheme \"\(scheme)\" in \"\(text)\"") }
            rest = text[range.upperBound...]
        } else if isSocket(text) {
            return "unix://" + text
        }
        rest = rest.prefix { $0 != "/" }
        let (host, port) = split(String(rest))
        guard !host.isEmpty else { throw CommandFailure("Invalid URL \"\(text)\"") }
        return "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    private static func withoutSlashes(_ text: Substring) -> String {
        text.hasPrefix("//") ? String(text.dropFirst(2)) : String(text)
    }

    /// Host without brackets, and port; 8443 if none is named.
    private static func split(_ text: String) -> (host: String, port: String) {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let host = String(text[text.index(after: text.startIndex)..<end])
            let tail = text[text.index(after: end)...]
            return (host, tail.hasPrefix(":") ? String(tail.dropFirst()) : "8443")
        }
        // More than one colon without brackets is an address without a port.
        guard text.filter({ $0 == ":" }).count == 1, let (host, port) = text.split(once: ":") else { return (text, "8443") }
        return (host, port)
    }
}
