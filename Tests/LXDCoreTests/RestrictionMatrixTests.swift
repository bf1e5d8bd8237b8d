import LXDAPI
import LXDConfig
import LXDDatabase
import Synchronization
import Testing

@testable import LXDCore

/// Something that a restricted project refuses, and what opens it.
private struct Violation: CustomStringConvertible {
    let description: String
    var config: [String: String] = [:]
    var devices: [String: [String: String]] = [:]
    let openers: [String: String]

    /// Each key of the table that is not safe, with a value that would do something.
    static let keys: [Violation] = InstanceKeys.table.keys.compactMap { key in
        guard key.privilege != .safe, key.scope != .virtualMachine else { return nil }
        var openers: [String: String] = [:]
        if let opener = InstanceRestriction.opening(key.name) { openers[opener] = "allow" }
        return Violation(
            description: key.name, config: [key.name: values[key.name] ?? (key.kind == .bool ? "true" : "1")],
            openers: openers)
    }
    private static let values = ["raw.idmap": "both 1000 1000", "raw.lxc": "lxc.apparmor.profile=unconfined"]

    static let devices: [Violation] =
        ["unix-char", "unix-block", "unix-hotplug", "infiniband", "gpu", "usb", "pci", "proxy"].map {
            device(["type": $0], opens: ["restricted.devices.\($0)": "allow"])
        } + [
            device(["type": "nic", "nictype": "p2p"], opens: ["restricted.devices.nic": "allow"]),
            device(["type": "nic", "nictype": "bridged", "parent": "br9"], opens: ["restricted.devices.nic": "allow"]),
            device(["type": "disk", "source": "/etc", "path": "/mnt"], opens: ["restricted.devices.disk": "allow"]),
            device(["type": "something-new"], opens: [:]),
        ]

    private static func device(_ config: [String: String], opens openers: [String: String]) -> Violation {
        let text = config.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return Violation(description: text, devices: ["bad": config], openers: openers)
    }

    static let all = keys + devices

    func put(into row: inout InstanceRow) {
        row.config.merge(config) { $1 }
        row.devices.merge(devices) { $1 }
    }
}

/// Every way by which configuration reaches an instance, times everything a restricted project refuses.
@Suite struct RestrictionMatrixTests {
    private static let root = ["type": "disk", "path": "/", "pool": "p"]
    private let victim = InstanceKey(project: "shop", name: "c1")

    /// A restricted project with one harmless instance in it.
    private func withShop(
        _ config: [String: String] = [:], _ body: @escaping @Sendable (World) async throws -> Void
    ) async throws {
        try await World.with { world in
            try await world.projects.create(.with { $0.name = "shop" }, by: nil)
            try await world.profiles.update(project: "shop", name: "default", by: nil, precondition: { _ in }) { _ in
                .with { $0.devices = ["root": Self.root] }
            }
            try await world.create(in: "shop", "c1")
            try await world.set("shop", config.merging(["restricted": "true"]) { $1 })
            try await body(world)
        }
    }

    private func everyViolation(
        _ world: World, _ body: (Violation, _ name: String) async throws -> Void
    ) async throws {
        for (number, violation) in Violation.all.enumerated() {
            let before = try await world.contents()
            do {
                try await body(violation, "n\(number)")
                Issue.record("\(violation) came through")
            } catch {
                let text = LXDError.from(error).message
                let isRefusal = text.contains("forbidden") || text.contains("not allowed") || text.contains("are allowed")
                #expect(isRefusal, "\(violation): \(text)")
            }
            #expect(try await world.contents() == before, "\(violation) left something")
        }
    }

    @Test func itCannotBeCreatedWith() async throws {
        try await withShop { world in
            try await everyViolation(world) { violation, name in
                let request = InstancesPost.with {
                    $0.name = name
                    $0.source.type = "none"
                    $0.config = violation.config
                    $0.devices = violation.devices
                }
                _ = try await world.instances.planCreate(project: "shop", request, hasProfiles: false)
            }
        }
    }

    @Test(arguments: [ConfigGate.Way.create, .copy, .importBackup, .move(InstanceKey(project: "default", name: "x"))])
    func theTransactionThatWritesItLooksAgain(_ way: ConfigGate.Way) async throws {
        try await withShop { world in
            try await everyViolation(world) { violation, name in
                var row = InstanceRow(project: "shop", name: name, createdAt: .now())
                row.architecture = try Architectures.local().id
                row.profiles = ["default"]
                violation.put(into: &row)
                _ = try await world.instances.insert(row, baseImage: "", way)
            }
        }
    }

