import LXDAPI
import LXDConfig
import Testing

@Suite struct InstanceKeysTests {
    @Test(arguments: [
        ("boot.autostart", "maybe", #"Invalid value for a boolean "maybe""#),
        ("boot.autostart.delay", "x", #"Invalid value for an integer "x""#),
        ("limits.cpu", "a", "Invalid CPU limit syntax"),
        ("limits.cpu", "1-3,3", "Cannot define CPU multiple times"),
        ("limits.cpu.allowance", "x%", #"strconv.Atoi: parsing "x": invalid syntax"#),
        ("limits.cpu.allowance", "25ms", "Invalid allowance: 25ms"),
        ("limits.cpu.priority", "11", #"Invalid value for a limit "11". Must be between 0 and 10"#),
        ("limits.memory", "0%", "Memory limit can't be 0%"),
        ("limits.memory", "0", "Memory limit can't be 0"),
        ("limits.memory", "10xB", "Invalid value: 10xB"),
        ("limits.memory.enforce", "firm", #"Invalid value "firm" (not one of [soft hard])"#),
        (
            "security.idmap.size", "-1",
            #"Invalid value for uint32 "-1": strconv.ParseUint: parsing "-1": invalid syntax"#
        ),
        ("snapshots.expiry", "1x", "Invalid expiry expression"),
        (
            "snapshots.schedule", "* *",
            "Schedule must be of the form: <minute> <hour> <day-of-month> <month> <day-of-week>"
        ),
        ("volatile.uuid", "1", "Invalid UUID"),
        ("raw.lxc", "lxc.log.file=/etc/x", "Setting lxc.logfile is not allowed"),
        ("raw.lxc", "nonsense", "Invalid raw.lxc line: nonsense"),
        ("no.such.key", "1", "Unknown configuration key: no.such.key"),
        ("user.", "1", "Unknown configuration key: user."),
    ])
    func aBadValueIsRefusedInTheReferencesWords(key: String, value: String, message: String) {
        // The reference does not say which key it is about.
        let text = message.hasPrefix("Unknown") ? message : "\(key): \(message)"
        #expect {
            try InstanceKeys.validate([key: value])
        } throws: { error in
            guard let error = error as? LXDError else { return false }
            return error.message == text && error.code == .badRequest
        }
    }

    @Test(arguments: [
        ("boot.autostart", "ON"), ("limits.cpu", "0-3,7"), ("limits.cpu", ""), ("limits.cpu.allowance", "25ms/100ms"),
        ("limits.memory", "50%"), ("limits.memory", "512MiB"), ("snapshots.expiry", "1M 2H 3d"),
        ("snapshots.schedule", "@daily, 0 6 * * mon-fri"),
        ("environment.PATH", "/bin:/usr/bin"), ("user.anything.at.all", "a\nb"),
        ("cloud-init.user-data", "#cloud-config\na: [1]"),
        ("cloud-init.user-data", "#!/bin/sh\ntrue"), ("volatile.eth0.hwaddr", "00:16:3e:00:00:01"),
        ("linux.sysctl.net.ipv4.ip_forward", "1"),
        ("limits.kernel.nofile", "1000:2000"), ("security.syscalls.deny", "a\nb"), ("image.os", "Debian"),
    ])
    func aGoodValueIsAccepted(key: String, value: String) throws {
        try InstanceKeys.validate([key: value])
    }

    /// A line break in a value that becomes a line of a file would add lines of the attacker's choice (CVE-2026-23953).
    @Test(arguments: InstanceKeys.table.keys.map(\.name))
    func noKeyOfOneLineTakesALineBreakOrNUL(name: String) {
        let key = name.replacing(".*", with: ".x").replacing(".NAME.", with: ".eth0.")
        guard let rule = InstanceKeys.key(key) else {
            Issue.record("no rule for \(key)")
            return
        }
        #expect(rule.problem(with: "a\u{0}b") != nil)
        guard rule.kind != .blob else { return }
        for text in ["a\nlxc.hook.start=/x", "a\rb", "a\u{2028}b", "a\u{1b}b"] {
            #expect(rule.problem(with: text) != nil)
        }
    }

    @Test(arguments: ["environment.A\nlxc.hook.start", "user.a\u{0}", "volatile.a\r.name"])
    func noKeyNameTakesALineBreak(name: String) {
        #expect(throws: LXDError.self) { try InstanceKeys.validate([name: "1"]) }
    }

    @Test(arguments: [
        "kernel.core_pattern", "net.ipv4.ip_forward+kernel.core_pattern", "kernel.modprobe", "vm.swappiness",
        "net.../../kernel.core_pattern",
    ])
    func kernelSettingsOfTheHostAreRefused(name: String) {
        #expect(throws: LXDError.self) { try InstanceKeys.validate(["linux.sysctl." + name: "1"]) }
    }

    @Test func keysOfVirtualMachinesAreUnknownToContainers() {
        #expect(throws: LXDError.self) { try InstanceKeys.validate(["security.secureboot": "true"], type: .container) }
        #expect(throws: Never.self) { try InstanceKeys.validate(["security.secureboot": "true"], type: .any) }
    }

    @Test func everyKeyOfTheReferenceIsKnown() {
        // 85 in all, less the 8 of virtual machines alone; `migration.stateful` is for containers, too, and
        // `boot.host_shutdown_action` is newer; `migration.postcopy` is ours.
        #expect(
            InstanceKeys.table.keys.count {
                $0.scope != .virtualMachine && !$0.name.hasSuffix("*") && !$0.name.contains("NAME")
            } == 80)
    }

    @Test(arguments: [
        ("raw.lxc", ConfigKey.Privilege.lowLevel), ("security.syscalls.intercept.mount.allowed", .lowLevel),
        ("security.privileged", .host),
        ("limits.cpu", .safe), ("boot.host_shutdown_timeout", .lowLevel), ("linux.kernel_modules", .lowLevel),
        ("user.x", .safe),
    ])
    func keysCarryTheirPrivilege(name: String, privilege: ConfigKey.Privilege) {
        #expect(InstanceKeys.key(name)?.privilege == privilege)
    }
}
