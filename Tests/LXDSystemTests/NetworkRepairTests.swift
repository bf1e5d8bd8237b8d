import LXDLinux
import LXDNetlink
import LXDTestSupport
import Testing

/// A network that somebody damages heals by itself, and its instances go on.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"))
struct NetworkRepairTests {
    @Test(.timeLimit(.minutes(2)))
    func aDeletedBridgeComesBackWithItsPortsAndRules() async throws {
        let name = "ltrp\(UInt16.random(in: 0...9999))"
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("network", "create", name, "ipv6.address=none")
            try await daemon.mustLxc("init", "busybox", "c1", "-n", name)
            try await daemon.mustLxc("start", "c1")
            let gateway = try await daemon.mustLxc("network", "get", name, "ipv4.address").prefix { $0 != "/" }
            func reaches() async throws -> Bool {
                try await daemon.lxc("exec", "c1", "--", "ping", "-c1", "-W1", String(gateway)).exit.isSuccess
            }
            try await eventually("the container has an address") { try await reaches() ? true : nil }

            try RouteSocket().deleteLink(name)
            try await eventually("the bridge is back and the container on it") { try await reaches() ? true : nil }

            try await ProcessRunner.runChecked("nft", ["delete", "chain", "inet", "lxd", "fwd.\(name)"])
            try await eventually("the rules are back") {
                try await ProcessRunner.run("nft", ["list", "chain", "inet", "lxd", "fwd.\(name)"]).exit.isSuccess ? true : nil
            }
            try await daemon.mustLxc("delete", "--force", "c1")
            try await daemon.mustLxc("network", "delete", name)
        }
    }
}