    @Test func itCannotBePutInto() async throws {
        try await withShop { world in
            try await everyViolation(world) { violation, _ in
                let present = try await world.environment.load(victim).row
                let put = InstancePut.with {
                    $0.config = present.config.merging(violation.config) { $1 }
                    $0.devices = violation.devices
                    $0.profiles = present.profiles
                }
                try await world.instances.put(victim, put, by: nil)
            }
        }
    }

    @Test func itCannotBePatchedInto() async throws {
        try await withShop { world in
            try await everyViolation(world) { violation, _ in
                let patch = InstancePut.with {
                    $0.config = violation.config
                    $0.devices = violation.devices
                }
                try await world.instances.patch(victim, patch, fields: ["config", "devices"], by: nil) { _ in }
            }
        }
    }

    @Test func aProfileCannotBeMadeOfIt() async throws {
        try await withShop { world in
            try await everyViolation(world) { violation, name in
                let request = ProfilesPost.with {
                    $0.name = name
                    $0.config = violation.config
                    $0.devices = violation.devices
                }
                _ = try await world.profiles.create(project: "shop", request, by: nil)
            }
        }
    }

    @Test func aProfileCannotBeChangedToIt() async throws {
        try await withShop { world in
            try await everyViolation(world) { violation, _ in
                try await world.profiles.update(project: "shop", name: "default", by: nil, precondition: { _ in }) { present in
                    .with {
                        $0.config = violation.config
                        $0.devices = violation.devices.merging(present.devices) { $1 }
                    }
                }
            }
        }
    }

    @Test func aProfileThatHasItCannotBeAssigned() async throws {
        try await withShop { world in
            for (number, violation) in Violation.all.enumerated() {
                let profile = ProfileRow(
                    project: "shop", name: "old\(number)", config: violation.config, devices: violation.devices)
                try await world.store.write { _ = try $0.insertProfile(profile) }
            }
            try await everyViolation(world) { _, name in
                let config = try await world.environment.load(victim).row.config
                let put = InstancePut.with {
                    $0.config = config
                    $0.profiles = ["default", "old" + name.dropFirst()]
                }
                try await world.instances.put(victim, put, by: nil)
            }
        }
    }

    @Test(arguments: [false, true])
    func itCannotBeBroughtFromAnotherProject(_ isMove: Bool) async throws {
        try await withShop { world in
            for (number, violation) in Violation.all.enumerated() {
                try await world.insert("n\(number)") { violation.put(into: &$0) }
            }
            try await everyViolation(world) { _, name in
                let key = InstanceKey(project: "default", name: name)
                if isMove {
                    return try await world.instances.move(
                        key, to: InstanceKey(project: "shop", name: name), pool: nil, instanceOnly: false, by: nil)
                }
                let request = InstancesPost.with {
                    $0.name = name
                    $0.source.type = "copy"
                    $0.source.source = name
                    $0.source.project = "default"
                }
                _ = try await world.instances.planCreate(project: "shop", request, hasProfiles: false)
            }
        }
    }

    @Test(arguments: [false, true])
    func aSnapshotThatHasItCannotComeAlong(_ asSource: Bool) async throws {
        try await withShop(["restricted.snapshots": "allow"]) { world in
            for (number, violation) in Violation.all.enumerated() {
                let id = try await world.insert("n\(number)") { _ in }
                try await world.insertSnapshot(of: id) { violation.put(into: &$0) }
            }
            try await everyViolation(world) { _, name in
                let request = InstancesPost.with {
                    $0.name = name
                    $0.source.type = "copy"
                    $0.source.source = asSource ? name + "/snap0" : name
                    $0.source.project = "default"
                }
                let plan = try await world.instances.planCreate(project: "shop", request, hasProfiles: false)
                try await world.instances.create(plan, by: nil)
            }
        }
    }

    @Test func aSnapshotThatHasItCannotBeRestored() async throws {
        try await withShop { world in
            let id = try await world.environment.load(victim).row.id
            try await everyViolation(world) { violation, _ in
                let snapshot = try await world.insertSnapshot(of: id) { violation.put(into: &$0) }
                do {
                    try await world.snapshots.restore(victim, "snap0", stateful: false, by: nil)
                } catch {
                    try await world.store.write { try $0.deleteSnapshot(id: snapshot) }
                    throw error
                }
            }
            #expect(!world.host.state.withLock { $0.log.contains("restore") }, "The contents stay as they were, too.")
        }
    }

