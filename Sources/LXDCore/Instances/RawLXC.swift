import LXDAPI

/// `raw.lxc`: lines of liblxc configuration that the server passes on, without those it must keep for itself.
package enum RawLXC {
    /// - Returns: Keys in lower case with their values, in order.
    /// - Throws: LXD's text for a line that is none or a key that must be set in another way.
    package static func parse(_ text: String) throws -> [(key: String, value: String)] {
        try text.split(separator: "\n").compactMap { line in
            let line = line.drop { $0 == " " || $0 == "\t" }
            guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
            guard let equals = line.firstIndex(of: "=") else {
                throw LXDError.badRequest("Invalid raw.lxc line: \(line)")
            }
            let key = trimmed(line[..<equals]).lowercased()
            try check(key)
            return (key, trimmed(line[line.index(after: equals)...]))
        }
    }

    /// What liblxc 5 knows; a full stop at the end stands for everything below.
    private static let items = [
        "lxc.apparmor.", "lxc.arch", "lxc.autodev", "lxc.autodev.", "lxc.cap.", "lxc.cgroup.", "lxc.cgroup2.", "lxc.console.",
        "lxc.environment", "lxc.environment.", "lxc.execute.cmd", "lxc.group", "lxc.hook.", "lxc.idmap", "lxc.include",
        "lxc.init.", "lxc.keyring.session", "lxc.log.", "lxc.monitor.", "lxc.mount.", "lxc.namespace.", "lxc.net.",
        "lxc.no_new_privs", "lxc.prlimit.", "lxc.proc.", "lxc.pty.max", "lxc.rootfs.", "lxc.sched.", "lxc.seccomp.",
        "lxc.selinux.", "lxc.signal.", "lxc.start.", "lxc.sysctl.", "lxc.time.offset.", "lxc.tty.", "lxc.uts.name",
    ]

    private static func trimmed(_ text: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }

    private static func check(_ key: String) throws {
        switch key {
        case "lxc.logfile", "lxc.log.file": throw LXDError.badRequest("Setting lxc.logfile is not allowed")
        case "lxc.syslog", "lxc.log.syslog": throw LXDError.badRequest("Setting lxc.log.syslog is not allowed")
        case "lxc.ephemeral": throw LXDError.badRequest("Setting lxc.ephemeral is not allowed")
        default: break
        }
        let isKnown = Self.items.contains { $0.hasSuffix(".") ? key.hasPrefix($0) : key == $0 }
        guard isKnown else { throw LXDError.badRequest("Unknown raw.lxc configuration key \(goQuoted(key))") }
        if key.hasPrefix("lxc.prlimit.") {
            throw LXDError.badRequest(
                "Process limits should be set via \"limits.kernel.[limit name]\" and not directly via \"lxc.prlimit.[limit name]\"")
        }
        if key.hasPrefix("lxc.net.") {
            let fields = key.split(separator: ".", omittingEmptySubsequences: false)
            let isAddress = fields.count == 5 && (fields[3] == "ipv4" || fields[3] == "ipv6")
                && (fields[4] == "address" || fields[4] == "gateway")
            guard isAddress else {
                throw LXDError.badRequest("Only interface-specific ipv4/ipv6 lxc.net. keys are allowed")
            }
        }
    }
}
