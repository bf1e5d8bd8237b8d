import LXDAPI
import LXDNetlink

/// Whether static addresses of a NIC fit the bridge it is plugged into.
enum BridgedAddressRules {
    static func check(_ config: [String: String], on network: ManagedNetwork) throws(LXDError) {
        guard network.isCreated else { throw .badRequest("Specified network is not fully created") }
        guard network.type == "bridge" else { throw .badRequest("Specified network must be of type bridge") }
        try check(config, "ipv4", network)
        try check(config, "ipv6", network)
        if config["vlan"] == "0" { throw .badRequest("VLAN ID 0 is not allowed for native Linux bridges") }
        if VLANList.expand(config["vlan.tagged"] ?? "")?.contains(0) == true {
            throw .badRequest("VLAN tagged ID 0 is not allowed for native Linux bridges")
        }
    }

    private static func check(_ config: [String: String], _ version: String, _ network: ManagedNetwork) throws(LXDError)
    {
        guard let text = config["\(version).address"], !text.isEmpty else { return }
        let filters = isTrue(config["security.\(version)_filtering"])
        let subnet = dhcpSubnet(version, network.config)
        let isStateful = version == "ipv4" || isTrue(network.config["ipv6.dhcp.stateful"])
        if subnet == nil || !isStateful, !filters {
            let what = version == "ipv4" ? "DHCP is disabled" : "DHCP or \"ipv6.dhcp.stateful\" are disabled"
            throw .badRequest(
                "Cannot specify \"\(version).address\" when \(what) (unless using security.\(version)_filtering) on network \(goQuoted(network.name))"
            )
        }
        let address = IPAddress(text)
        if let subnet, text != "none" {
            guard let address, subnet.contains(address), isHost(address, in: subnet) else {
                throw .badRequest(
                    "Device IP address \(goQuoted(text)) not within network \(goQuoted(network.name)) subnet")
            }
        }
        guard let own = IPPrefix(network.config["\(version).address"] ?? "") else { return }
        if text == "none", !filters {
            throw .badRequest("Cannot have \(version).address as none unless using security.\(version)_filtering")
        }
        if address == own.address {
            throw .badRequest(
                "IP address \(goQuoted(text)) is assigned to parent managed network device \(goQuoted(network.name))")
        }
    }

    /// Neither the network's own address nor the broadcast address.
    private static func isHost(_ address: IPAddress, in subnet: IPPrefix) -> Bool {
        address != subnet.network.address && (address.isIPv6 || address != subnet.broadcast)
    }

    static func dhcpSubnet(_ version: String, _ config: [String: String]) -> IPPrefix? {
        let switchValue = config["\(version).dhcp"] ?? ""
        guard switchValue.isEmpty || isTrue(switchValue) else { return nil }
        return IPPrefix(config["\(version).address"] ?? "")?.network
    }

    static func checkUnmanaged(_ config: [String: String]) throws(LXDError) {
        for (version, word) in [("ipv4", "IPv4"), ("ipv6", "IPv6")] {
            let hasAddress = config["\(version).address"]?.isEmpty == false
            if isTrue(config["security.\(version)_filtering"]) {
                guard hasAddress else {
                    throw .badRequest(
                        "\(word) filtering requires a manually specified \(version).address when using an unmanaged parent bridge"
                    )
                }
            } else if hasAddress, config["maas.subnet.\(version)"]?.isEmpty != false {
                throw .badRequest("Cannot use manually specified \(version).address when using unmanaged parent bridge")
            }
        }
    }
}

/// `vlan.tagged`: numbers and ranges.
enum VLANList {
    static func expand(_ text: String) -> [UInt16]? {
        var numbers: [UInt16] = []
        for item in text.split(separator: ",") {
            let ends = item.filter { !$0.isWhitespace }.split(separator: "-", omittingEmptySubsequences: false)
            guard let first = ends.first.flatMap({ UInt16($0) }), let last = ends.last.flatMap({ UInt16($0) }),
                ends.count <= 2, first <= last, last <= 4094
            else { return nil }
            numbers += first...last
        }
        return numbers
    }

    static func problem(_ text: String, untagged: String) -> String? {
        for item in text.split(separator: ",") {
            let item = item.filter { !$0.isWhitespace }
            if item == untagged {
                return "Tagged VLAN ID \(goQuoted(item)) cannot be the same as untagged VLAN ID"
            }
            guard expand(item) != nil else { return "Invalid VLAN ID \(goQuoted(item))" }
        }
        return nil
    }
}

/// `limits.ingress` and its like: `100Mbit`.
enum LinkRate {
    private static let units: [String: UInt64] = [
        "": 1, "bit": 1, "kbit": 1_000, "Mbit": 1_000_000, "Gbit": 1_000_000_000, "Tbit": 1_000_000_000_000,
        "Pbit": 1_000_000_000_000_000, "Ebit": 1_000_000_000_000_000_000, "Kibit": 1 << 10, "Mibit": 1 << 20,
        "Gibit": 1 << 30, "Tibit": 1 << 40, "Pibit": 1 << 50, "Eibit": 1 << 60,
    ]

    /// Bits per second; nil when it is none.
    static func bitsPerSecond(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (product, isOverflow) = number.multipliedReportingOverflow(by: unit)
        return isOverflow ? nil : product
    }

    static func problem(_ config: [String: String]) -> String? {
        for key in ["limits.ingress", "limits.egress", "limits.max"] {
            guard let value = config[key], !value.isEmpty, bitsPerSecond(value) == nil else { continue }
            return "Invalid value for device option \(goQuoted(key)): Invalid value: \(value)"
        }
        return nil
    }
}