    @Test func aProjectThatHasItCannotBeRestricted() async throws {
        try await withShop { world in
            try await world.projects.create(.with { $0.name = "open" }, by: nil)
            try await everyViolation(world) { violation, _ in
                let profile = ProfileRow(
                    project: "open", name: "bad", config: violation.config, devices: violation.devices)
                let id = try await world.store.write { try $0.insertProfile(profile) }
                do {
                    try await world.set("open", ["restricted": "true"])
                } catch {
                    #expect("\(error)".hasPrefix("Conflict detected when changing \"restricted\" in project \"open\": "))
                    try await world.store.write { try $0.deleteProfile(id: id) }
                    throw error
                }
            }
        }
    }

    /// Left out, empty and spelled out are the same; only the key's own opener opens it.
    @Test func onlyTheKeyForItOpensIt() async throws {
        try await withShop { world in
            let present = try await world.environment.load(victim)
            for violation in Violation.all {
                func isAdmitted(_ config: [String: String]) async throws -> Bool {
                    try await world.store.write { tx in
                        var project = try tx.requireProject("shop")
                        project.config = config.merging(["restricted": "true", "features.profiles": "true"]) { $1 }
                        try tx.updateProject(project)
                        var row = present.row
                        violation.put(into: &row)
                        do {
                            try tx.admitToProject(present.with(row: row), replacing: present)
                            return true
                        } catch is LXDError { return false }
                    }
                }
                let closed = Dictionary(
                    ProjectKeys.table.keys.filter { $0.name.hasPrefix("restricted.") && $0.defaultValue == "block" }
                        .map { ($0.name, "block") }) { $1 }
                let others = closed.mapValues { _ in "allow" }.filter { violation.openers[$0.key] == nil }
                #expect(try await !isAdmitted([:]), "\(violation)")
                #expect(try await !isAdmitted(closed.mapValues { _ in "" }), "\(violation)")
                #expect(try await !isAdmitted(closed), "\(violation)")
                #expect(try await !isAdmitted(others), "\(violation)")
                if !violation.openers.isEmpty {
                    #expect(try await isAdmitted(violation.openers), "\(violation)")
                }
            }
        }
    }

