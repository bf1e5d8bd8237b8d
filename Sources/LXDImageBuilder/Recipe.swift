/// What makes a Debian system a good container: packages, units that cannot work in one, network, first-boot identity.
enum Recipe {
    static let packages = [
        "systemd", "systemd-sysv", "dbus", "libpam-systemd", "libnss-systemd", "iproute2", "iputils-ping", "netbase", "ca-certificates",
        "procps", "less", "nano", "login", "passwd", "adduser",
    ]

    /// systemd-resolved is a package of its own since Debian 12.
    static func packages(of release: Release) -> [String] {
        release.suite == "bullseye" ? packages : packages + ["systemd-resolved"]
    }

    /// Units that speak to hardware or a kernel that the container does not own.
    static let maskedUnits = [
        "systemd-networkd-wait-online.service", "systemd-udev-trigger.service", "systemd-udevd.service",
        "systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "sys-kernel-config.mount", "sys-kernel-debug.mount",
        "sys-kernel-tracing.mount", "dev-hugepages.mount", "systemd-modules-load.service", "apt-daily.timer",
        "apt-daily-upgrade.timer",
    ]

    static let network = """
        [Match]
        Name=eth0

        [Network]
        DHCP=yes
        IPv6AcceptRA=yes

        [DHCPv4]
        ClientIdentifier=mac
        UseDomains=yes

        [DHCPv6]
        UseDomains=yes

        [IPv6AcceptRA]
        UseDomains=yes

        """

    static let hostnameTemplate = "{{ instance.name }}\n"

    static let hostsTemplate = """
        127.0.0.1\tlocalhost
        127.0.1.1\t{{ instance.name }}
        ::1\tlocalhost ip6-localhost ip6-loopback
        ff02::1\tip6-allnodes
        ff02::2\tip6-allrouters

        """

    static func metadata(of release: Release, architecture: String, machine: String, creationSeconds: Int64) -> String {
        """
        architecture: \(machine)
        creation_date: \(creationSeconds)
        properties:
          architecture: \(architecture)
          description: Debian \(release.suite) \(architecture)
          name: debian-\(release.suite)-\(architecture)
          os: debian
          release: \(release.suite)
          variant: default
        templates:
          /etc/hostname:
            when: [create, copy, rename]
            template: hostname.tpl
          /etc/hosts:
            when: [create, copy, rename]
            template: hosts.tpl

        """
    }

    /// Runs at the end of mmdebstrap with the tree's path as its argument; nothing in it comes from a user.
    static let customizeScript = """
        #!/bin/sh
        set -e
        root=$1
        cp "$(dirname "$0")/10-eth0.network" "$root/etc/systemd/network/10-eth0.network"
        chroot "$root" systemctl enable systemd-networkd.service systemd-resolved.service
        chroot "$root" systemctl mask \(maskedUnits.joined(separator: " "))
        # With a writable /sys networkd waits for udev to present each link, and there is no udev in a container.
        mkdir -p "$root/etc/systemd/system/systemd-networkd.service.d"
        printf '[Service]\\nReadOnlyPaths=/sys\\n' >"$root/etc/systemd/system/systemd-networkd.service.d/10-no-udev.conf"
        ln -sf /run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
        rm -f "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
        : >"$root/etc/machine-id"
        printf 'LANG=C.UTF-8\\n' >"$root/etc/default/locale"

        """
}
