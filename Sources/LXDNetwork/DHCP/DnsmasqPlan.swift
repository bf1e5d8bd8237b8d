package import LXDAPI
import LXDNetlink

/// How dnsmasq is started for a bridge: arguments and files, as data.
package struct DnsmasqPlan: Sendable, Equatable {
    /// Without the program's name.
    package var arguments: [String]
    /// The text of `dnsmasq.raw`.
    package var rawText: String

    /// Where one network's files lie.
    package struct Files: Sendable, Equatable {
        /// `$LXD_DIR/networks/NAME`, absolute.
        package let directory: String

        package init(directory: String) { self.directory = directory }

        package var hosts: String { directory + "/dnsmasq.hosts" }
        package var leases: String { directory + "/dnsmasq.leases" }
        package var raw: String { directory + "/dnsmasq.raw" }
        /// LXD's name; who runs, for us and for scripts.
        package var pid: String { directory + "/dnsmasq.pid" }
        /// What dnsmasq itself writes.
        package var ownPID: String { directory + "/dnsmasq.run" }
    }

    /// Whom dnsmasq becomes once its sockets are open.
    package struct Identity: Sendable, Equatable {
        package var user: String
        package var group: String

        package init(user: String, group: String) {
            self.user = user
            self.group = group
        }
    }

    /// - Throws: When a value holds a control character or NUL.
    package init(_ network: BridgeConfiguration, files: Files, identity: Identity?, isVerbose: Bool = false)
        throws(LXDError)
    {
        var arguments = [
            "--strict-order", "--bind-interfaces", "--except-interface=lo", "--pid-file=\(files.ownPID)",
            // Leases are written at once; the kernel's neighbours would be asked first otherwise.
            "--no-ping", "--interface=\(network.name)", "--dhcp-rapid-commit",
        ]
        if !isVerbose { arguments += ["--quiet-dhcp", "--quiet-dhcp6", "--quiet-ra"] }
        arguments += Self.ipv4(network, files)
        arguments += Self.ipv6(network, files)
        if network.dnsMode != .none {
            arguments += ["-s", network.domain]
            arguments += ["--interface-name", "_gateway.\(network.domain),\(network.name)"]
            arguments += ["-S", "/\(network.domain)/"]
        }
        arguments.append("--conf-file=\(files.raw)")
        if let identity { arguments += ["-u", identity.user, "-g", identity.group] }
        for argument in arguments where argument.hasControlCharacters {
            throw .badRequest(
                "Control characters are not allowed in the configuration of network \(goQuoted(network.name))")
        }
        let raw = network["raw.dnsmasq"]
        // Lines are the point of this key; what no configuration file holds is refused.
        guard !raw.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" && $0 != "\r" }) else {
            throw .badRequest(
                "Control characters are not allowed in \"raw.dnsmasq\" of network \(goQuoted(network.name))")
        }
        self.arguments = arguments
        rawText = raw + "\n"
    }

    private static func ipv4(_ network: BridgeConfiguration, _ files: Files) -> [String] {
        guard let address = network.ipv4 else { return [] }
        var arguments = ["--listen-address=\(address.address)"]
        guard let subnet = network.dhcpv4Subnet else { return arguments }
        arguments += leaseOptions(files)
        if !network["ipv4.dhcp.gateway"].isEmpty {
            arguments.append("--dhcp-option-force=3,\(network["ipv4.dhcp.gateway"])")
        }
        if let mtu = network.mtu, mtu != 1500 { arguments.append("--dhcp-option-force=26,\(mtu)") }
        let search = network["dns.search"].trimmingSpaces()
        if !search.isEmpty { arguments.append("--dhcp-option-force=119,\(search)") }
        let expiry = network["ipv4.dhcp.expiry"].isEmpty ? "1h" : network["ipv4.dhcp.expiry"]
        let ranges = network.list("ipv4.dhcp.ranges")
        if ranges.isEmpty, let first = subnet.host(2), let last = subnet.host(-2) {
            arguments += ["--dhcp-range", "\(first),\(last),\(expiry)"]
        }
        for range in ranges { arguments += ["--dhcp-range", "\(commas(range)),\(expiry)"] }
        return arguments
    }

    private static func ipv6(_ network: BridgeConfiguration, _ files: Files) -> [String] {
        guard let address = network.ipv6 else { return [] }
        var arguments = ["--listen-address=\(address.address)", "--enable-ra"]
        guard let subnet = network.dhcpv6Subnet else {
            return arguments + ["--dhcp-range", "::,constructor:\(network.name),ra-only"]
        }
        if network.dhcpv4Subnet == nil { arguments += leaseOptions(files) }
        guard network.isTrue("ipv6.dhcp.stateful") else {
            return arguments + ["--dhcp-range", "::,constructor:\(network.name),ra-stateless,ra-names"]
        }
        let expiry = network["ipv6.dhcp.expiry"].isEmpty ? "1h" : network["ipv6.dhcp.expiry"]
        let ranges = network.list("ipv6.dhcp.ranges")
        if ranges.isEmpty, let first = subnet.host(2), let last = subnet.host(-1) {
            arguments += ["--dhcp-range", "\(first),\(last),\(subnet.length),\(expiry)"]
        }
        for range in ranges { arguments += ["--dhcp-range", "\(commas(range)),\(subnet.length),\(expiry)"] }
        return arguments
    }

    private static func leaseOptions(_ files: Files) -> [String] {
        [
            "--dhcp-no-override", "--dhcp-authoritative", "--dhcp-leasefile=\(files.leases)",
            "--dhcp-hostsfile=\(files.hosts)",
        ]
    }

    private static func commas(_ range: String) -> String {
        String(range.map { $0 == "-" ? "," : $0 })
    }
}
