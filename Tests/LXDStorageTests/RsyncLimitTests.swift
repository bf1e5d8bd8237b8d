import Testing

@testable import LXDStorage

@Suite struct RsyncLimitTests {
    @Test(arguments: [("10MB", "bwlimit=10MB"), ("1.5MiB", "bwlimit=1.5MiB"), ("500", "bwlimit=500")])
    func aRateIsPassedOnAsItIs(limit: String, option: String) {
        #expect(RsyncTransfer.limitOption(limit) == option)
    }

    @Test(arguments: [nil, "", "x", "10MB --rsync-path=/bin/sh", "1\n2", "-1", "1MBit2"] as [String?])
    func whatIsNoRateIsLeftOut(limit: String?) {
        #expect(RsyncTransfer.limitOption(limit) == nil)
    }
}
