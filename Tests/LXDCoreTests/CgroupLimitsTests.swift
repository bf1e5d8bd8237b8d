import LXDAPI
import Testing

@testable import LXDCore

@Suite struct CgroupLimitsTests {
    let unified = CgroupLimits(
        host: HostLimits(
            controllers: ["cpu": .v2, "memory": .v2, "pids": .v2, "io": .v2, "hugetlb": .v2, "cpuset": .v2], memoryBytes: 1000 << 20,
            processors: [0, 1], hasSwapAccounting: true))
    let legacy = CgroupLimits(
        host: HostLimits(
            controllers: ["cpu": .v1, "memory": .v1, "pids": .v1, "blkio": .v1], memoryBytes: 1000 << 20, processors: [0, 1],
            hasSwapAccounting: false))

    private func files(_ settings: [LimitSetting]) -> [String: String] {
        Dictionary(settings.map { ($0.file, $0.value) }) { $1 }
    }

    @Test func nothingIsSetWithoutLimits() throws {
        #expect(try unified.atStart([:]).isEmpty)
        #expect(try legacy.atStart(["user.a": "b"]).isEmpty)
    }

    @Test func memoryInBothLayouts() throws {
        #expect(files(try unified.atStart(["limits.memory": "100MiB"])) == ["memory.max": "104857600", "memory.swap.max": "0"])
        #expect(
            files(try legacy.atStart(["limits.memory": "10%"]))
                == ["memory.limit_in_bytes": "104857600", "memory.soft_limit_in_bytes": "94371840"])
        #expect(files(try unified.atStart(["limits.memory": "1MiB", "limits.memory.enforce": "soft"])) == ["memory.high": "1048576"])
    }

    @Test func processorShares() throws {
        #expect(files(try unified.atStart(["limits.cpu.allowance": "50%"])) == ["cpu.weight": "50", "cpu.max": "max"])
        #expect(files(try unified.atStart(["limits.cpu.allowance": "25ms/100ms"]))["cpu.max"] == "25000 100000")
        #expect(files(try legacy.atStart(["limits.cpu.priority": "0"]))["cpu.shares"] == "1014")
        #expect(throws: LXDError.self) { try unified.atStart(["limits.cpu.allowance": "25ms"]) }
    }

    @Test func takingALimitAwayOpensTheGroup() throws {
        let settings = try unified.afterChange(of: ["limits.memory", "limits.processes"], [:])
        #expect(files(settings) == ["memory.max": "max", "memory.swap.max": "max", "memory.high": "max", "pids.max": "max"])
    }

    @Test func aLimitWithoutItsControllerIsRefusedOnlyWhereLXDDoes() throws {
        let bare = CgroupLimits(host: HostLimits(controllers: [:], memoryBytes: 1, processors: [0], hasSwapAccounting: false))
        #expect(try bare.atStart(["limits.memory": "1GiB"]).isEmpty)
        #expect(throws: LXDError.self) { try bare.atStart(["limits.disk.priority": "5"]) }
    }

    @Test func processorsAreDealtOutEvenly() {
        let plan = ProcessorPlan.plan(["a": "0", "b": "1", "c": "1", "d": ""], processors: [0, 1, 2])
        // "0" names no count of processors that a container could run on: it gets one.
        #expect(plan["d"] == [0, 1, 2])
        #expect(Set([plan["a"], plan["b"], plan["c"]]) == [[0], [1], [2]])
        #expect(ProcessorPlan.plan(["a": "0-1", "b": "1"], processors: [0, 1, 2])["b"] == [2])
        #expect(ProcessorPlan.plan(["a": "5-9"], processors: [0, 1])["a"] == [0, 1])
    }
}
