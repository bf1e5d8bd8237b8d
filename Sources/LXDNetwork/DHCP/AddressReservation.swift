package import LXDAPI
package import LXDNetlink

/// Chooses the addresses that a NIC keeps for its own when a filter must know them before DHCP has given any.
enum AddressReservation {
    /// - Parameters:
    ///   - current: What the NIC has reserved or leased, most wanted first.
    ///   - taken: Addresses of others.
    /// - Returns: nil when the network has no DHCP.
    /// - Throws: When no address is free.
    static func ipv4(
        _ network: BridgeConfiguration, current: [IPAddress], taken: Set<IPAddress>
    ) throws(LXDError) -> IPAddress? {
        guard let subnet = network.dhcpv4Subnet, let own = network.ipv4?.address else { return nil }
        var ranges = Self.ranges(network.list("ipv4.dhcp.ranges"))
        if let kept = current.first(where: { isValid($0, subnet, ranges) && !taken.contains($0) }) { return kept }
        if ranges.isEmpty, let first = subnet.host(2), let last = subnet.host(-2) { ranges = [first...last] }
        return try free(ranges, except: taken.union([own]))
    }

    /// Without ranges it is the address that the NIC gives itself.
    static func ipv6(
        _ network: BridgeConfiguration, current: [IPAddress], hardwareAddress: MACAddress, taken: Set<IPAddress>
    ) throws(LXDError) -> IPAddress? {
        guard let subnet = network.dhcpv6Subnet, let own = network.ipv6?.address else { return nil }
        let isStateful = network.isTrue("ipv6.dhcp.stateful")
        var ranges = isStateful ? Self.ranges(network.list("ipv6.dhcp.ranges")) : []
        if let kept = current.first(where: { isValid($0, subnet, ranges) && !taken.contains($0) }) { return kept }
        if ranges.isEmpty, let address = interfaceAddress(subnet, hardwareAddress), address != own, !taken.contains(address) {
            return address
        }
        if ranges.isEmpty, let first = subnet.host(2), let last = subnet.host(-1) { ranges = [first...last] }
        return try free(ranges, except: taken.union([own]))
    }

    private static func isValid(_ address: IPAddress, _ subnet: IPPrefix, _ ranges: [ClosedRange<IPAddress>]) -> Bool {
        subnet.contains(address) && (ranges.isEmpty || ranges.contains { $0.contains(address) })
    }

    /// `FIRST-LAST`, as the network's keys have them; what is none has been refused before.
    private static func ranges(_ texts: [String]) -> [ClosedRange<IPAddress>] {
        texts.compactMap { text in
            let ends = text.split(separator: "-").map { IPAddress(String($0).trimmingSpaces()) }
            guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else { return nil }
            return first...last
        }
    }

    private static func free(_ ranges: [ClosedRange<IPAddress>], except taken: Set<IPAddress>) throws(LXDError) -> IPAddress {
        for range in ranges {
            var next: IPAddress? = range.lowerBound
            while let address = next, address <= range.upperBound {
                if !taken.contains(address) { return address }
                next = address.advanced(by: 1)
            }
        }
        throw .internalError("No available IP could not be found")
    }

    /// The address with a modified EUI-64 interface identifier. Source: RFC 4291, appendix A.
    private static func interfaceAddress(_ subnet: IPPrefix, _ hardwareAddress: MACAddress) -> IPAddress? {
        let mac = hardwareAddress.bytes
        guard subnet.length <= 64, mac.count == 6 else { return nil }
        let identifier = [mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]]
        return IPAddress(bytes: subnet.network.address.bytes.prefix(8) + identifier)
    }
}

extension BridgeNetwork {
    /// Gives a NIC addresses of its own where `wantsIPv4` and `wantsIPv6` ask for them and the host names none, and
    /// tells DHCP and DNS. The same NIC gets the same ones again.
    ///
    /// - Returns: The entry as it was written; an address stays nil on a network without DHCP.
    package func reserve(_ host: StaticHost, wantsIPv4: Bool, wantsIPv6: Bool) async throws(LXDError) -> StaticHost {
        try await reserving { [self] in
            var host = host
            let others = StaticHostFiles(files).addresses()
            let own = others[host.fileName] ?? []
            let leases = leasedAddresses()
            // An IPv6 lease tells no hardware address, but who asked for it.
            let foreign = leases.filter { lease in
                lease.address.isIPv4
                    ? lease.hardwareAddress != "\(host.hardwareAddress)" : lease.hostname != host.instance
            }
            let taken = Set(others.filter { $0.key != host.fileName }.values.joined()).union(foreign.map(\.address))
            let leased = leases.filter { $0.hardwareAddress == "\(host.hardwareAddress)" }.map(\.address)
            if wantsIPv4, host.ipv4 == nil {
                host.ipv4 = try AddressReservation.ipv4(
                    configuration, current: (own + leased).filter(\.isIPv4), taken: taken)
            }
            if wantsIPv6, host.ipv6 == nil {
                host.ipv6 = try AddressReservation.ipv6(
                    configuration, current: own.filter(\.isIPv6), hardwareAddress: host.hardwareAddress, taken: taken)
            }
            try setStaticHost(host)
            return host
        }
    }

    /// What a NIC has reserved.
    package func reservedAddresses(project: String, instance: String, device: String) -> [IPAddress] {
        StaticHostFiles(files).addresses(
            of: StaticHost.fileName(project: project, instance: instance, device: device))
    }
}
