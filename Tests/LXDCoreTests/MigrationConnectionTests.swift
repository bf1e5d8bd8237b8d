import LXDAPI
import LXDStorage
import Synchronization
import Testing

@testable import LXDCore

/// Two sockets joined in memory.
final class MemorySocket: OperationSocket {
    private let incoming: AsyncStream<OperationMessage>
    private let outgoing: AsyncStream<OperationMessage>.Continuation

    private init(_ incoming: AsyncStream<OperationMessage>, _ outgoing: AsyncStream<OperationMessage>.Continuation) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    static func pair() -> (MemorySocket, MemorySocket) {
        let (one, oneEnd) = AsyncStream.makeStream(of: OperationMessage.self)
        let (other, otherEnd) = AsyncStream.makeStream(of: OperationMessage.self)
        return (MemorySocket(one, otherEnd), MemorySocket(other, oneEnd))
    }

    func receive() async throws -> OperationMessage? {
        for await message in incoming { return message }
        return nil
    }
    func send(_ message: OperationMessage) async throws { outgoing.yield(message) }
    func close() async { outgoing.finish() }
}

@Suite struct MigrationConnectionTests {
    private func pair() -> (MigrationConnection, MigrationConnection) {
        let (control, farControl) = MemorySocket.pair()
        let (contents, farContents) = MemorySocket.pair()
        return (
            MigrationConnection(control: control, fs: contents),
            MigrationConnection(control: farControl, fs: farContents)
        )
    }

    @Test func streamsEndOneByOne() async throws {
        let (near, far) = pair()
        try await near.contents.write([1, 2])
        try await near.contents.finish()
        try await near.contents.write([3])
        try await near.contents.finish()
        #expect(try await far.contents.readStream(limit: 10) == [1, 2])
        #expect(try await far.contents.readStream(limit: 10) == [3])
    }

    @Test func longWritesAreSplit() async throws {
        let (near, far) = pair()
        try await near.contents.write([UInt8](repeating: 7, count: 600_000))
        #expect(try await far.contents.read()?.count == 256 << 10)
    }

    @Test func aLostConnectionIsNoEnd() async throws {
        let (near, far) = pair()
        try await near.contents.write([1])
        await near.close()
        #expect(try await far.contents.read() == [1])
        await #expect(throws: LXDError.self) { try await far.contents.read() }
    }

    @Test func descriptionsAreBounded() async throws {
        let (near, far) = pair()
        try await near.contents.write([UInt8](repeating: 0, count: 100))
        await #expect(throws: LXDError.self) { try await far.contents.readStream(limit: 99) }
    }

    @Test func thePeersReasonIsToldBeforeTheHeader() async throws {
        let (near, far) = pair()
        await near.close(after: LXDError.internalError("No space"))
        await #expect { try await far.receiveHeader() } throws: { "\($0)" == "No space" }
    }

    @Test func thePeersReasonStopsTheTransfer() async throws {
        let (near, far) = pair()
        let result = Task { try await near.whileListening { try await Task.sleep(for: .seconds(60)) } }
        await far.close(after: LXDError.internalError("Disk full"))
        await #expect { try await result.value } throws: { "\($0)" == "Disk full" }
    }

    @Test func thePeersReasonComesBeforeTheBrokenConnection() async throws {
        let (near, far) = pair()
        let result = Task { try await near.whileListening { throw LXDError.internalError("The connection was lost") } }
        try await Task.sleep(for: .milliseconds(50))
        await far.close(after: LXDError.internalError("Disk full"))
        await #expect { try await result.value } throws: { "\($0)" == "Disk full" }
    }

    @Test func aSourceWaitsForTheTargetsWord() async throws {
        let (near, far) = pair()
        try await far.reportSuccess()
        try await near.awaitSuccess()
    }

    @Test func cancellingEndsTheTransfer() async throws {
        let (near, _) = pair()
        let task = Task { try await near.whileListening { try await Task.sleep(for: .seconds(60)) } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

@Suite struct JoinedChannelTests {
    @Test func writersWaitForReaders() async throws {
        let (near, far) = JoinedChannel.pair()
        let written = Mutex(0)
        async let writing: Void = {
            for index in 0..<100 {
                try await near.write([UInt8(index)])
                written.withLock { $0 += 1 }
            }
            try await near.finish()
        }()
        try await Task.sleep(for: .milliseconds(50))
        #expect(written.withLock { $0 } < 100)
        var all: [UInt8] = []
        while let part = try await far.read() { all += part }
        try await writing
        #expect(all == (0..<100).map { UInt8($0) })
    }

    @Test func cuttingWakesBothEnds() async throws {
        let (near, far) = JoinedChannel.pair()
        let reading = Task { try await far.read() }
        try await Task.sleep(for: .milliseconds(20))
        near.cut()
        await #expect(throws: LXDError.self) { try await reading.value }
        await #expect(throws: LXDError.self) { try await near.write([1]) }
    }

    @Test func cancellingWakesAReader() async throws {
        let (near, _) = JoinedChannel.pair()
        let task = Task { try await near.read() }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
