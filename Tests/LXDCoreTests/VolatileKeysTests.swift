import LXDAPI
import Testing

@testable import LXDCore

@Suite struct VolatileKeysTests {
    @Test func aNewInstanceGetsIdentitiesOfItsOwnUnlessItHasThem() {
        var config = ["volatile.uuid": "kept"]
        VolatileKeys.fill(&config, baseImage: "abc") { "new" }
        #expect(config == ["volatile.uuid": "kept", "volatile.cloud-init.instance-id": "new", "volatile.base_image": "abc"])
    }

    @Test func onlyTheImageAndTheMapOnDiskFollowACopy() {
        #expect(VolatileKeys.isCopied("limits.cpu"))
        #expect(VolatileKeys.isCopied("volatile.base_image"))
        #expect(!VolatileKeys.isCopied("volatile.eth0.hwaddr"))
        #expect(!VolatileKeys.isCopied("volatile.uuid"))
    }

    @Test func cloudInitRunsAgainWhenItsDataOrTheInterfacesChange() {
        let nic = ["eth0": ["type": "nic", "name": "eth0"]]
        #expect(VolatileKeys.needsNewInstanceID(changed: ["user.user-data"], old: nic, new: nic))
        #expect(VolatileKeys.needsNewInstanceID(changed: [], old: nic, new: ["eth0": ["type": "nic", "name": "lan"]]))
        #expect(!VolatileKeys.needsNewInstanceID(changed: ["user.foo"], old: nic, new: nic))
    }

    @Test func interfacesGetFreeNamesAndAddresses() {
        let added = InterfaceNames.fill(
            devices: [
                "a": ["type": "nic", "nictype": "bridged"], "b": ["type": "nic", "nictype": "physical"],
                "c": ["type": "nic", "name": "eth0", "hwaddr": "x"], "d": ["type": "disk"],
            ], config: [:], nicType: { $1["nictype"] ?? "" }, makeAddress: { "MAC" })
        #expect(added == ["volatile.a.hwaddr": "MAC", "volatile.a.name": "eth1", "volatile.b.name": "eth2"])
    }

    @Test func snapshotNames() throws {
        #expect(try SnapshotNames.name(pattern: "snap%d", existing: ["snap0", "snap7", "other"]) == "snap8")
        #expect(try SnapshotNames.name(pattern: "daily", existing: []) == "daily")
        #expect(try SnapshotNames.name(pattern: "daily", existing: ["daily", "daily-0"]) == "daily-1")
        #expect(throws: LXDError.self) { try SnapshotNames.name(pattern: "%d%d", existing: []) }
    }

    @Test func bootOrder() {
        let all = [
            makeInstance("a", config: ["boot.autostart": "true"]), makeInstance("b", config: ["volatile.last_state.power": "RUNNING"]),
            makeInstance("c", config: ["boot.autostart": "false", "volatile.last_state.power": "RUNNING"]),
            makeInstance("d", config: ["boot.autostart": "1", "boot.autostart.priority": "5"]), makeInstance("e"),
        ]
        #expect(BootOrder.toStart(all).map(\.name) == ["d", "a", "b"])
        let stop = [makeInstance("a"), makeInstance("b", config: ["boot.stop.priority": "3"]), makeInstance("c")]
        #expect(BootOrder.toStop(stop).map { $0.map(\.name) } == [["b"], ["a", "c"]])
    }

    @Test func devicesThatChangeOnlyLiveKeysAreUpdated() {
        let old = ["n": ["type": "nic", "limits.max": "1"], "g": ["type": "disk"], "x": ["type": "nic", "parent": "a"]]
        let new = ["n": ["type": "nic", "limits.max": "2"], "h": ["type": "disk"], "x": ["type": "nic", "parent": "b"]]
        let changes = DeviceChanges(old, new, liveKeys: ["n": ["limits.max"], "x": ["limits.max"]])
        #expect(Set(changes.updated.keys) == ["n"])
        #expect(Set(changes.removed.keys) == ["g", "x"])
        #expect(Set(changes.added.keys) == ["h", "x"])
    }
}

@Suite struct ScheduledSnapshotsTests {
    @Test func aScheduleComesDueInItsMinute() {
        let time = LXDTime(seconds: 1_700_000_000)  // 2023-11-14T22:13:20Z, a Tuesday
        func isDue(_ schedule: String) -> Bool {
            SnapshotService.isDue(makeInstance(config: ["snapshots.schedule": schedule]), at: time)
        }
        #expect(isDue("13 22 * * *"))
        #expect(isDue("* * * * *"))
        #expect(!isDue("14 22 * * *"))
        #expect(!isDue("@startup"))
        #expect(!isDue(""))
    }
}
