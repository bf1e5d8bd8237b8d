import LXDAPI
import LXDDatabase
import Testing

@testable import LXDCore

func makeInstance(
    _ name: String = "c1", project: String = "default", config: [String: String] = [:],
    devices: [String: [String: String]] = ["root": ["type": "disk", "path": "/", "pool": "p"]],
    profiles: [ProfileRow] = []
) -> LoadedInstance {
    var row = InstanceRow(project: project, name: name, createdAt: LXDTime(seconds: 0))
    row.architecture = 2
    row.config = config
    row.devices = devices
    row.profiles = profiles.map(\.name)
    return LoadedInstance(row, profiles: profiles)
}

@Suite struct ExpansionTests {
    @Test func laterProfilesAndTheInstanceItselfWin() {
        let first = ProfileRow(project: "default", name: "a", config: ["k": "1", "x": "a"], devices: ["d": ["type": "nic", "name": "n"]])
        let second = ProfileRow(project: "default", name: "b", config: ["k": "2"], devices: ["d": ["type": "none"]])
        let instance = makeInstance(config: ["y": "own"], profiles: [first, second])
        #expect(instance.expandedConfig == ["k": "2", "x": "a", "y": "own"])
        #expect(instance.expandedDevices["d"] == ["type": "none"])
    }

    @Test func disksStartInTheOrderOfTheirPaths() {
        let instance = makeInstance(devices: [
            "b": ["type": "disk", "path": "/mnt/a/b", "source": "/x"], "z": ["type": "disk", "path": "/mnt/a", "source": "/x"],
            "eth0": ["type": "nic"], "root": ["type": "disk", "path": "/", "pool": "p"],
        ])
        #expect(instance.devicesInOrder.map(\.name) == ["eth0", "root", "z", "b"])
    }

    @Test(arguments: [("default", "c1", "c1"), ("shop", "c1", "shop_c1")])
    func runtimeNames(project: String, name: String, runtimeName: String) {
        #expect(InstanceKey(project: project, name: name).runtimeName == runtimeName)
        #expect(InstanceKey(runtimeName: runtimeName) == InstanceKey(project: project, name: name))
    }

    @Test func thereMustBeExactlyOneRootDisk() {
        #expect(throws: LXDError.self) { try requireRootDisk([:]) }
        #expect(throws: LXDError.self) {
            try requireRootDisk(["a": ["type": "disk", "path": "/", "pool": "p"], "b": ["type": "disk", "path": "/", "pool": "p"]])
        }
        #expect(throws: LXDError.self) { try makeInstance(devices: ["r": ["type": "disk", "path": "/"]]).rootPool() }
    }
}
