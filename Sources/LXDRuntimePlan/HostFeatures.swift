/// Something that liblxc or the kernel can do or not.
package struct HostFeature: Sendable, Hashable {
    package var name: String
    package var isThere: Bool

    package init(_ name: String, _ isThere: Bool) { (self.name, self.isThere) = (name, isThere) }
}

/// What the helper found out about liblxc and the kernel.
package struct HostFeatures: Sendable, Hashable {
    package var liblxcVersion = ""
    package var liblxc: [HostFeature] = []
    package var kernel: [HostFeature] = []

    package init() {}

    /// liblxc's names of what LXD tells its clients about.
    package static let liblxcNames = [
        "cgroup2", "core_scheduling", "devpts_fd", "idmapped_mounts_v2", "mount_injection_file",
        "network_gateway_device_route", "network_ipvlan", "network_l2proxy", "network_phys_macvlan_mtu",
        "network_veth_router", "pidfd", "seccomp_allow_deny_syntax", "seccomp_notify", "seccomp_proxy_send_notify_fd",
    ]
}

extension HostFeature: Packable {
    package func pack(into p: inout Packer) {
        name.pack(into: &p)
        isThere.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) { self.init(try u.value(), try u.value()) }
}

extension HostFeatures: Packable {
    package func pack(into p: inout Packer) {
        liblxcVersion.pack(into: &p)
        liblxc.pack(into: &p)
        kernel.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        liblxcVersion = try u.value()
        liblxc = try u.value()
        kernel = try u.value()
    }
}
