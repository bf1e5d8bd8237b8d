import LXDConfig
import Testing

/// Values end up as lines of generated files: no key that holds one line may take a character that begins another or
/// ends the text (CVE-2026-23953 and its kin). The tables are walked, so that a new key is covered when it is added.
@Suite struct ControlCharacterTests {
    private static let tables: [(String, KeyTable)] = [
        ("instance", InstanceKeys.table), ("server", ServerKeys.table), ("project", ProjectKeys.table),
        ("network", NetworkKeys.table), ("pool dir", PoolKeys.table(driver: "dir")),
        ("pool btrfs", PoolKeys.table(driver: "btrfs")), ("volume", VolumeKeys.table),
    ] + deviceTables

    private static let deviceTables: [(String, KeyTable)] =
        ["disk", "unix-char", "unix-block", "unix-hotplug", "usb", "proxy", "gpu", "tpm", "pci", "none"].compactMap { type in
            DeviceKeys.table(type: type).map { (type, $0) }
        }
        + ["bridged", "macvlan", "p2p", "physical"].compactMap { type in
            DeviceKeys.table(type: "nic", nicType: type).map { ("nic " + type, $0) }
        }

    @Test(arguments: tables.map(\.0))
    func noKeyTakesOne(_ name: String) throws {
        let table = try #require(Self.tables.first { $0.0 == name }?.1)
        #expect(!table.keys.isEmpty)
        for key in table.keys {
            let concrete = key.name.replacing(".*", with: ".x").replacing(".NAME.", with: ".eth0.")
            #expect(table.firstProblem(in: [concrete: "a\u{0}b"]) != nil, "\(name) \(key.name) NUL")
            // Only what is text of several lines by nature, and then goes to files through a serializer of its own.
            guard key.kind != .blob else { continue }
            for text in ["1\n", "1\r", "a\nb", "a\rb", "a\r\nb", "\n", "a\u{85}b", "a\u{2028}b", "a\u{7f}b", "a\u{1b}b"] {
                #expect(table.firstProblem(in: [concrete: text]) != nil, "\(name) \(key.name) \(text.debugDescription)")
            }
        }
    }

    @Test(arguments: tables.map(\.0))
    func noNameTakesOne(_ name: String) throws {
        let table = try #require(Self.tables.first { $0.0 == name }?.1)
        for key in table.keys where key.name.hasSuffix(".*") {
            for bad in ["x\ny", "x\ry", "x\u{0}y", "x\u{2028}y"] {
                #expect(table.firstProblem(in: [key.name.replacing(".*", with: "." + bad): "1"]) != nil, "\(key.name)")
            }
        }
    }

    /// Text of several lines is a short list: each has to be known to go through a serializer.
    @Test func fewKeysAreTextOfSeveralLines() {
        let names = Set(Self.tables.flatMap { table in table.1.keys.filter { $0.kind == .blob }.map(\.name) })
        #expect(
            names == [
                "cloud-init.network-config", "cloud-init.user-data", "cloud-init.vendor-data", "raw.apparmor", "raw.dnsmasq",
                "raw.idmap", "raw.lxc", "raw.qemu", "raw.qemu.conf", "raw.seccomp", "security.syscalls.allow",
                "security.syscalls.blacklist", "security.syscalls.deny", "security.syscalls.whitelist", "user.*",
            ])
    }
}
