import LXDAPI
import LXDLinux
import LXDStorage
import Synchronization

/// One end of a connection in memory. Nothing waits for room: tests send little.
final class MemoryChannel: TransferChannel {
    private let incoming: AsyncStream<[UInt8]?>.Iterator.Holder
    private let outgoing: AsyncStream<[UInt8]?>.Continuation
    private let sent = Mutex(0)
    private let connection: Connection

    /// What both ends share.
    private final class Connection: Sendable {
        private let state = Mutex(false)
        var isCut: Bool { state.withLock { $0 } }
        func cut() { state.withLock { $0 = true } }
    }

    private init(
        _ incoming: AsyncStream<[UInt8]?>, _ outgoing: AsyncStream<[UInt8]?>.Continuation, _ connection: Connection
    ) {
        self.incoming = .init(incoming.makeAsyncIterator())
        self.outgoing = outgoing
        self.connection = connection
    }

    static func pair() -> (MemoryChannel, MemoryChannel) {
        let (one, oneEnd) = AsyncStream<[UInt8]?>.makeStream()
        let (other, otherEnd) = AsyncStream<[UInt8]?>.makeStream()
        let connection = Connection()
        return (MemoryChannel(one, otherEnd, connection), MemoryChannel(other, oneEnd, connection))
    }

    /// Bytes written to this end.
    var sentBytes: Int { sent.withLock { $0 } }

    func read() async throws -> [UInt8]? {
        guard let chunk = await incoming.next(), !connection.isCut else { throw LXDError.internalError("The connection was cut") }
        return chunk
    }
    func write(_ bytes: [UInt8]) async throws {
        sent.withLock { $0 += bytes.count }
        outgoing.yield(bytes)
    }
    func finish() async throws { outgoing.yield(nil) }
    func cut() {
        connection.cut()
        outgoing.finish()
    }
}

extension AsyncStream.Iterator where Element == [UInt8]? {
    /// One task reads at a time.
    final class Holder: @unchecked Sendable {
        private var iterator: AsyncStream<[UInt8]?>.Iterator
        init(_ iterator: AsyncStream<[UInt8]?>.Iterator) { self.iterator = iterator }

        // SAFETY: a channel is read by one task at a time.
        func next() async -> [UInt8]?? {
            var copy = iterator
            let chunk = await copy.next()
            iterator = copy
            return chunk
        }
    }
}

/// Sends from one pool to another.
/// - Returns: The bytes that the source sent.
@discardableResult
func transfer(
    _ outgoing: OutgoingTransfer, from source: any PoolDriver, to target: any PoolDriver, _ incoming: IncomingTransfer
) async throws -> Int {
    let (near, far) = MemoryChannel.pair()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            do { try await source.send(outgoing, over: near) { _ in } } catch {
                near.cut()
                throw error
            }
        }
        group.addTask {
            do { try await target.receive(incoming, over: far) { _ in } } catch {
                far.cut()
                throw error
            }
        }
        do { while try await group.next() != nil {} } catch {
            near.cut()
            far.cut()
            throw error
        }
    }
    return near.sentBytes
}
