package import LXDAPI
import LXDLinux
import LXDNetlink

/// What a new bridge gets when nothing is said: addresses, address translation.
package enum BridgeDefaults {
    /// Adds defaults and replaces `auto` by subnets that are free on this host, as LXD does at create.
    package static func fill(_ config: [String: String]) async throws(LXDError) -> [String: String] {
        var config = config
        if config["ipv4.address", default: ""].isEmpty { config["ipv4.address"] = "auto" }
        if config["ipv4.address"] == "auto", config["ipv4.nat", default: ""].isEmpty { config["ipv4.nat"] = "true" }
        if config["ipv6.address", default: ""].isEmpty,
            Sysctl.read("net/ipv6/conf/default/disable_ipv6") == "0"
        {
            config["ipv6.address"] = "auto"
        }
        if config["ipv6.address"] == "auto", config["ipv6.nat", default: ""].isEmpty { config["ipv6.nat"] = "true" }
        return try await chooseSubnets(config)
    }

    /// Replaces `auto` only: at an update, absent keys stay absent.
    package static func chooseSubnets(_ config: [String: String]) async throws(LXDError) -> [String: String] {
        guard config["ipv4.address"] == "auto" || config["ipv6.address"] == "auto" else { return config }
        var config = config
        do {
            let taken = try await BlockingPool.shared.run { try FreeSubnet.taken(on: RouteSocket()) }
            var generator = SystemRandomNumberGenerator()
            if config["ipv4.address"] == "auto" {
                config["ipv4.address"] = "\(try FreeSubnet.ipv4(avoiding: taken, using: &generator))"
            }
            if config["ipv6.address"] == "auto" {
                config["ipv6.address"] = "\(try FreeSubnet.ipv6(avoiding: taken, using: &generator))"
            }
        } catch { throw .from(error).wrapped("Failed generating auto config") }
        return config
    }
}
