package import LXDNetlink

/// A managed bridge's configuration, read: what each key means once its default is known.
package struct BridgeConfiguration: Sendable, Equatable {
    package let name: String
    /// As stored: keys of LXD's network documentation.
    package let values: [String: String]

    package init(name: String, values: [String: String]) {
        self.name = name
        self.values = values
    }

    package subscript(key: String) -> String { values[key] ?? "" }

    /// The bridge's own address; nil for `none` or nothing.
    package var ipv4: IPPrefix? { address("ipv4.address") }
    package var ipv6: IPPrefix? { address("ipv6.address") }

    private func address(_ key: String) -> IPPrefix? {
        let text = self[key]
        return text.isEmpty || text == "none" ? nil : IPPrefix(text)
    }

    package func isTrue(_ key: String) -> Bool { Self.truths.contains(self[key].lowercased()) }
    /// On unless said otherwise.
    package func isTrueOrEmpty(_ key: String) -> Bool { self[key].isEmpty || isTrue(key) }

    private static let truths: Set<String> = ["true", "1", "yes", "on"]

    /// The subnet DHCP serves; nil when it is off.
    package var dhcpv4Subnet: IPPrefix? { isTrueOrEmpty("ipv4.dhcp") ? ipv4?.network : nil }
    package var dhcpv6Subnet: IPPrefix? { isTrueOrEmpty("ipv6.dhcp") ? ipv6?.network : nil }

    package var usesDnsmasq: Bool { ipv4 != nil || ipv6 != nil }

    package var hasFirewallV4: Bool { ipv4 != nil && isTrueOrEmpty("ipv4.firewall") }
    package var hasFirewallV6: Bool { ipv6 != nil && isTrueOrEmpty("ipv6.firewall") }

    /// Packets may pass between the bridge and other links.
    package var routesV4: Bool { ipv4 != nil && isTrueOrEmpty("ipv4.routing") }
    package var routesV6: Bool { ipv6 != nil && isTrueOrEmpty("ipv6.routing") }

    package var domain: String { self["dns.domain"].isEmpty ? "lxd" : self["dns.domain"] }

    /// Who decides about the names of instances.
    package var dnsMode: DNSMode { DNSMode(rawValue: self["dns.mode"]) ?? .managed }

    package enum DNSMode: String, Sendable {
        case managed, dynamic, none
    }

    /// The MTU asked for; nil leaves 1500.
    package var mtu: UInt32? { UInt32(self["bridge.mtu"]) }

    package var externalInterfaces: [String] { list("bridge.external_interfaces") }
    package var routes: [IPPrefix] { (list("ipv4.routes") + list("ipv6.routes")).compactMap { IPPrefix($0) } }

    /// A comma-separated value, trimmed, without empty items.
    package func list(_ key: String) -> [String] {
        self[key].split(separator: ",").map { String($0).trimmingSpaces() }.filter { !$0.isEmpty }
    }
}

extension String {
    func trimmingSpaces() -> String {
        var slice = self[...]
        while let first = slice.first, first.isWhitespace { slice = slice.dropFirst() }
        while let last = slice.last, last.isWhitespace { slice = slice.dropLast() }
        return String(slice)
    }

    /// Whether a line of a configuration file or an argument may hold this text.
    var hasControlCharacters: Bool {
        unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f || $0.value == 0x2028 || $0.value == 0x2029 }
    }
}
