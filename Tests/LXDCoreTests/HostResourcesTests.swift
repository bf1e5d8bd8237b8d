import Foundation
import LXDAPI
import Testing

@testable import LXDCore

@Suite struct HostResourcesTests {
    @Test(arguments: [("", []), ("0-2,5", [0, 1, 2, 5]), ("x,3-1,7", [7])] as [(String, Set<Int64>)])
    func cpuSetsAreRead(text: String, expected: Set<Int64>) {
        #expect(HostResources.cpuSet(text) == expected)
    }

    @Test func memoryOfTheHostAndOfANodeIsReadAlike() {
        let host = MemoryInformation(["MemTotal:  2048 kB", "MemFree: 1024 kB", "HugePages_Total: 3"].map { $0[...] })
        let node = MemoryInformation(["Node 0 MemTotal:  2048 kB", "Node 0 MemUsed: 512 kB"].map { $0[...] })
        #expect(host.total == 2048 * 1024 && host.free == 1024 * 1024 && host.hugePagesTotal == 3)
        #expect(node.total == 2048 * 1024 && node.used == 512 * 1024)
    }

    @Test func udevTextIsDecoded() {
        #expect(HostResources.udevDecoded(#"QEMU\x20HARDDISK\x20\x20"#) == "QEMU HARDDISK")
        #expect(HostResources.udevDecoded(#"broken\x2"#) == nil)
    }

    @Test func aHostWithoutAnythingIsReportedEmpty() throws {
        let root = NSTemporaryDirectory() + "lxd-resources-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        let report = HostResources(files: KernelFiles(root: root), machine: "x86_64").report()
        #expect(report.cpu.total == 0 && report.memory.total == 0 && report.storage.disks.isEmpty)
    }
}
