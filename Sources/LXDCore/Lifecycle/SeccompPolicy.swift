import LXDAPI

/// The seccomp filter of a container in liblxc's format, from `security.syscalls.*` and `raw.seccomp`.
package enum SeccompPolicy {
    /// - Returns: nil if the container is to have no filter.
    /// - Throws: `notImplemented` for interception, which needs a listener on the host.
    package static func text(_ config: [String: String], architecture: String) throws -> String? {
        for name in ["mknod", "sched_setscheduler", "setxattr", "mount", "bpf"]
        where isTrue(config["security.syscalls.intercept." + name]) && !isTrue(config["security.privileged"]) {
            throw LXDError.notImplemented("System call interception (security.syscalls.intercept.\(name)) isn't supported")
        }
        if let raw = config["raw.seccomp"], !raw.isEmpty { return raw }
        func either(_ key: String, _ oldKey: String) -> String? { config[key] ?? config[oldKey] }
        if let allowed = either("security.syscalls.allow", "security.syscalls.whitelist"), !allowed.isEmpty {
            return "2\nallowlist\n[all]\n" + allowed
        }
        let useDefault = either("security.syscalls.deny_default", "security.syscalls.blacklist_default")
        let isDefault = useDefault == nil || isTrue(useDefault)
        let isCompat = isTrue(either("security.syscalls.deny_compat", "security.syscalls.blacklist_compat"))
        let isStateful = isTrue(config["migration.stateful"])
        let denied = either("security.syscalls.deny", "security.syscalls.blacklist") ?? ""
        guard isDefault || isCompat || isStateful || !denied.isEmpty else { return nil }
        var policy = "2\ndenylist\n"
        if isDefault { policy += "reject_force_umount\n" }
        policy += "[all]\n"
        if isDefault { policy += refuse(kernelCalls) }
        if isStateful { policy += unsharing }
        if isCompat { policy += "[\(architecture)]\n" + refuse(compatCalls) }
        return policy + denied
    }

    private static func refuse(_ calls: String) -> String {
        calls.split(separator: " ").map { "\($0) errno 38\n" }.joined()
    }

    /// Namespaces that a checkpoint cannot hold are refused, as in a kernel without them; systemd does without then. What
    /// clone3 is asked for is in memory, where a filter cannot look: programs fall back to clone.
    private static let unsharing: String = {
        let kinds = ["0x04000000", "0x08000000", "0x20000000", "0x10000000"]
        func lines(_ call: String, _ kinds: [String]) -> String {
            kinds.map { "\(call) errno 1 [0,\($0),SCMP_CMP_MASKED_EQ,\($0)]\n" }.joined()
        }
        return lines("unshare", kinds + ["0x80"]) + lines("clone", kinds) + "clone3 errno 38\n"
    }()

    private static let kernelCalls = "kexec_load open_by_handle_at init_module finit_module delete_module"

    private static let compatCalls = """
        compat_sys_rt_sigaction stub_x32_rt_sigreturn compat_sys_ioctl compat_sys_readv compat_sys_writev \
        compat_sys_recvfrom compat_sys_sendmsg compat_sys_recvmsg stub_x32_execve compat_sys_ptrace \
        compat_sys_rt_sigpending compat_sys_rt_sigtimedwait compat_sys_rt_sigqueueinfo compat_sys_sigaltstack \
        compat_sys_timer_create compat_sys_mq_notify compat_sys_kexec_load compat_sys_waitid compat_sys_set_robust_list \
        compat_sys_get_robust_list compat_sys_vmsplice compat_sys_move_pages compat_sys_preadv64 compat_sys_pwritev64 \
        compat_sys_rt_tgsigqueueinfo compat_sys_recvmmsg compat_sys_sendmmsg compat_sys_process_vm_readv \
        compat_sys_process_vm_writev compat_sys_setsockopt compat_sys_getsockopt compat_sys_io_setup compat_sys_io_submit \
        stub_x32_execveat
        """
}
