package import LXDAPI
import LXDNetlink

/// A NIC of any instance, for comparison.
package struct NeighbourNIC: Sendable, Hashable {
    package var project: String
    package var instance: String
    package var device: String
    /// Expanded.
    package var config: [String: String]
    /// `volatile.DEVICE.hwaddr`.
    package var notedAddress: String

    package init(project: String, instance: String, device: String, config: [String: String], notedAddress: String) {
        self.project = project
        self.instance = instance
        self.device = device
        self.config = config
        self.notedAddress = notedAddress
    }

    fileprivate var link: String { config["network"].flatMap { $0.isEmpty ? nil : $0 } ?? config["parent"] ?? "" }
    fileprivate var hardwareAddress: MACAddress? {
        let own = config["hwaddr"] ?? ""
        return MACAddress((own.isEmpty ? notedAddress : own).lowercased())
    }
}

/// Whether two NICs on one bridge would be taken for each other.
package enum NICConflicts {
    /// - Parameter others: NICs of all instances of this host; those elsewhere, and the NIC itself, are left out here.
    /// - Throws: `conflict` with LXD's sentence.
    package static func check(_ nic: NeighbourNIC, against others: [NeighbourNIC], networks: [ManagedNetwork])
        throws(LXDError)
    {
        guard nic.config["type"] == "nic", DeviceFactory.nicType(nic.config, networks: networks) == "bridged" else {
            return
        }
        let network = networks.first { $0.name == nic.link }
        for other in others {
            guard other.config["type"] == "nic", other.link == nic.link,
                DeviceFactory.nicType(other.config, networks: networks) == "bridged",
                (other.project, other.instance, other.device) != (nic.project, nic.instance, nic.device),
                (nic.config["vlan"] ?? "") == (other.config["vlan"] ?? "")
            else { continue }
            if let network, network.config["dns.mode"] != "none",
                nic.instance.lowercased() == other.instance.lowercased()
            {
                throw .conflict("Instance DNS name \(goQuoted(other.instance.lowercased())) already used on network")
            }
            if let address = nic.hardwareAddress, address == other.hardwareAddress {
                throw .conflict("MAC address \(goQuoted("\(address)")) already defined on another NIC")
            }
            for key in ["ipv4.address", "ipv6.address"] {
                guard let address = IPAddress(nic.config[key] ?? ""), address == IPAddress(other.config[key] ?? "")
                else {
                    continue
                }
                throw .conflict("IP address \(goQuoted("\(address)")) already defined on another NIC")
            }
        }
    }
}
