extension InstanceKeys {
    static let security: [ConfigKey] = [
        .init(
            "security.agent.metrics", .bool, default: "true", scope: .virtualMachine,
            "Ask the agent for state and metrics."),
        .init("security.devlxd", .bool, default: "true", "Whether `/dev/lxd` is in the instance."),
        .init(
            "security.devlxd.images", .bool, default: "false", privilege: .lowLevel, scope: .container,
            "Whether `/dev/lxd` gives access to images."),
        .init(
            "security.idmap.base", .uint32, privilege: .lowLevel, scope: .container, "First host id of the instance."),
        .init(
            "security.idmap.isolated", .bool, default: "false", scope: .container,
            "Give the instance host ids that no other isolated one has."),
        .init("security.idmap.size", .uint32, privilege: .lowLevel, scope: .container, "Number of ids."),
        .init(
            "security.nesting", .bool, default: "false", live: true, privilege: .host, scope: .container,
            "Allow containers in the instance."),
        .init(
            "security.privileged", .bool, default: "false", privilege: .host, scope: .container,
            "Run without a user namespace."),
        .init("security.protection.delete", .bool, default: "false", live: true, "Refuse to delete the instance."),
        .init(
            "security.protection.shift", .bool, default: "false", live: true, scope: .container,
            "Refuse to change the owners of the instance's files."),
        .init("security.secureboot", .bool, default: "true", scope: .virtualMachine, "Boot only what is signed."),
    ]

    static let syscalls: [ConfigKey] = [
        .init(
            "security.syscalls.allow", .blob, scope: .container,
            "System calls to allow, one a line; all others are refused."),
        .init("security.syscalls.blacklist", .blob, scope: .container, "Old name of `security.syscalls.deny`."),
        .init(
            "security.syscalls.blacklist_compat", .bool, default: "false", scope: .container,
            "Old name of `security.syscalls.deny_compat`."),
        .init(
            "security.syscalls.blacklist_default", .bool, default: "true", scope: .container,
            "Old name of `security.syscalls.deny_default`."),
        .init("security.syscalls.deny", .blob, scope: .container, "System calls to refuse, one a line."),
        .init(
            "security.syscalls.deny_compat", .bool, default: "false", scope: .container,
            "Refuse 32-bit system calls on a 64-bit host."),
        .init(
            "security.syscalls.deny_default", .bool, default: "true", scope: .container,
            "Refuse what the default policy refuses."),
        .init(
            "security.syscalls.intercept.bpf", .bool, default: "false", privilege: .host, scope: .container,
            "Carry out `bpf` for the instance."),
        .init(
            "security.syscalls.intercept.bpf.devices", .bool, default: "false", privilege: .host, scope: .container,
            "Let it load device programs for its cgroup."),
        .init(
            "security.syscalls.intercept.mknod", .bool, default: "false", privilege: .host, scope: .container,
            "Carry out `mknod` of harmless devices."),
        .init(
            "security.syscalls.intercept.mount", .bool, default: "false", privilege: .host, scope: .container,
            "Carry out `mount`."),
        .init(
            "security.syscalls.intercept.mount.allowed", .list, live: true, privilege: .lowLevel, scope: .container,
            "File systems that may be mounted, separated by commas."),
        .init(
            "security.syscalls.intercept.mount.fuse", .list, live: true, privilege: .host, scope: .container,
            "File systems to mount by a FUSE program: `ext4=fuse2fs`."),
        .init(
            "security.syscalls.intercept.mount.shift", .bool, default: "false", live: true, privilege: .lowLevel,
            scope: .container, "Shift ids on what is mounted."),
        .init(
            "security.syscalls.intercept.sched_setscheduler", .bool, default: "false", privilege: .lowLevel,
            scope: .container, "Carry out `sched_setscheduler`."),
        .init(
            "security.syscalls.intercept.setxattr", .bool, default: "false", privilege: .host, scope: .container,
            "Carry out `setxattr` of harmless attributes."),
        .init("security.syscalls.whitelist", .blob, scope: .container, "Old name of `security.syscalls.allow`."),
    ]
}
