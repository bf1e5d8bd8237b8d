import LXDAPI
import LXDConfig

/// Kinds of NIC this server makes.
package enum NICKind: String, Sendable {
    case bridged, p2p, macvlan, physical
}

enum NICRules {
    static func validate(_ name: String, _ config: [String: String], _ surroundings: DeviceSurroundings) throws {
        if let network = config["network"], !network.isEmpty,
            !surroundings.networks.contains(where: { $0.name == network })
        {
            throw LXDError.notFound(
                "Failed loading device \(goQuoted(name)): Failed to load network \(goQuoted(network)) for project \(goQuoted(surroundings.project)): Network not found"
            )
        }
        let type = DeviceFactory.nicType(config, networks: surroundings.networks)
        guard let kind = NICKind(rawValue: type) else { throw UnsupportedDevice.refusal(config, nicType: type) }
        try checkNamesUnique(surroundings.siblings)
        switch kind {
        case .bridged: try bridged(config, surroundings)
        case .macvlan, .physical: try onParent(kind, config, surroundings)
        case .p2p: try keys(config, kind)
        }
        if let problem = LinkRate.problem(config) { throw LXDError.badRequest(problem) }
    }

    private static func checkNamesUnique(_ devices: [String: [String: String]]) throws(LXDError) {
        var seen: Set<String> = []
        for (_, device) in devices where device["type"] == "nic" {
            guard let name = device["name"], !name.isEmpty else { continue }
            guard seen.insert(name).inserted else {
                throw .badRequest(
                    "Invalid value for device option \"name\": Duplicate NIC name detected \(goQuoted(name))")
            }
        }
    }

    private static func refuseBeside(_ config: [String: String], _ keys: [String]) throws(LXDError) {
        for key in keys where config[key]?.isEmpty == false {
            throw .badRequest("Cannot use \(goQuoted(key)) property in conjunction with \"network\" property")
        }
    }

    private static func onParent(_ kind: NICKind, _ config: [String: String], _ surroundings: DeviceSurroundings)
        throws(LXDError)
    {
        var required: Set = ["parent"]
        if let name = config["network"], !name.isEmpty {
            required = ["network"]
            try refuseBeside(
                config, ["nictype", "parent", "mtu", "vlan", "maas.subnet.ipv4", "maas.subnet.ipv6", "gvrp"])
            let network = surroundings.networks.first { $0.name == name }
            guard network?.isCreated == true else { throw .badRequest("Specified network is not fully created") }
            guard network?.type == kind.rawValue else {
                throw .badRequest("Specified network must be of type \(kind.rawValue)")
            }
        }
        try keys(config, kind, required: required)
    }

    private static func bridged(_ config: [String: String], _ surroundings: DeviceSurroundings) throws(LXDError) {
        var required: Set = ["parent"]
        if config["network"]?.isEmpty == false {
            required = ["network"]
            try refuseBeside(config, ["nictype", "parent", "mtu", "maas.subnet.ipv4", "maas.subnet.ipv6"])
        }
        let name = config["network"].flatMap { $0.isEmpty ? nil : $0 } ?? config["parent"] ?? ""
        if let network = surroundings.networks.first(where: { $0.name == name }) {
            try BridgedAddressRules.check(config, on: network)
        } else {
            try BridgedAddressRules.checkUnmanaged(config)
        }
        let hasVLAN = config["vlan"]?.isEmpty == false || config["vlan.tagged"]?.isEmpty == false
        if isTrue(config["security.ipv4_filtering"]) || isTrue(config["security.ipv6_filtering"]), hasVLAN {
            throw .badRequest("IP filtering cannot be used with VLAN filtering")
        }
        if let problem = VLANList.problem(config["vlan.tagged"] ?? "", untagged: config["vlan"] ?? "") {
            throw invalid("vlan.tagged", problem)
        }
        try keys(config, .bridged, required: required)
    }

    /// Each key by its own rule, and those that must be there.
    private static func keys(_ config: [String: String], _ kind: NICKind, required: Set<String> = []) throws(LXDError) {
        for key in required where config[key]?.isEmpty != false { throw invalid(key, "Required value") }
        try DeviceKeys.validate(config, nicType: kind.rawValue)
        if let name = config["host_name"], !name.isEmpty, let problem = ConfigCheck.interfaceName(name) {
            throw invalid("host_name", problem)
        }
        // A parent's name becomes part of paths below /proc/sys.
        if let parent = config["parent"], !parent.isEmpty, let problem = ConfigCheck.interfaceName(parent) {
            throw invalid("parent", problem)
        }
    }

    private static func invalid(_ key: String, _ problem: String) -> LXDError {
        .badRequest("Invalid value for device option \(goQuoted(key)): \(problem)")
    }
}

func isTrue(_ value: String?) -> Bool { ["true", "1", "yes", "on"].contains((value ?? "").lowercased()) }
