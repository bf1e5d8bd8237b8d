import LXDAPI
import LXDLinux
import Testing

@testable import LXDCore

@Suite struct DiskLimitsTests {
    let legacy = HostLimits(controllers: ["blkio": .v1], memoryBytes: 0, processors: [0], hasSwapAccounting: false)
    let unified = HostLimits(controllers: ["io": .v2], memoryBytes: 0, processors: [0], hasSwapAccounting: true)

    private func disk(_ limits: [String: String]) -> [String: String] { limits.merging(["type": "disk", "path": "/"]) { $1 } }

    private func throttles(_ devices: [String: [String: String]]) throws -> [String: DiskThrottle] {
        try DiskLimits.throttles(devices) { _ in "254:0" }
    }

    @Test func bytesAndOperationsInBothLayouts() throws {
        let wanted = try throttles(["root": disk(["limits.read": "10MiB", "limits.write": "200iops"])])
        #expect(
            try DiskLimits.atStart(wanted, legacy).map { "\($0.file) = \($0.value)" } == [
                "blkio.throttle.read_bps_device = 254:0 10485760", "blkio.throttle.write_iops_device = 254:0 200",
            ])
        #expect(
            try DiskLimits.atStart(wanted, unified).map { "\($0.file) = \($0.value)" } == [
                "io.max = 254:0 rbps=10485760 wiops=200"
            ])
    }

    @Test func theTotalCountsForBothDirections() throws {
        let wanted = try throttles(["root": disk(["limits.max": "1kB", "limits.read": "5iops"])])
        #expect(try DiskLimits.atStart(wanted, unified).map(\.value) == ["254:0 rbps=1000 wbps=1000"])
    }

    @Test func disksOnOneBlockDeviceShareTheAverage() throws {
        let wanted = try throttles([
            "root": disk(["limits.read": "10iops"]), "data": disk(["limits.read": "30iops", "limits.write": "7iops"]),
            "free": disk([:]),
        ])
        #expect(try DiskLimits.atStart(wanted, unified).map(\.value) == ["254:0 riops=20 wiops=7"])
    }

    @Test func aLimitThatWentAwayIsLifted() throws {
        let before = try throttles(["root": disk(["limits.read": "10iops", "limits.write": "5iops"])])
        let after = try throttles(["root": disk(["limits.write": "5iops"])])
        #expect(
            try DiskLimits.afterChange(from: before, to: after, legacy).map { "\($0.file) = \($0.value)" } == [
                "blkio.throttle.read_iops_device = 254:0 0"
            ])
        #expect(try DiskLimits.afterChange(from: before, to: after, unified).map(\.value) == ["254:0 riops=max"])
        #expect(try DiskLimits.afterChange(from: before, to: before, unified).isEmpty)
    }

    @Test func withoutTheControllerALimitIsRefusedAndNoLimitIsFine() throws {
        let none = HostLimits(controllers: [:], memoryBytes: 0, processors: [0], hasSwapAccounting: false)
        #expect(try DiskLimits.atStart(throttles(["root": disk([:])]), none).isEmpty)
        #expect(throws: LXDError.self) { try DiskLimits.atStart(throttles(["root": disk(["limits.max": "1MB"])]), none) }
    }

    @Test func whatIsNoLimitIsRefused() {
        #expect(throws: LXDError.self) { try DiskThrottle(["limits.read": "manyiops"]) }
        #expect(throws: LXDError.self) { try DiskThrottle(["limits.write": "-5iops"]) }
        #expect(throws: (any Error).self) { try DiskThrottle(["limits.max": "fast"]) }
    }
}
