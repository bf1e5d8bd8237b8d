import Glibc

/// Accounts of the host that services of ours run as.
enum HostIdentity {
    /// An account without rights: `lxd`, as distributions make it for this, else `nobody`.
    static func forDnsmasq() -> DnsmasqPlan.Identity? {
        guard let user = ["lxd", "nobody"].first(where: { (name: String) in getpwnam(name) != nil }) else { return nil }
        // Group "lxd" may use the daemon's socket: what answers guests must not be in it.
        let group = ["nogroup", "nobody"].first { (name: String) in getgrnam(name) != nil } ?? user
        return DnsmasqPlan.Identity(user: user, group: group)
    }
}
