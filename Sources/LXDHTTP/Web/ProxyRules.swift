internal import Glibc

/// Which proxy leads to which server: `core.proxy_http`, `core.proxy_https`, `core.proxy_ignore_hosts`, and where those
/// say nothing the environment's `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
package struct ProxyRules: Sendable, Hashable {
    private let http: String
    private let https: String
    private let ignoredHosts: String

    /// - Parameters:
    ///   - http, https: URLs, or `host:port`; empty for the environment's.
    ///   - ignoredHosts: Names, suffixes, addresses and networks, separated by commas; `*` for all.
    package init(
        http: String = "", https: String = "", ignoredHosts: String = "", environment: [String: String] = [:]
    ) {
        func value(_ own: String, _ name: String) -> String {
            if !own.isEmpty { return own }
            let upper = environment[name] ?? ""
            return upper.isEmpty ? environment[name.lowercased()] ?? "" : upper
        }
        self.http = value(http, "HTTP_PROXY")
        self.https = value(https, "HTTPS_PROXY")
        self.ignoredHosts = value(ignoredHosts, "NO_PROXY")
    }

    /// - Returns: nil when the server is asked directly.
    /// - Throws: ``WebError/badProxy(_:)``.
    package func proxy(for address: WebAddress) throws(WebError) -> WebAddress? {
        let text = address.isSecure ? https : http
        guard !text.isEmpty, !isIgnored(address.host) else { return nil }
        let url = text.contains("://") ? text : "http://" + text
        guard let proxy = WebAddress(url), !proxy.isSecure else { throw .badProxy(text) }
        return proxy
    }

    private func isIgnored(_ host: String) -> Bool {
        let address = IPBytes(host)
        if host == "localhost" || address?.isLoopback == true || ignoredHosts == "*" { return true }
        return ignoredHosts.split(separator: ",").contains { entry in
            let pattern = entry.lowercased().filter { $0 != " " }
            if pattern.isEmpty { return false }
            if let slash = pattern.firstIndex(of: "/") {
                guard let address, let network = IPBytes(String(pattern[..<slash])),
                    let length = Int(pattern[pattern.index(after: slash)...])
                else { return false }
                return network.holds(address, prefixLength: length)
            }
            let name = Self.withoutPort(pattern)
            if host == name { return true }
            let suffix = name.hasPrefix(".") ? name : "." + name
            return host.hasSuffix(suffix) || host == suffix.dropFirst()
        }
    }

    private static func withoutPort(_ text: String) -> String {
        guard let colon = text.lastIndex(of: ":"), text.firstIndex(of: ":") == colon else { return text }
        return String(text[..<colon])
    }
}

/// An IPv4 or IPv6 address as bytes, for comparing with networks.
struct IPBytes: Equatable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    init?(_ text: String) {
        var v4 = [UInt8](repeating: 0, count: 4)
        var v6 = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &v4) == 1 {
            bytes = v4
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            bytes = v6
        } else {
            return nil
        }
    }

    var isLoopback: Bool {
        bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    func holds(_ address: IPBytes, prefixLength: Int) -> Bool {
        guard bytes.count == address.bytes.count, (0...bytes.count * 8).contains(prefixLength) else { return false }
        for bit in 0..<prefixLength {
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            if (bytes[bit / 8] ^ address.bytes[bit / 8]) & mask != 0 { return false }
        }
        return true
    }
}
