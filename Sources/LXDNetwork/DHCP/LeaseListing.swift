package import LXDAPI
package import LXDNetlink

/// A NIC of an instance of the asking project that is plugged into the network.
package struct ConnectedNIC: Sendable, Hashable {
    package var instance: String
    /// Server the instance is on; empty when there is one only.
    package var location: String
    package var hardwareAddress: MACAddress?
    package var ipv4: IPAddress?
    package var ipv6: IPAddress?

    package init(
        instance: String, location: String = "", hardwareAddress: MACAddress?, ipv4: IPAddress? = nil,
        ipv6: IPAddress? = nil
    ) {
        self.instance = instance
        self.location = location
        self.hardwareAddress = hardwareAddress
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }
}

/// Joins what is configured with what dnsmasq gave out.
package enum LeaseListing {
    /// - Parameters:
    ///   - nics: Those of the asking project.
    ///   - isOwnProject: The project is the network's: it sees the gateway too.
    ///   - serverName: Location of the dynamic leases.
    package static func leases(
        of network: BridgeConfiguration, nics: [ConnectedNIC], dynamic: [DynamicLease], isOwnProject: Bool,
        serverName: String
    ) -> [NetworkLease] {
        var leases: [NetworkLease] = []
        if isOwnProject {
            for address in [network.ipv4, network.ipv6] {
                guard let address else { continue }
                leases.append(lease("\(network.name).gw", "\(address.address)", "", "gateway", ""))
            }
        }
        for nic in nics { leases += statics(of: nic, on: network) }
        let known = Set(nics.compactMap { $0.hardwareAddress?.description })
        for entry in dynamic {
            let hardware = entry.hardwareAddress
            let address = entry.address.description
            if leases.contains(where: { $0.address == address && ($0.hwaddr == hardware || hardware.isEmpty) }) {
                continue
            }
            guard hardware.isEmpty || known.contains(hardware) else { continue }
            leases.append(lease(entry.hostname, address, hardware, "dynamic", serverName))
        }
        return leases
    }

    private static func statics(of nic: ConnectedNIC, on network: BridgeConfiguration) -> [NetworkLease] {
        let hardware = nic.hardwareAddress?.description ?? ""
        var leases: [NetworkLease] = []
        for address in [nic.ipv4, nic.ipv6] {
            guard let address else { continue }
            leases.append(lease(nic.instance, "\(address)", hardware, "static", nic.location))
        }
        if let mac = nic.hardwareAddress, let prefix = network.ipv6, !network.isTrue("ipv6.dhcp.stateful"),
            let address = mac.eui64(in: prefix)
        {
            leases.append(lease(nic.instance, "\(address)", hardware, "dynamic", nic.location))
        }
        return leases
    }

    private static func lease(_ name: String, _ address: String, _ hardware: String, _ type: String, _ location: String)
        -> NetworkLease
    {
        .with {
            $0.hostname = name
            $0.address = address
            $0.hwaddr = hardware
            $0.type = type
            $0.location = location
        }
    }
}
