import LXDAPI
import Testing

@testable import LXDCore

@Suite struct InstanceSizeTests {
    @Test(arguments: [
        ("c2-m4", ["limits.cpu": "2", "limits.memory": "4096MB"]),
        ("c0.5-m0.2", ["limits.cpu": "1", "limits.cpu.allowance": "50%", "limits.memory": "204MB"]),
        ("c1", ["limits.cpu": "1"]), ("m1", ["limits.memory": "1024MB"]),
    ])
    func sizesBecomeLimits(_ size: String, _ limits: [String: String]) throws {
        #expect(try InstanceSize.limits(of: size) == limits)
    }

    @Test(arguments: ["t2.micro", "aws:t2.micro", "c", "-", "cx", "cnan", "m-1", "m1e30"])
    func otherSizesAreRefused(_ size: String) {
        #expect(throws: LXDError.self) { try InstanceSize.limits(of: size) }
    }
}
