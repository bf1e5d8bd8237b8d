import Glibc
import LXDAPI

/// An IPv4 or IPv6 address as its bytes: 4 or 16, in network order.
struct ParsedAddress: Equatable {
    let bytes: [UInt8]

    init?(_ text: String) {
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = four
            return
        }
        var sixteen = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
        let isMapped = sixteen[..<10].allSatisfy { $0 == 0 } && sixteen[10] == 255 && sixteen[11] == 255
        bytes = isMapped ? Array(sixteen[12...]) : sixteen
    }

    var isV4: Bool { bytes.count == 4 }
}

/// An address with the length of its network's prefix.
struct ParsedPrefix {
    let address: ParsedAddress
    let length: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = ParsedAddress(String(parts[0])), let length = Int(parts[1]),
            !parts[1].hasPrefix("+"), (0...address.bytes.count * 8).contains(length)
        else { return nil }
        self.address = address
        self.length = length
    }

    /// Whether the address is that of the network itself: no bit set beyond the prefix.
    var isNetwork: Bool {
        for (index, byte) in address.bytes.enumerated() {
            let kept = min(8, max(0, length - index * 8))
            if kept < 8, byte << UInt8(kept) != 0 { return false }
        }
        return true
    }
}

extension ConfigCheck {
    package static let mac = ConfigCheck { value in
        let groups = value.split(separator: ":", omittingEmptySubsequences: false)
        let isValid =
            groups.count == 6
            && groups.allSatisfy { $0.utf8.count == 2 && $0.utf8.allSatisfy { isxdigit(Int32($0)) != 0 } }
        return isValid ? nil : "Invalid MAC address, must be 6 bytes of hex separated by colons"
    }

    package static let address = ConfigCheck { value in
        ParsedAddress(value) == nil ? "Not an IP address \(goQuoted(value))" : nil
    }

    package static let addressV4 = ConfigCheck { value in
        ParsedAddress(value)?.isV4 == true ? nil : "Not an IPv4 address \(goQuoted(value))"
    }

    package static let addressV6 = ConfigCheck { value in
        ParsedAddress(value)?.isV4 == false ? nil : "Not an IPv6 address \(goQuoted(value))"
    }

    package static let networkV4 = network(isV4: true)
    package static let networkV6 = network(isV4: false)
    package static let interfaceAddressV4 = interfaceAddress(isV4: true)
    package static let interfaceAddressV6 = interfaceAddress(isV4: false)
    package static let addressRangeV4 = addressRange(addressV4)
    package static let addressRangeV6 = addressRange(addressV6)

    private static func network(isV4: Bool) -> ConfigCheck {
        let family = isV4 ? "IPv4" : "IPv6"
        return ConfigCheck { value in
            guard let prefix = ParsedPrefix(value) else { return "invalid CIDR address: \(value)" }
            guard prefix.address.isV4 == isV4 else { return "Not an \(family) network \(goQuoted(value))" }
            return prefix.isNetwork ? nil : "Not an \(family) network address \(goQuoted(value))"
        }
    }

    private static func interfaceAddress(isV4: Bool) -> ConfigCheck {
        let family = isV4 ? "IPv4" : "IPv6"
        return ConfigCheck { value in
            guard let prefix = ParsedPrefix(value) else { return "invalid CIDR address: \(value)" }
            guard prefix.address.isV4 == isV4 else { return "Not an \(family) address \(goQuoted(value))" }
            return prefix.isNetwork ? "Not a usable \(family) address \(goQuoted(value))" : nil
        }
    }

    private static func addressRange(_ address: ConfigCheck) -> ConfigCheck {
        ConfigCheck { value in
            let ends = value.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard ends.count == 2 else { return "IP range must contain start and end IP addresses" }
            return ends.lazy.compactMap { address($0) }.first
        }
    }

    package static let vlan = ConfigCheck { value in
        guard let id = GoInteger.signed(value) else { return "Invalid VLAN ID \(goQuoted(value))" }
        return (0...4094).contains(id) ? nil : "Out of VLAN ID range (0-4094) \(goQuoted(value))"
    }

    package static let vlanRange = ConfigCheck { value in
        if vlan(value) == nil { return nil }
        let ends = value.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard ends.count == 2 else { return "Invalid VLAN range input: \(value)" }
        guard vlan(ends[0]) == nil, vlan(ends[1]) == nil, let start = Int(ends[0]), let end = Int(ends[1]) else {
            return "Invalid VLAN range boundary. start:\(ends[0]), end:\(ends[1])"
        }
        return start <= end ? nil : "Invalid VLAN range boundary. start:\(start) is higher than end:\(end)"
    }

    package static let mtu = ConfigCheck { value in
        guard case .success(let mtu) = GoInteger.unsigned(value, bits: 32) else {
            return "Invalid MTU \(goQuoted(value))"
        }
        return (1280...16384).contains(mtu) ? nil : "Out of MTU range (1280-16384) \(goQuoted(value))"
    }

    package static let tunnelPort = ConfigCheck { value in
        guard let port = GoInteger.signed(value) else { return "Invalid value for an integer: \(value)" }
        return (1...65536).contains(port) ? nil : "Invalid port number: \(value)"
    }

    package static let gateway = ConfigCheck { value in
        value == "none" || value == "auto" ? nil : "Invalid gateway: \(value)"
    }

    package static let pciAddress = ConfigCheck { value in
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        let slot = parts.last?.split(separator: ".", omittingEmptySubsequences: false) ?? []
        let widths = parts.dropLast().map(\.utf8.count) + slot.map(\.utf8.count)
        let isHexadecimal = (parts.dropLast() + slot).allSatisfy { $0.utf8.allSatisfy { isxdigit(Int32($0)) != 0 } }
        return isHexadecimal && slot.count == 2 && (widths == [2, 2, 1] || widths == [4, 2, 2, 1])
            ? nil : "Invalid PCI address"
    }

    /// An address to listen on, with or without a port. Names are resolved when they are used, not here.
    package static func listenAddress(wildcard: Bool) -> ConfigCheck {
        ConfigCheck { value in
            let host = ListenAddress.host(of: value)
            if ["", "::", "[::]", "0.0.0.0"].contains(host) {
                return wildcard ? nil : "Wildcard addresses aren't allowed"
            }
            let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
            if ParsedAddress(bare) != nil { return nil }
            let isName = bare.utf8.allSatisfy {
                isalnum(Int32($0)) != 0 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
            }
            return isName ? nil : "Couldn't resolve \(goQuoted(host))"
        }
    }
}

/// The parts of `HOST:PORT`, `[HOST]:PORT`, `:PORT` and `HOST`.
enum ListenAddress {
    static func host(of text: String) -> String {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            return String(text[text.index(after: text.startIndex)..<end])
        }
        let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
        guard colons == 1, let colon = text.firstIndex(of: ":") else { return text }
        return String(text[..<colon])
    }
}
