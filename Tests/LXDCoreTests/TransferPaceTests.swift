import LXDStorage
import Synchronization
import Testing

@testable import LXDCore

@Suite struct TransferPaceTests {
    static let rates: [(String, Int64)] = [("10MB", 10_000_000), ("10MiB", 10_485_760), ("1500", 1_536_000), ("1kB", 1000)]

    @Test(arguments: rates)
    func rsyncsUnitsAreKept(text: String, bytes: Int64) throws {
        #expect(try #require(TransferPace(text)).bytesPerSecond == bytes)
    }

    @Test(arguments: [nil, "", "0", "x", "0MB"] as [String?])
    func whatIsNoLimitLimitsNothing(text: String?) {
        #expect(TransferPace(text) == nil)
    }

    /// A clock that we set: what is written early has to wait until what went before has had its time.
    @Test func bytesGetTheTimeTheyTake() throws {
        var pace = try #require(TransferPace("1MB"))
        let start = ContinuousClock.now
        #expect(pace.pause(before: 250_000, at: start) == .zero)
        #expect(pace.pause(before: 500_000, at: start) == .milliseconds(250))
        #expect(pace.pause(before: 1, at: start + .milliseconds(300)) == .milliseconds(450))
        // A second of silence earns nothing.
        #expect(pace.pause(before: 1_000_000, at: start + .seconds(5)) == .zero)
        #expect(pace.pause(before: 1, at: start + .seconds(5)) == .seconds(1))
    }

    @Test func aPacedChannelPassesEverythingOn() async throws {
        let log = Log()
        let channel = PacedChannel(log, try #require(TransferPace("1000000")))
        try await channel.write([1, 2])
        try await channel.write([3])
        try await channel.finish()
        #expect(log.seen.withLock { $0 } == [[1, 2], [3], []])
        #expect(try await channel.read() == [9])
    }
}

private final class Log: TransferChannel {
    let seen = Mutex<[[UInt8]]>([])

    func read() async throws -> [UInt8]? { [9] }
    func write(_ bytes: [UInt8]) async throws { seen.withLock { $0.append(bytes) } }
    func finish() async throws { seen.withLock { $0.append([]) } }
}
