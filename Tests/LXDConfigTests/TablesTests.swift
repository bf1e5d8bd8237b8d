import LXDAPI
import LXDConfig
import Testing

@Suite struct TablesTests {
    private func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? LXDError)?.message
        }
    }

    @Test(arguments: [
        ("core.https_address", "[::]:8443", nil),
        ("core.https_address", ":8443", nil),
        ("core.https_address", "10.0.0.1", nil),
        (
            "cluster.https_address", "0.0.0.0:8443",
            "cannot set 'cluster.https_address' to '0.0.0.0:8443': Wildcard addresses aren't allowed"
        ),
        ("no.such", "1", "cannot set 'no.such' to '1': unknown key"),
        ("core.shutdown_timeout", "x", "cannot set 'core.shutdown_timeout' to 'x': invalid integer"),
        ("images.auto_update_cached", "x", "cannot set 'images.auto_update_cached' to 'x': invalid boolean"),
        (
            "cluster.max_voters", "4",
            "cannot set 'cluster.max_voters' to '4': Value must be an odd number equal to or higher than 3"
        ),
        ("user.x", "1", nil),
    ])
    func serverKeys(key: String, value: String, expected: String?) {
        #expect(message { try ServerKeys.validate([key: value]) } == expected)
    }

    @Test func severalBadServerKeysAreCounted() {
        #expect(
            message { try ServerKeys.validate(["core.shutdown_timeout": "x", "no.such": "1"]) }
                == "cannot set 'core.shutdown_timeout' to 'x': invalid integer (and 1 more errors)")
    }

    /// A compressor is a choice, never a command line (CVE-2026-28384).
    @Test(arguments: ["bash -c id", "gzip -x", "/bin/sh", "gzip\nxz", "-I"])
    func compressorsAreAChoice(value: String) {
        #expect(throws: LXDError.self) { try ServerKeys.validate(["images.compression_algorithm": value]) }
        #expect(throws: LXDError.self) { try ProjectKeys.validate(["backups.compression_algorithm": value]) }
    }

    @Test(arguments: [
        (
            "features.images", "x",
            #"Invalid project configuration key "features.images" value: Invalid value for a boolean "x""#
        ),
        ("nope", "1", #"Invalid project configuration key "nope""#),
        ("restricted.devices.nic", "managed", nil),
        (
            "restricted.devices.gpu", "managed",
            #"Invalid project configuration key "restricted.devices.gpu" value: Invalid value "managed" (not one of [block allow])"#
        ),
        (
            "restricted.devices.disk.paths", "/a, b",
            #"Invalid project configuration key "restricted.devices.disk.paths" value: Item "b": Must be absolute file path"#
        ),
    ])
    func projectKeys(key: String, value: String, expected: String?) {
        #expect(message { try ProjectKeys.validate([key: value]) } == expected)
    }

    @Test(arguments: [
        ("ipv4.address", "10.0.0.1/24", nil),
        ("ipv4.address", "none", nil),
        (
            "ipv4.address", "10.0.0.0/24",
            #"Invalid value for network "br0" option "ipv4.address": Not a usable IPv4 address "10.0.0.0/24""#
        ),
        ("ipv4.address", "x", #"Invalid value for network "br0" option "ipv4.address": invalid CIDR address: x"#),
        ("ipv6.address", "fd42::1/64", nil),
        (
            "ipv6.address", "10.0.0.1/24",
            #"Invalid value for network "br0" option "ipv6.address": Not an IPv6 address "10.0.0.1/24""#
        ),
        ("ipv4.dhcp.ranges", "10.0.0.2-10.0.0.9, 10.0.0.20-10.0.0.30", nil),
        (
            "bridge.hwaddr", "zz",
            #"Invalid value for network "br0" option "bridge.hwaddr": Invalid MAC address, must be 6 bytes of hex separated by colons"#
        ),
        ("nope", "1", #"Invalid option for network "br0" option "nope""#),
        ("tunnel.a", "1", "Invalid network configuration key: tunnel.a"),
        ("tunnel.a.protocol", "gre", nil),
        ("fan.type", "vxlan", "FAN configuration may only be set when in 'fan' mode"),
        (
            "dns.domain", "a\nb",
            #"Invalid value for network "br0" option "dns.domain": Value must not contain line breaks"#
        ),
    ])
    func networkKeys(key: String, value: String, expected: String?) {
        #expect(message { try NetworkKeys.validate([key: value], network: "br0") } == expected)
    }

    @Test(arguments: [
        ("source", "/x", nil), ("volume.size", "1GiB", nil), ("nope", "1", #"Invalid option "nope""#),
        ("rsync.bwlimit", "x", #"Invalid value for option "rsync.bwlimit": Invalid value: x"#),
    ])
    func poolKeys(key: String, value: String, expected: String?) {
        #expect(message { try PoolKeys.validate([key: value]) } == expected)
    }

    @Test func volumeKeysNameTheVolume() {
        #expect(
            message { try VolumeKeys.validate(["nope": "1"], volume: "v1") }
                == #"Invalid option for volume "v1" option "nope""#)
    }

    @Test(
        arguments: [
            (["type": "disk", "path": "/"], nil),
            (
                ["type": "nic", "mtu": "9"],
                #"Invalid value for device option "mtu": Out of MTU range (1280-16384) "9""#
            ),
            (["type": "disk", "nope": "1"], #"Invalid device option "nope""#),
            (
                ["type": "unix-char", "mode": "9"],
                #"Invalid value for device option "mode": Invalid value for an octal file mode"#
            ),
            (["path": "/"], "Missing device type in config"),
            (["type": "nope"], "Unsupported device type"),
            (
                ["type": "proxy", "listen": "tcp:127.0.0.1:80"],
                #"Invalid value for device option "connect": Required value"#
            ),
            (
                ["type": "disk", "source": "/a\nb"],
                #"Invalid value for device option "source": Value must not contain line breaks"#
            ),
        ] as [([String: String], String?)])
    func deviceKeys(device: [String: String], expected: String?) {
        #expect(message { try DeviceKeys.validate(device, nicType: "bridged") } == expected)
    }
}
