package import LXDAPI

/// The keys of the server.
package enum ServerKeys {
    package static let table = KeyTable(local + global)

    /// The key that rules a name.
    package static func key(_ name: String) -> ConfigKey? { table.key(name) }

    /// What a key holds that is not set.
    package static func defaultValue(_ name: String) -> String { table.key(name)?.defaultValue ?? "" }

    /// Checks the whole new configuration; keys that are not in it are unset.
    ///
    /// - Throws: `.badRequest` that names the first bad key, as `cannot set 'KEY' to 'VALUE': REASON`.
    package static func validate(_ config: [String: String]) throws(LXDError) {
        var problems: [String] = []
        for (name, value) in config.sorted(by: { $0.key < $1.key }) {
            if let reason = problem(name, value) { problems.append("cannot set '\(name)' to '\(value)': \(reason)") }
        }
        guard let first = problems.first else { return }
        throw .badRequest(problems.count == 1 ? first : "\(first) (and \(problems.count - 1) more errors)")
    }

    private static func problem(_ name: String, _ value: String) -> String? {
        guard let key = table.key(name) else { return "unknown key" }
        if value.isEmpty { return nil }
        if key.kind == .bool { return ConfigBool.parse(value) == nil ? "invalid boolean" : nil }
        if key.kind == .integer, GoInteger.signed(value) == nil { return "invalid integer" }
        return key.problem(with: value)
    }

    /// Each member of a cluster has its own.
    private static let local: [ConfigKey] = [
        .init(
            "cluster.https_address", scope: .local, check: .listenAddress(wildcard: false).optional,
            "Address for traffic between cluster members."),
        .init(
            "core.bgp_address", scope: .local, check: .listenAddress(wildcard: true).optional,
            "Address of the BGP server."),
        .init("core.bgp_routerid", scope: .local, check: .addressV4.optional, "Router id of the BGP server."),
        .init(
            "core.debug_address", scope: .local, check: .listenAddress(wildcard: true).optional,
            "Address of the debug server."),
        .init(
            "core.dns_address", scope: .local, check: .listenAddress(wildcard: true).optional,
            "Address of the authoritative DNS server."),
        .init(
            "core.https_address", scope: .local, check: .listenAddress(wildcard: true).optional,
            "Address of the API for remote clients."),
        .init(
            "core.metrics_address", scope: .local, check: .listenAddress(wildcard: true).optional,
            "Address of the metrics server."),
        .init("maas.machine", scope: .local, "Name of this machine in MAAS."),
        .init("storage.backups_volume", scope: .local, "Volume that backups are kept on: `POOL/VOLUME`."),
        .init("storage.images_volume", scope: .local, "Volume that image files are kept on: `POOL/VOLUME`."),
    ]

    /// All members of a cluster share them.
    private static let global: [ConfigKey] = [
        .init(
            "backups.compression_algorithm", default: "gzip", scope: .global, check: .compression,
            "Compressor of backups."),
        .init("candid.api.key", scope: .global, "Public key of the Candid server."),
        .init("candid.api.url", scope: .global, "URL of the Candid server."),
        .init("candid.domains", .list, scope: .global, "Candid domains that are allowed, separated by commas."),
        .init(
            "candid.expiry", .integer, default: "3600", scope: .global, "Seconds that a Candid macaroon is good for."),
        .init(
            "cluster.images_minimal_replica", .integer, default: "3", scope: .global, check: imageReplicas,
            "Fewest members that hold a copy of an image; -1 for all."),
        .init(
            "cluster.join_token_expiry", default: "3H", scope: .global, check: .expiry,
            "How long a token to join is good for."),
        .init(
            "cluster.max_standby", .integer, default: "2", scope: .global,
            check: number(in: 0...5, "Value must be between 0 and 5"),
            "Most members that stand by for the database, 0–5."),
        .init(
            "cluster.max_voters", .integer, default: "3", scope: .global, check: maxVoters,
            "Most members that vote in the database: odd, at least 3."),
        .init(
            "cluster.offline_threshold", .integer, default: "20", scope: .global, check: offlineThreshold,
            "Seconds after which a silent member counts as offline."),
        .init(
            "core.bgp_asn", .integer, default: "0", scope: .global, check: .range(0...4_294_967_294).optional,
            "Number of the autonomous system."),
        .init(
            "core.https_allowed_credentials", .bool, scope: .global, "Send `Access-Control-Allow-Credentials: true`."),
        .init("core.https_allowed_headers", scope: .global, "Value of `Access-Control-Allow-Headers`."),
        .init("core.https_allowed_methods", scope: .global, "Value of `Access-Control-Allow-Methods`."),
        .init("core.https_allowed_origin", scope: .global, "Value of `Access-Control-Allow-Origin`."),
        .init(
            "core.https_trusted_proxy", .list, scope: .global,
            "Proxies that may tell the client's address, separated by commas."),
        .init(
            "core.metrics_authentication", .bool, default: "true", scope: .global,
            "Ask for a certificate at the metrics address."),
        .init("core.proxy_http", scope: .global, "Proxy for HTTP; else that of the environment."),
        .init("core.proxy_https", scope: .global, "Proxy for HTTPS; else that of the environment."),
        .init("core.proxy_ignore_hosts", .list, scope: .global, "Hosts that need no proxy, separated by commas."),
        .init(
            "core.remote_token_expiry", scope: .global, check: .expiry.optional,
            "How long a token to add a client is good for."),
        .init(
            "core.shutdown_timeout", .integer, default: "5", scope: .global,
            "Minutes that a shutdown waits for operations."),
        .init(
            "core.trust_ca_certificates", .bool, scope: .global, "Trust clients whose certificate is signed by the CA."),
        .init(
            "core.trust_password", scope: .global, hidden: true, "Password with which a client can add its certificate."
        ),
        .init(
            "images.auto_update_cached", .bool, default: "true", scope: .global,
            "Update images that the server fetched by itself."),
        .init(
            "images.auto_update_interval", .integer, default: "6", scope: .global,
            "Hours between looking for updates; 0 for never."),
        .init(
            "images.compression_algorithm", default: "gzip", scope: .global, check: .compression,
            "Compressor of new images."),
        .init(
            "images.default_architecture", scope: .global, check: .architecture.optional,
            "Architecture of images in a mixed cluster."),
        .init(
            "images.remote_cache_expiry", .integer, default: "10", scope: .global,
            "Days after which an unused cached image is removed."),
        .init("maas.api.key", scope: .global, "API key of MAAS."),
        .init("maas.api.url", scope: .global, "URL of MAAS."),
        .init("network.ovn.integration_bridge", default: "br-int", scope: .global, "Bridge of OVN networks."),
        .init(
            "network.ovn.northbound_connection", default: "unix:/var/run/ovn/ovnnb_db.sock", scope: .global,
            "Northbound database of OVN."),
        .init("rbac.agent.private_key", scope: .global, "Private key of the RBAC agent."),
        .init("rbac.agent.public_key", scope: .global, "Public key of the RBAC agent."),
        .init("rbac.agent.url", scope: .global, "URL of the RBAC agent."),
        .init("rbac.agent.username", scope: .global, "User of the RBAC agent."),
        .init(
            "rbac.api.expiry", .integer, default: "3600", scope: .global, "Seconds that an RBAC macaroon is good for."),
        .init("rbac.api.key", scope: .global, "Public key of the RBAC server."),
        .init("rbac.api.url", scope: .global, "URL of the RBAC server."),
        .init(
            "rbac.expiry", .integer, default: "3600", scope: .global, "Seconds that RBAC permissions are remembered."),
        .init("user.*", .blob, scope: .global, "Free for users."),
    ]

    private static func number(in range: ClosedRange<Int64>, _ problem: String) -> ConfigCheck {
        ConfigCheck { value in
            GoInteger.signed(value).map { range.contains($0) ? nil : problem } ?? "Value is not a number"
        }
    }

    private static let imageReplicas = ConfigCheck { value in
        guard let count = GoInteger.signed(value) else { return "Minimal image replica count is not a number" }
        return count >= 1 || count == -1 ? nil : "Invalid value for image replica count"
    }

    private static let maxVoters = ConfigCheck { value in
        guard let count = GoInteger.signed(value) else { return "Value is not a number" }
        return count >= 3 && count % 2 == 1 ? nil : "Value must be an odd number equal to or higher than 3"
    }

    private static let offlineThreshold = ConfigCheck { value in
        guard let seconds = GoInteger.signed(value) else { return "Offline threshold is not a number" }
        return seconds > 10 ? nil : "Value must be greater than '10'"
    }
}
