import LXDRuntimePlan
import Testing

@Suite struct RuntimePlanTests {
    private var plan: RuntimePlan {
        var plan = RuntimePlan()
        plan.name = "c1"
        plan.rootfs = .overlay(lower: ["/a", "/b ü"], upper: "/u", work: "/w")
        plan.idmap = [IDMapEntry(isUID: true, isGID: false, hostID: 1_000_000, namespaceID: 0, range: 65536)]
        plan.mounts = [
            MountEntry(
                source: "/s", target: "t", options: ["bind", "ro"], idmapped: true, create: .file, optional: true)
        ]
        plan.networkInterfaces = [
            NetworkInterfaceEntry(hostLinkName: "veth1", name: "eth0", hardwareAddress: "00:16:3e:00:00:01", mtu: 1500)
        ]
        plan.deviceNodes = [DeviceNode(hostPath: "/d", path: "dev/x", isBlock: false, major: 10, minor: 200)]
        plan.cgroup = [CgroupSetting(file: "memory.max", value: "1", unified: true)]
        plan.environment = [PlanPair("A", "b\nc")]
        plan.seccompPolicy = "2\n"
        plan.failAfterSteps = 3
        return plan
    }

    @Test func aPlanComesBackAsItWas() throws {
        #expect(try RuntimePlan(packed: plan.packed()) == plan)
        #expect(try RuntimePlan(packed: RuntimePlan().packed()) == RuntimePlan())
    }

    @Test func everyCutOffPlanIsRefused() throws {
        let bytes = plan.packed()
        for count in 0..<bytes.count {
            #expect(throws: PackingError.self) { try RuntimePlan(packed: Array(bytes[..<count])) }
        }
        #expect(throws: PackingError.malformed) { try RuntimePlan(packed: bytes + [0]) }
    }

    @Test func aHugeCountIsRefusedBeforeAnythingIsAllocated() {
        var packer = Packer()
        packer.number(UInt32.max)
        #expect(throws: PackingError.tooLarge) { try [String](packed: packer.bytes) }
    }

    @Test func messagesComeBackAsTheyWere() throws {
        var features = HostFeatures()
        features.liblxcVersion = "5.0.2"
        features.liblxc = [HostFeature("pidfd", true)]
        features.kernel = [HostFeature("shiftfs", false)]
        let messages: [HelperMessage] = [
            .running(initPID: 1, monitorPID: 2), .started(pid: 3), .exited(status: 137), .done(text: "x"),
            .failed(HelperFailure(step: "a", number: 5, subject: "b", log: "c")),
            .features(features),
        ]
        for message in messages { #expect(try HelperMessage(packed: message.packed()) == message) }
    }
}
