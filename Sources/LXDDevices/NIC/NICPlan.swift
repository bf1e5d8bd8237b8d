package import LXDNetlink

/// A NIC as it is to be made: decided from configuration alone, before anything is touched.
package struct NICPlan: Sendable, Hashable {
    package var kind: NICKind
    /// Its name in the container; empty when nothing gives one.
    package var interfaceName: String
    package var hardwareAddress: MACAddress?
    package var mtu: UInt32?
    /// The bridge or parent; empty for p2p.
    package var parent: String
    /// The managed network it is plugged into.
    package var network: ManagedNetwork?
    /// The host's end, as configured; nil lets the server choose.
    package var hostName: String?
    package var routes: [IPPrefix]
    /// To the container, in bits per second.
    package var ingress: UInt64?
    /// From the container.
    package var egress: UInt64?
    package var ipv4: IPAddress?
    package var ipv6: IPAddress?
    package var isIsolated: Bool
    /// Untagged VLAN of the bridge port; `none` takes the default away.
    package var vlan: String
    package var taggedVLANs: [UInt16]
    package var filtersMAC: Bool
    /// Addresses it may use: nil all, empty none.
    package var allowedIPv4: [IPPrefix]?
    package var allowedIPv6: [IPPrefix]?

    package init(_ settings: DeviceSettings, kind: NICKind, networks: [ManagedNetwork]) throws {
        self.kind = kind
        let named = settings["network"].isEmpty ? settings["parent"] : settings["network"]
        network = networks.first { $0.name == named }
        parent = named
        if kind == .macvlan || kind == .physical, let config = network?.config, !settings["network"].isEmpty {
            parent = config["parent"] ?? ""
        }
        interfaceName = settings.configuredOrNoted("name")
        hardwareAddress = MACAddress(settings.configuredOrNoted("hwaddr").lowercased())
        let networkMTU = settings["network"].isEmpty ? nil : network?.config["bridge.mtu"] ?? network?.config["mtu"]
        mtu = UInt32(settings["mtu"]) ?? networkMTU.flatMap { UInt32($0) }
        hostName = settings["host_name"].isEmpty ? nil : settings["host_name"]
        routes = ["ipv4.routes", "ipv6.routes", "ipv4.routes.external", "ipv6.routes.external"]
            .flatMap { settings.list($0) }.compactMap { IPPrefix($0) }
        let most = LinkRate.bitsPerSecond(settings["limits.max"])
        func limit(_ key: String) -> UInt64? {
            settings["limits.max"].isEmpty ? settings[key].isEmpty ? nil : LinkRate.bitsPerSecond(settings[key]) : most
        }
        ingress = limit("limits.ingress")
        egress = limit("limits.egress")
        ipv4 = IPAddress(settings["ipv4.address"])
        ipv6 = IPAddress(settings["ipv6.address"])
        isIsolated = settings.isTrue("security.port_isolation")
        vlan = settings["vlan"]
        taggedVLANs = VLANList.expand(settings["vlan.tagged"]) ?? []
        filtersMAC = settings.isTrue("security.mac_filtering")
        allowedIPv4 = Self.allowed(settings, "ipv4", network)
        allowedIPv6 = Self.allowed(settings, "ipv6", network)
        reservesIPv4 = Self.needsReservation(settings, "ipv4", network)
        reservesIPv6 = Self.needsReservation(settings, "ipv6", network)
    }

    /// The filter its bridge port gets; nil for none.
    func filter(link: String) -> NICFilter? {
        guard filtersMAC || allowedIPv4 != nil || allowedIPv6 != nil, let hardwareAddress else { return nil }
        return NICFilter(link: link, hardwareAddress: hardwareAddress, ipv4: allowedIPv4, ipv6: allowedIPv6)
    }

    /// A filter has to know an address that nobody has configured: one is kept for the NIC.
    package var reservesIPv4: Bool
    package var reservesIPv6: Bool

    private static func needsReservation(_ settings: DeviceSettings, _ version: String, _ network: ManagedNetwork?)
        -> Bool
    {
        guard settings.isTrue("security.\(version)_filtering"), settings["\(version).address"].isEmpty, let network
        else {
            return false
        }
        return BridgedAddressRules.dhcpSubnet(version, network.config) != nil
    }

    private static func allowed(_ settings: DeviceSettings, _ version: String, _ network: ManagedNetwork?)
        -> [IPPrefix]?
    {
        guard settings.isTrue("security.\(version)_filtering") else { return nil }
        guard settings["\(version).address"] != "none", let address = IPAddress(settings["\(version).address"]) else {
            return []
        }
        let routes = (settings.list("\(version).routes") + settings.list("\(version).routes.external"))
        return [IPPrefix(address, length: address.bitCount)].compactMap { $0 } + routes.compactMap { IPPrefix($0) }
    }
}

/// Names for links that only the server uses.
package enum LinkName {
    /// `vethXXXXXXXX`.
    package static func random(_ prefix: String) -> String {
        let digits = String(UInt32.random(in: 0 ... .max), radix: 16)
        return prefix + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