    @Test func everyKeyThatIsNotSafeIsKnown() {
        let unsafe = InstanceKeys.table.keys.filter { $0.privilege != .safe }.map(\.name)
        #expect(
            unsafe.sorted() == [
                "boot.host_shutdown_action", "boot.host_shutdown_timeout", "limits.memory.hugepages", "linux.kernel_modules", "raw.apparmor", "raw.idmap",
                "raw.lxc", "raw.qemu", "raw.qemu.conf", "raw.seccomp", "security.devlxd.images", "security.idmap.base",
                "security.idmap.size", "security.nesting", "security.privileged", "security.syscalls.intercept.bpf",
                "security.syscalls.intercept.bpf.devices", "security.syscalls.intercept.mknod",
                "security.syscalls.intercept.mount", "security.syscalls.intercept.mount.allowed",
                "security.syscalls.intercept.mount.fuse", "security.syscalls.intercept.mount.shift",
                "security.syscalls.intercept.sched_setscheduler", "security.syscalls.intercept.setxattr",
            ])
    }

    // MARK: Single rules

    @Test func hiddenIDsAreNotAWayAroundIsolation() async throws {
        try await withShop { world in
            try await world.instances.put(
                victim, .with { $0.config["security.idmap.isolated"] = "true"; $0.profiles = ["default"] }, keepingVolatileOf: world)
            try await world.set("shop", ["restricted.containers.privilege": "isolated"])
            await #expect(throws: LXDError.self) {
                try await world.instances.put(victim, .with { $0.profiles = ["default"] }, keepingVolatileOf: world)
            }
            await #expect(throws: LXDError.self) { try await world.create(in: "shop", "c2") }
        }
    }

    @Test(arguments: [
        ("both 1000 1000", true), ("both 1000-1999 0-999", true), ("uid 999 999", false), ("gid 3000 0", false),
        ("both 1500-2500 0-1000", false), ("uid 1000 0\ngid 5 5", false),
    ])
    func hostIDsMustBeAmongThoseAllowed(_ map: String, _ isAllowed: Bool) async throws {
        try await withShop(["restricted.idmap.uid": "1000-1999", "restricted.idmap.gid": "1000-1999, 7"]) { world in
            let isAdmitted = try await world.admits(victim) { $0.config["raw.idmap"] = map }
            #expect(isAdmitted == isAllowed)
        }
    }

    @Test(arguments: [
        ("/srv/a", true), ("/srv/a/b", true), ("/srv/ab", false), ("/srv/a/../b", false), ("/etc", false), ("/srv/a//b/.", true),
        ("srv/a", false),
    ])
    func disksMustBeBelowTheAllowedPaths(_ source: String, _ isAllowed: Bool) async throws {
        try await withShop(["restricted.devices.disk": "allow", "restricted.devices.disk.paths": "/srv/a,/opt"]) { world in
            let isAdmitted = try await world.admits(victim) {
                $0.devices["d"] = ["type": "disk", "source": source, "path": "/mnt"]
            }
            #expect(isAdmitted == isAllowed)
        }
    }

    @Test func networksMustBeAmongThoseAllowed() async throws {
        try await withShop(["restricted.networks.access": "a, b"]) { world in
            for (network, isAllowed) in [("a", true), ("b", true), ("c", false)] {
                let isAdmitted = try await world.admits(victim) { $0.devices["eth0"] = ["type": "nic", "network": network] }
                #expect(isAdmitted == isAllowed)
                #expect(try await world.store.read { try $0.allowsNetwork(network, isManaged: true, project: "shop") } == isAllowed)
            }
            #expect(try await world.store.read { try !$0.allowsNetwork("a", isManaged: false, project: "shop") })
        }
    }

    @Test func theRootDiskAndDisksOfPoolsMayAlwaysBe() async throws {
        try await withShop { world in
            #expect(try await world.admits(victim) { $0.devices["v"] = ["type": "disk", "pool": "p", "source": "v", "path": "/v"] })
            try await world.set("shop", ["restricted.devices.disk": "block"])
            #expect(try await !world.admits(victim) { $0.devices["v"] = ["type": "disk", "pool": "p", "source": "v", "path": "/v"] })
            #expect(try await world.admits(victim) { $0.devices["root"] = Self.root })
            #expect(try await !world.admits(victim) { $0.devices["r2"] = Self.root.merging(["source": "v"]) { $1 } })
        }
    }

    @Test func whatTheServerKeepsCannotBeChosen() async throws {
        try await withShop { world in
            #expect(try await !world.admits(victim) { $0.config["volatile.uuid"] = "foo" })
            #expect(try await !world.admits(victim) { $0.config["volatile.idmap.next"] = "[]" })
            #expect(try await world.admits(victim) { $0.config["volatile.eth0.hwaddr"] = "00:16:3e:00:00:01" })
            let request = InstancesPost.with {
                $0.name = "copy"
                $0.source.type = "copy"
                $0.source.source = "c1"
                $0.config = ["volatile.uuid": "foo", "user.a": "b"]
            }
            let plan = try await world.instances.planCreate(project: "shop", request, hasProfiles: false)
            #expect(plan.row.config["volatile.uuid"] == nil)
            #expect(plan.row.config["user.a"] == "b")
        }
    }

    @Test func snapshotsAndBackupsHaveToBeOpened() async throws {
        try await withShop { world in
            let refused = "Project \"shop\" doesn't allow for snapshot creation"
            await #expect(throws: LXDError.self) { _ = try await world.snapshots.plan(victim, InstanceSnapshotsPost()) }
            do { try await world.snapshots.create(victim, name: "s", expiresAt: nil, by: nil) } catch {
                #expect(LXDError.from(error).message == refused)
            }
            await #expect(throws: LXDError.self) { try await world.store.read { try $0.admitBackupCreation(project: "shop") } }
            try await world.volumes.create(
                pool: "p", project: "shop", .with { $0.name = "v"; $0.type = "custom" }, by: nil)
            let volume = VolumeKey(pool: "p", project: "shop", kind: .custom, name: "v")
            await #expect(throws: LXDError.self) {
                _ = try await world.volumes.createSnapshot(volume, StorageVolumeSnapshotsPost(), by: nil)
            }
            try await world.set("shop", ["restricted.snapshots": "allow", "restricted.backups": "allow"])
            try await world.snapshots.create(victim, name: "s", expiresAt: nil, by: nil)
            _ = try await world.volumes.createSnapshot(volume, StorageVolumeSnapshotsPost(), by: nil)
            try await world.store.read { try $0.admitBackupCreation(project: "shop") }
        }
    }

    @Test(arguments: [["features.profiles": "false"], ["features.profiles": ""], [:]])
    func aProjectWithoutProfilesOfItsOwnCannotBeRestricted(_ config: [String: String]) async throws {
        try await World.with { world in
            try await world.projects.create(.with { $0.name = "p1" }, by: nil)
            await #expect(throws: LXDError.self) {
                try await world.projects.update("p1", by: nil, precondition: { _ in }) { _ in
                    .with { $0.config = config.merging(["restricted": "true"]) { $1 } }
                }
            }
        }
    }
}

