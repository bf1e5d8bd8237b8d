import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// A real Debian 12, built here from Debian's packages: systemd boots whole, DHCP gives it an address, neighbours know its name.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(15)))
struct DebianTests {
    @Test(.enabled(if: ProcessRunner.locate("mmdebstrap") != nil, "needs mmdebstrap"))
    func debianBootsToRunningGetsAnAddressAndReachesItsNeighbourByName() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.mustLxc("storage", "create", "pool", "dir")
            try await daemon.mustLxc("profile", "device", "add", "default", "root", "disk", "path=/", "pool=pool")
            let bridge = "lxdt" + UUID().uuidString.prefix(6).lowercased()
            try await daemon.mustLxc("network", "create", bridge)
            try await daemon.mustLxc("profile", "device", "add", "default", "eth0", "nic", "name=eth0", "network=\(bridge)")
            try await daemon.mustLxc("image", "build", "debian/12", "--alias", "debian/12", deadline: .seconds(600))
            for name in ["first", "second"] { try await daemon.mustLxc("launch", "debian/12", name) }
            for name in ["first", "second"] {
                let state = try await waitUntilUp(name, daemon)
                let failed = try await daemon.lxc("exec", name, "--", "systemctl", "--failed", "--no-legend", "--plain").outputText
                #expect(state == "running\n", "failed units: \(failed)")
                try await eventually("\(name) has an IPv4 address", within: .seconds(30)) {
                    try await daemon.mustLxc("list", name, "-f", "csv", "-c", "4").contains("(eth0)") ? true : nil
                }
            }
            let ping = try await daemon.lxc("exec", "second", "--", "ping", "-c1", "-W3", "first.lxd")
            #expect(ping.exit.isSuccess, "\(ping.outputText)\(ping.errorText)")
            #expect(try await daemon.mustLxc("network", "list-leases", bridge).contains("first"))
            // A clean shutdown from inside and out.
            try await daemon.mustLxc("stop", "first", deadline: .seconds(60))
            try await daemon.mustLxc("restart", "second", deadline: .seconds(60))
            try await waitUntilUp("second", daemon)
            let before = try await pid(of: "second", daemon)
            // The command may be cut off by what it asks for.
            try await daemon.lxc("exec", "second", "--", "reboot")
            try await eventually("second has a new init after a reboot from inside", within: .seconds(60)) {
                let now = try await pid(of: "second", daemon)
                return now > 0 && now != before ? true : nil
            }
            try await waitUntilUp("second", daemon)
            try await daemon.lxc("exec", "second", "--", "poweroff")
            try await eventually("second has powered itself off", within: .seconds(60)) {
                try await daemon.mustLxc("list", "second", "-f", "csv", "-c", "s") == "STOPPED\n" ? true : nil
            }
        }
    }

    @discardableResult
    private func waitUntilUp(_ name: String, _ daemon: TestDaemon) async throws -> String {
        try await eventually("systemd in \(name) is up", within: .seconds(60)) {
            let state = try await daemon.lxc("exec", name, "--", "systemctl", "is-system-running").outputText
            return ["running\n", "degraded\n"].contains(state) ? state : nil
        }
    }

    /// The process of its init; 0 while it does not run.
    private func pid(of name: String, _ daemon: TestDaemon) async throws -> Int {
        let state = try await daemon.lxc("query", "/1.0/instances/\(name)/state").outputText
        let object = try? JSONSerialization.jsonObject(with: Data(state.utf8)) as? [String: Any]
        return object?["pid"] as? Int ?? 0
    }
}
