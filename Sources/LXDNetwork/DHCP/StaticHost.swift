package import LXDAPI
package import LXDNetlink

/// What dnsmasq is told about one NIC of one instance: its name, and addresses that are its own.
package struct StaticHost: Sendable, Hashable {
    package var project: String
    package var instance: String
    package var device: String
    package var hardwareAddress: MACAddress
    package var ipv4: IPAddress?
    package var ipv6: IPAddress?

    package init(
        project: String, instance: String, device: String, hardwareAddress: MACAddress, ipv4: IPAddress? = nil,
        ipv6: IPAddress? = nil
    ) {
        self.project = project
        self.instance = instance
        self.device = device
        self.hardwareAddress = hardwareAddress
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }

    /// LXD's name of the file: `INSTANCE.DEVICE`, with `PROJECT_` before it outside project default.
    package var fileName: String { Self.fileName(project: project, instance: instance, device: device) }

    package static func fileName(project: String, instance: String, device: String) -> String {
        let owner = project == "default" ? instance : "\(project)_\(instance)"
        let escaped = device.map { $0 == "-" ? "--" : $0 == "/" ? "-" : String($0) }.joined()
        return "\(owner).\(escaped)"
    }

    /// The name other instances find it by, without the domain.
    package var dnsName: String { project == "default" ? instance : "\(instance).\(project)" }

    /// The `dhcp-host` line, or nil when there is nothing to tell.
    ///
    /// - Parameter also: Hardware addresses of copies that have the same static addresses.
    /// - Throws: When a name could break the line.
    package func line(_ mode: BridgeConfiguration.DNSMode, also: [MACAddress] = []) throws(LXDError) -> String? {
        guard !dnsName.hasControlCharacters, !dnsName.contains(","), !fileName.hasControlCharacters,
            !dnsName.contains(" ")
        else { throw .badRequest("Invalid name for a DHCP entry: \(goQuoted(dnsName))") }
        var fields = ([hardwareAddress] + also).map(\.description)
        let bare = fields.count
        if let ipv4 { fields.append(ipv4.description) }
        if let ipv6 { fields.append("[\(ipv6)]") }
        if mode == .managed { fields.append(dnsName) }
        return fields.count == bare ? nil : fields.joined(separator: ",")
    }

    /// The files of a whole network. Copies of an instance with the same static addresses share the first one's line.
    package static func files(for hosts: [StaticHost], mode: BridgeConfiguration.DNSMode) throws(LXDError)
        -> [String: String]
    {
        var files: [String: String] = [:]
        for (position, host) in hosts.enumerated() {
            var also: [MACAddress] = []
            var isDuplicate = false
            if host.ipv4 != nil || host.ipv6 != nil {
                for (other, twin) in hosts.enumerated()
                where (twin.project, twin.instance) != (host.project, host.instance)
                    && (twin.ipv4, twin.ipv6) == (host.ipv4, host.ipv6)
                {
                    if other < position { isDuplicate = true } else { also.append(twin.hardwareAddress) }
                }
            }
            guard !isDuplicate, let line = try host.line(mode, also: also) else { continue }
            files[host.fileName] = line + "\n"
        }
        return files
    }
}
