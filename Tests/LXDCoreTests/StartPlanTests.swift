import LXDAPI
import LXDRuntimePlan
import Testing

@testable import LXDCore

@Suite struct StartPlanTests {
    let host = StartHost(
        paths: DaemonPaths(root: "/d"),
        limits: HostLimits(controllers: ["memory": .v2, "cpuset": .v2], memoryBytes: 1 << 30, processors: [0, 1], hasSwapAccounting: true))
    let map = IDMapSet(base: 1_000_000, range: 65_536)
    let rootfs = RootFilesystem.overlay(lower: ["/l"], upper: "/u", work: "/w")

    private func plan(_ config: [String: String], project: String = "default", devices: [DeviceParts] = []) throws -> RuntimePlan {
        let instance = makeInstance(project: project, config: ["volatile.idmap.next": map.json].merging(config) { $1 })
        return try StartPlan.planStart(instance, rootfs: rootfs, directory: "/d/i", devices: devices, host: host)
    }

    @Test func anUnprivilegedContainerHasItsMapAndTheDefaultFilter() throws {
        let plan = try plan([:])
        #expect(plan.idmap.count == 2)
        #expect(plan.capabilitiesDropped.isEmpty)
        #expect(plan.seccompPolicy?.contains("kexec_load errno 38\n") == true)
        #expect(plan.mountPoint == "/d/i/rootfs")
        #expect(plan.stateDirectory == "/d/containers")
        #expect(plan.personality == "linux64")
    }

    @Test func aPrivilegedContainerHasNoMapAndFewerCapabilities() throws {
        let plan = try plan(["security.privileged": "true"])
        #expect(plan.idmap.isEmpty)
        #expect(plan.capabilitiesDropped.contains("sys_module"))
    }

    @Test func theProjectIsInTheNameButNotInTheHostName() throws {
        let plan = try plan([:], project: "shop")
        #expect(plan.name == "shop_c1")
        #expect(plan.hostName == "c1")
    }

    @Test func keysBecomePairs() throws {
        let plan = try plan([
            "environment.A": "1", "limits.kernel.nofile": "10", "linux.sysctl.net.ipv4.ip_forward": "1", "raw.lxc": "lxc.init.cmd = /x",
        ])
        #expect(plan.environment == [PlanPair("A", "1")])
        #expect(plan.resourceLimits == [PlanPair("nofile", "10")])
        #expect(plan.sysctls == [PlanPair("net.ipv4.ip_forward", "1")])
        #expect(plan.rawItems == [PlanPair("lxc.init.cmd", "/x")])
    }

    @Test func aLineBreakInAValueIsRefused() {
        #expect(throws: LXDError.self) { try plan(["environment.A": "1\nlxc.hook.start = /bin/sh"]) }
    }

    @Test(arguments: ["lxc.log.file = /x", "lxc.prlimit.nofile = 1", "lxc.net.0.link = br0", "no equals", "lxc.ephemeral = 1"])
    func rawLinesThatTheServerKeepsAreRefused(_ line: String) {
        #expect(throws: LXDError.self) { try plan(["raw.lxc": line]) }
    }

    @Test func interceptionIsRefusedInsteadOfIgnored() {
        #expect(throws: LXDError.self) { try plan(["security.syscalls.intercept.mknod": "true"]) }
    }

    @Test func devicesAddTheirParts() throws {
        var part = DeviceParts()
        part.interfaces = [NetworkInterfaceEntry(hostLinkName: "veth1", name: "eth0")]
        part.mounts = [MountEntry(source: "/s", target: "mnt")]
        let plan = try plan([:], devices: [part])
        #expect(plan.networkInterfaces.map(\.name) == ["eth0"])
        #expect(plan.mounts.map(\.target) == ["mnt"])
    }

    @Test func aMissingMapIsAnError() {
        #expect(throws: LXDError.self) {
            try StartPlan.planStart(makeInstance(), rootfs: rootfs, directory: "/d/i", devices: [], host: host)
        }
    }
}