extension World {
    /// Everything by name that a refused write could leave behind.
    fileprivate func contents() async throws -> [String] {
        try await store.read { tx in
            let instances = try tx.instances()
            let snapshots = try instances.flatMap { instance in
                try tx.snapshots(instanceID: instance.id).map { "\(instance.project)/\(instance.name)/\($0.name)" }
            }
            let profiles = try tx.profiles().map { "\($0.project)/\($0.name) \($0.config) \($0.devices.keys.sorted())" }
            return snapshots + profiles + (try tx.storageVolumes().map { "\($0.project)/\($0.name)" })
                + instances.map { "\($0.project)/\($0.name) \($0.config.sorted { $0.key < $1.key }) \($0.devices.keys.sorted())" }
        }
    }

    /// Sets keys of a project.
    func set(_ project: String, _ config: [String: String]) async throws {
        try await projects.update(project, by: nil, precondition: { _ in }) { current in
            .with { $0.config = current.config.merging(config) { $1 } }
        }
    }

    func create(
        in project: String, _ name: String, config: [String: String] = [:], devices: [String: [String: String]] = [:]
    ) async throws {
        let request = InstancesPost.with {
            $0.name = name
            $0.source.type = "none"
            $0.config = config
            $0.devices = devices
        }
        try await instances.create(try await instances.planCreate(project: project, request, hasProfiles: false), by: nil)
    }

    /// Writes an instance of the default project past the gate, as an earlier version may have.
    @discardableResult
    fileprivate func insert(_ name: String, _ change: @escaping @Sendable (inout InstanceRow) -> Void) async throws -> Int64 {
        try await store.write { tx in
            var row = InstanceRow(project: "default", name: name, createdAt: .now())
            row.architecture = try Architectures.local().id
            row.devices = ["root": ["type": "disk", "path": "/", "pool": "p"]]
            change(&row)
            try tx.insertStorageVolume(VolumeRow(pool: "p", project: "default", name: name, kind: .container))
            return try tx.insertInstance(row)
        }
    }

    @discardableResult
    fileprivate func insertSnapshot(
        of id: Int64, _ change: @escaping @Sendable (inout InstanceRow) -> Void
    ) async throws -> Int64 {
        try await store.write { tx in
            guard var row = try tx.instance(id: id) else { throw LXDError.notFound() }
            change(&row)
            var snapshot = SnapshotRow(instanceID: id, name: "snap0", createdAt: .now())
            snapshot.config = row.config
            snapshot.devices = row.devices
            return try tx.insertSnapshot(snapshot)
        }
    }

    fileprivate func admits(_ key: InstanceKey, _ change: @escaping @Sendable (inout InstanceRow) -> Void) async throws -> Bool {
        try await store.read { tx in
            let present = try tx.loadInstance(key)
            var row = present.row
            change(&row)
            do {
                try tx.admitToProject(present.with(row: row), replacing: present)
                return true
            } catch is LXDError { return false }
        }
    }
}

extension InstanceService {
    /// A whole new state as a client sends it: with the keys of the server as they were shown.
    fileprivate func put(_ key: InstanceKey, _ put: InstancePut, keepingVolatileOf world: World) async throws {
        let config = try await world.environment.load(key).row.config.filter { $0.key.hasPrefix("volatile.") }
        var put = put
        put.config.merge(config) { $1 }
        try await self.put(key, put, by: nil)
    }
}
