import CLXC
import CLXDLinux
import LXDRuntimePlan

/// What liblxc and the kernel offer, each asked itself.
enum Probe {
    static func run() -> HostFeatures {
        var features = HostFeatures()
        features.liblxcVersion = lxc_get_version().map { String(cString: $0) } ?? ""
        features.liblxc = HostFeatures.liblxcNames.map { HostFeature($0, lxc_has_api_extension($0)) }
        features.kernel = [
            HostFeature("idmapped_mounts", clxd_probe_idmapped_mounts() == 1),
            HostFeature("netnsid_getifaddrs", clxd_probe_strict_netlink() == 1),
            HostFeature("seccomp_listener", clxd_probe_seccomp_listener() == 1),
            HostFeature("seccomp_listener_continue", clxd_probe_seccomp_continue() == 1),
            HostFeature("shiftfs", clxd_probe_file_system("shiftfs") == 1),
            HostFeature("uevent_injection", clxd_probe_uevent() == 1),
            HostFeature("unpriv_fscaps", clxd_probe_namespaced_capabilities() == 1),
        ]
        return features
    }
}
