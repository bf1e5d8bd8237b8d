import Glibc
import LXDAPI
import _StringProcessing

/// Which instances `lxc list` shows.
struct ListFilter {
    private let conditions: [Condition]

    private enum Condition {
        case name(String)
        case property(key: String, value: String)
    }

    init(_ filters: [String]) {
        conditions = filters.map { filter in
            filter.split(once: "=").map { .property(key: $0.head, value: $0.tail) } ?? .name(filter)
        }
    }

    /// The filters that a server evaluates itself, in its grammar, and the rest.
    static func split(_ filters: [String]) -> (server: String, client: [String]) {
        let known = Self.serverFields
        var server: [String] = []
        var client: [String] = []
        for filter in filters {
            if let (key, value) = filter.split(once: "="), known.contains(key), !value.contains(",") {
                server.append("\(key) eq \(value)")
            } else {
                client.append(filter)
            }
        }
        return (server.joined(separator: " and "), client)
    }

    /// The fields of an instance that filters may name.
    private static let serverFields: Set<String> = [
        "architecture", "config", "devices", "ephemeral", "profiles", "stateful", "description", "created_at",
        "expanded_config", "expanded_devices", "name", "status", "status_code", "last_used_at", "location", "type", "project",
        "backups", "state", "snapshots",
    ]

    func matches(_ instance: InstanceFull) -> Bool { conditions.allSatisfy { Self.matches($0, instance) } }

    private static func matches(_ condition: Condition, _ instance: InstanceFull) -> Bool {
        switch condition {
        case .name(let filter):
            return matchesPattern(filter, instance.name) == true || instance.name.hasPrefix(filter)
        case .property(let key, let value):
            if let isMatch = matchesShorthand(key, value, instance) { return isMatch || matchesConfig(key, value, instance) }
            return matchesConfig(key, value, instance)
        }
    }

    /// Properties that have a short name; nil for others.
    private static func matchesShorthand(_ key: String, _ value: String, _ instance: InstanceFull) -> Bool? {
        let values = value.split(separator: ",").map(String.init)
        func isAny(_ text: String) -> Bool { values.contains { $0.lowercased() == text.lowercased() } }
        switch key.lowercased() {
        case "type": return isAny(instance.type)
        case "status": return isAny(instance.status)
        case "architecture": return isAny(instance.architecture)
        case "location": return isAny(instance.location)
        case "ipv4": return values.contains { matchesAddress($0, instance, family: "inet") }
        case "ipv6": return values.contains { matchesAddress($0, instance, family: "inet6") }
        default: return nil
        }
    }

    private static func matchesConfig(_ key: String, _ value: String, _ instance: InstanceFull) -> Bool {
        for (name, current) in instance.expandedConfig where isAbbreviation(key, of: name) {
            guard let isMatch = matchesPattern(value, current) else { return value == current }
            if isMatch { return true }
        }
        return (instance.expandedConfig[key] ?? "") == value
    }

    /// Whether a text matches a regular expression as a whole unless that has anchors; nil when it is none.
    private static func matchesPattern(_ pattern: String, _ text: String) -> Bool? {
        let anchored = pattern.contains("^") || pattern.contains("$") ? pattern : "^(?:\(pattern))$"
        guard let expression = try? Regex(anchored) else { return nil }
        return text.firstMatch(of: expression) != nil
    }

    /// Whether each part of a dotted key begins as the short form says: `u.blah` for `user.blah`.
    static func isAbbreviation(_ short: String, of key: String) -> Bool {
        let parts = key.split(separator: ".", omittingEmptySubsequences: false)
        let shorts = short.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == shorts.count && zip(parts, shorts).allSatisfy { $0.hasPrefix($1) }
    }

    private static func matchesAddress(_ query: String, _ instance: InstanceFull, family: String) -> Bool {
        guard let networks = instance.state?.network else { return false }
        let subnet = IPSubnet(query)
        return networks.values.contains { network in
            network.addresses.contains { address in
                address.family == family
                    && (address.address == query || subnet?.contains(address.address) == true)
            }
        }
    }
}

/// An address with the number of its leading bits that count.
struct IPSubnet {
    private let bytes: [UInt8]
    private let prefix: Int

    init?(_ text: String) {
        guard let (address, length) = text.split(once: "/"), let prefix = Int(length), prefix >= 0,
            let bytes = Self.bytes(of: address), prefix <= bytes.count * 8
        else { return nil }
        self.bytes = bytes
        self.prefix = prefix
    }

    func contains(_ address: String) -> Bool {
        guard let other = Self.bytes(of: address), other.count == bytes.count else { return false }
        for bit in 0..<prefix where (other[bit / 8] ^ bytes[bit / 8]) & (0x80 >> (bit % 8)) != 0 { return false }
        return true
    }

    private static func bytes(of address: String) -> [UInt8]? {
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, address, &four) == 1 { return four }
        var sixteen = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET6, address, &sixteen) == 1 ? sixteen : nil
    }
}
