package import LXDAPI
import LXDConfig

/// What a bridge's configuration may say beyond each key's own rule.
package enum BridgeValidation {
    /// - Throws: `badRequest` with LXD's sentence.
    package static func validate(_ name: String, _ config: [String: String]) throws(LXDError) {
        try NetworkKeys.validate(config, network: name)
        for (key, value) in config.sorted(by: { $0.key < $1.key })
        where key != "raw.dnsmasq" && !key.hasPrefix("user.") && value.hasControlCharacters {
            throw invalid(name, key, "Control characters are not allowed")
        }
        for key in ["dns.zone.forward", "dns.zone.reverse.ipv4", "dns.zone.reverse.ipv6"] {
            // There are no zones yet that could be named.
            if let zone = config[key], !zone.isEmpty {
                throw invalid(name, key, "Network zone \(goQuoted(zone)) doesn't exist")
            }
        }
        guard config["bridge.hwaddr"]?.isEmpty == false else { return }
        if config["bridge.mode"] == "fan" {
            throw .badRequest("Cannot use static \"bridge.hwaddr\" MAC address in fan mode")
        }
        if config["bridge.external_interfaces"]?.isEmpty == false, config["ipv4.address"] == "none",
            config["ipv6.address"] == "none"
        {
            throw .badRequest(
                "Cannot use static \"bridge.hwaddr\" MAC address when bridge has no IP addresses and has external interfaces set"
            )
        }
    }

    /// What this server does not do though LXD does; asked before anything is stored.
    package static func requireSupported(_ config: [String: String]) throws(LXDError) {
        if config["bridge.driver"] == "openvswitch" {
            throw .notImplemented("Open vSwitch bridges are not supported by this server")
        }
        if config["bridge.mode"] == "fan" { throw .notImplemented("FAN bridges are not supported by this server") }
        if config.keys.contains(where: { $0.hasPrefix("tunnel.") }) {
            throw .notImplemented("Tunnels of bridges are not supported by this server")
        }
        if config.keys.contains(where: { $0.hasPrefix("bgp.") }) {
            throw .notImplemented("BGP is not supported by this server")
        }
        if config["security.acls"]?.isEmpty == false {
            throw .notImplemented("Network ACLs are not supported by this server")
        }
    }

    private static func invalid(_ name: String, _ key: String, _ problem: String) -> LXDError {
        .badRequest("Invalid value for network \(goQuoted(name)) option \(goQuoted(key)): \(problem)")
    }
}
