import LXDAPI
import LXDDatabase
import LXDLinux
import Synchronization
import Testing

@testable import LXDCore

/// Limits of projects, in LXD's words.
@Suite struct ProjectLimitTests {
    private func message(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch { return LXDError.from(error).message }
    }

    /// A project whose default profile gives an instance a root disk of 100 MB, 1 CPU, 100 MB memory and 50 processes.
    private func withProject(_ config: [String: String] = [:], _ body: @escaping @Sendable (World) async throws -> Void) async throws {
        try await World.with { world in
            try await world.projects.create(.with { $0.name = "p1"; $0.config = config }, by: nil)
            try await setProfile(world, [:], size: "100MB")
            try await body(world)
        }
    }

    private func setProfile(_ world: World, _ config: [String: String], size: String = "100MB") async throws {
        let all = ["limits.cpu": "1", "limits.memory": "100MB", "limits.processes": "50"].merging(config) { $1 }
        try await world.profiles.update(project: "p1", name: "default", by: nil, precondition: { _ in }) { _ in
            .with {
                $0.config = all
                $0.devices = ["root": ["type": "disk", "path": "/", "pool": "p", "size": size]]
            }
        }
    }

    @Test func thereAreNoMoreInstancesThanAllowed() async throws {
        try await withProject(["limits.containers": "1"]) { world in
            try await world.create(in: "p1", "c1")
            #expect(
                await message { try await world.create(in: "p1", "c2") }
                    == "Reached maximum number of instances of type \"container\" in project \"p1\"")
            try await world.set("p1", ["limits.containers": "5", "limits.instances": "1"])
            #expect(
                await message { try await world.create(in: "p1", "c2") } == "Reached maximum number of instances in project \"p1\"")
            try await world.set("p1", ["limits.instances": "2"])
            try await world.create(in: "p1", "c2")
            #expect(
                await message { try await world.set("p1", ["limits.instances": "1"]) }
                    == "Can't change limits.instances in project \"p1\": \"limits.instances\" is too low: there currently are 2 total instances in project \"p1\"")
            #expect(
                await message { try await world.set("p1", ["limits.containers": "1"]) }
                    == "Can't change \"limits.containers\" in project \"p1\": \"limits.containers\" is too low: there currently are 2 instances of type container in project \"p1\"")
        }
    }

    @Test func aMoveWithinAProjectCountsOnce() async throws {
        try await withProject(["limits.instances": "1"]) { world in
            try await world.create(in: "p1", "c1")
            try await world.instances.move(
                InstanceKey(project: "p1", name: "c1"), to: InstanceKey(project: "p1", name: "c2"), pool: "p",
                instanceOnly: false, by: nil)
            try await world.create(in: "default", "d1", devices: ["root": ["type": "disk", "path": "/", "pool": "p"]])
            let refused = await message {
                try await world.instances.move(
                    InstanceKey(project: "default", name: "d1"), to: InstanceKey(project: "p1", name: "d1"), pool: nil,
                    instanceOnly: false, by: nil)
            }
            #expect(refused?.contains("Reached maximum number of instances in project \"p1\"") == true)
        }
    }

    @Test(arguments: [("limits.cpu", "1", "2", "1"), ("limits.memory", "150MB", "200MB", "95.4MiB"), ("limits.processes", "60", "100", "50")])
    func sumsStayBelowTheLimit(_ key: String, _ limit: String, _ more: String, _ total: String) async throws {
        try await withProject([key: limit]) { world in
            try await world.create(in: "p1", "c1")
            let reached = "Reached maximum aggregate value \"\(limit)\" for \"\(key)\" in project \"p1\""
            #expect(await message { try await world.create(in: "p1", "c2") } == "Failed checking if instance creation allowed: \(reached)")
            let config = try await world.environment.load(InstanceKey(project: "p1", name: "c1")).row.config
            #expect(
                await message {
                    let put = InstancePut.with {
                        $0.config = config.merging([key: more]) { $1 }
                        $0.profiles = ["default"]
                    }
                    try await world.instances.put(InstanceKey(project: "p1", name: "c1"), put, by: nil)
                } == "Failed checking if instance update allowed: \(reached)")
            #expect(
                await message { try await setProfile(world, [key: more]) } == "Failed checking if profile update allowed: \(reached)")
            #expect(
                await message { try await world.set("p1", [key: key == "limits.memory" ? "1MB" : "0"]) }
                    == "\"\(key)\" is too low: current total is \"\(total)\"")
        }
    }

    @Test func everyInstanceNeedsALimitOfItsOwn() async throws {
        try await withProject { world in
            try await setProfile(world, ["limits.memory": "", "limits.cpu": "0,1"])
            try await world.create(in: "p1", "c1")
            #expect(
                await message { try await world.set("p1", ["limits.memory": "1GB"]) }
                    == "Instance \"c1\" in project \"p1\" has no \"limits.memory\" config, either directly or via a profile")
            #expect(
                await message { try await world.set("p1", ["limits.cpu": "4"]) }
                    == "Failed parsing \"limits.cpu\" for instance \"c1\" in project \"p1\": CPUs can't be pinned if project limits are used")
        }
    }

    @Test func anEditOfAProfileOfTheDefaultProjectIsHeldToTheLimitsOfThoseThatShareIt() async throws {
        try await World.with { world in
            try await world.projects.create(
                .with { $0.name = "p1"; $0.config = ["features.profiles": "false"] }, by: nil)
            func setDefault(_ memory: String) async throws {
                try await world.profiles.update(project: "default", name: "default", by: nil, precondition: { _ in }) { _ in
                    .with {
                        $0.config = ["limits.memory": memory]
                        $0.devices = ["root": ["type": "disk", "path": "/", "pool": "p"]]
                    }
                }
            }
            try await setDefault("10MB")
            try await world.create(in: "p1", "c1")
            try await world.set("p1", ["limits.memory": "20MB"])
            try await setDefault("20MB")
            #expect(await message { try await setDefault("21MB") }?.hasPrefix("Failed checking if profile update allowed") == true)
        }
    }

    @Test func volumesCountAsDisk() async throws {
        try await withProject(["limits.disk": "250MB"]) { world in
            try await world.create(in: "p1", "c1")
            func create(_ name: String, _ config: [String: String]) async throws {
                _ = try await world.volumes.create(
                    pool: "p", project: "p1", .with { $0.name = name; $0.type = "custom"; $0.config = config }, by: nil)
            }
            #expect(
                await message { try await create("v1", [:]) }
                    == "Failed checking if volume creation allowed: Failed getting usage of project entities: Custom volume \"v1\" in project \"p1\" has no \"size\" config set")
            let reached = "Reached maximum aggregate value \"250MB\" for \"limits.disk\" in project \"p1\""
            #expect(await message { try await create("v1", ["size": "151MB"]) } == "Failed checking if volume creation allowed: \(reached)")
            #expect(!world.host.state.withLock { $0.log.contains { $0.contains("p1_v1") } }, "Nothing was written for it.")
            try await create("v1", ["size": "100MB"])
            let key = VolumeKey(pool: "p", project: "p1", kind: .custom, name: "v1")
            #expect(
                await message {
                    try await world.volumes.update(key, by: nil, precondition: { _ in }) { _ in .with { $0.config = ["size": "151MB"] } }
                } == "Failed checking if volume update allowed: \(reached)")
            // 100 MB of the root disk, 100 MB of the volume.
            #expect(try await world.store.read { try $0.imageSpaceBudget(project: "p1") } == 50_000_000)
            #expect(await message { try await setProfile(world, [:], size: "151MB") } == "Failed checking if profile update allowed: \(reached)")
        }
    }

    @Test func anUploadEndsWhereTheRoomEnds() async throws {
        var receiver = ImageReceiver(directory: "/nowhere", budget: 0)
        await #expect(throws: LXDError.self) {
            _ = try await receiver.receive(contentType: "", fileName: "") { [1] }
        }
        try await withProject(["limits.disk": "1MB"]) { world in
            let folder = world.pool.path + "/upload"
            try makeHostDirectories(folder, mode: 0o700)
            var receiver = ImageReceiver(directory: folder, budget: try await world.store.read { try $0.imageSpaceBudget(project: "p1") })
            let message = await message {
                _ = try await receiver.receive(contentType: "", fileName: "") { [UInt8](repeating: 0, count: 300_000) }
            }
            #expect(message == "reached 1200000 bytes, exceeding quota of 1000000")
        }
    }

    @Test func theStateTellsLimitsAndUsage() async throws {
        try await withProject(["limits.cpu": "5", "limits.memory": "1GiB", "limits.disk": "10GiB", "limits.networks": "3"]) { world in
            try await world.create(in: "p1", "c1")
            let resources = try await world.projects.state("p1").resources
            let text = resources.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.limit) \($0.value.usage)" }
            #expect(
                text == [
                    "containers -1 1", "cpu 5 1", "disk 10737418240 100000000", "instances -1 1", "memory 1073741824 100000000",
                    "networks 3 0", "processes -1 50", "virtual-machines -1 0",
                ])
        }
    }
}
