package import LXDAPI
package import Logging

/// What the networks of a host share.
package struct NetworkEnvironment: Sendable {
    /// `$LXD_DIR/networks`.
    package let directory: String
    package let firewall: Firewall
    package let logger: Logger
    /// What makes a bridge's hardware address this host's own: the server certificate's fingerprint.
    package let addressSeed: String
    package let dnsmasqIdentity: DnsmasqPlan.Identity?
    package let isVerbose: Bool

    /// - Throws: When libnftables cannot be used.
    package init(directory: String, addressSeed: String, logger: Logger, isVerbose: Bool = false) throws(LXDError) {
        self.directory = directory
        self.addressSeed = addressSeed
        self.logger = logger
        self.isVerbose = isVerbose
        firewall = try Firewall()
        dnsmasqIdentity = HostIdentity.forDnsmasq()
    }
}
