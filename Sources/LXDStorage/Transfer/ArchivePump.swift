internal import LXDAPI
internal import LXDLinux
internal import Synchronization
internal import SystemPackage

/// Runs `lxd-archive` with one end of its work on a connection.
struct ArchivePump: Sendable {
    let archive: ArchiveTool
    let channel: any TransferChannel
    /// Told how many bytes have gone by.
    let progress: @Sendable (Int64) -> Void

    private static let chunkBytes = 256 << 10

    /// Sends what the command writes to `output` as one stream.
    func send(_ make: @Sendable (_ output: Int32) -> ArchiveCommand) async throws {
        let pipe = try ProcessPipe(.fromProcess)
        guard let output = pipe.farEnd?.rawValue else { return }
        let command = make(output)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [archive] in
                defer { pipe.closeFarEnd() }
                try await archive.run(command)
            }
            group.addTask { try await copyOut(pipe) }
            // The first failure ends the others: `waitForAll` would wait for them.
            while try await group.next() != nil {}
        }
        try await channel.finish()
    }

    /// Gives the peer's stream to the command as `input`.
    func receive(_ make: @Sendable (_ input: Int32) -> ArchiveCommand) async throws {
        let pipe = try ProcessPipe(.toProcess)
        guard let input = pipe.farEnd?.rawValue else { return }
        let command = make(input)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [archive] in try await archive.run(command) }
            group.addTask { try await copyIn(pipe) }
            // The first failure ends the others: `waitForAll` would wait for them.
            while try await group.next() != nil {}
        }
    }

    /// Connects the command's `input` and `output` with the peer: a stream each way.
    func exchange(_ make: @Sendable (_ input: Int32, _ output: Int32) -> ArchiveCommand) async throws {
        let (incoming, outgoing) = (try ProcessPipe(.toProcess), try ProcessPipe(.fromProcess))
        guard let input = incoming.farEnd?.rawValue, let output = outgoing.farEnd?.rawValue else { return }
        let command = make(input, output)
        let hasEnded = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [archive] in
                defer { outgoing.closeFarEnd() }
                try await archive.run(command)
                hasEnded.set()
                incoming.stream.interrupt()
            }
            group.addTask { [channel] in
                try await copyOut(outgoing)
                try await channel.finish()
            }
            group.addTask { [channel] in
                do {
                    try await copyIn(incoming)
                } catch {
                    // It has what it needs; the rest of the peer's stream is read past.
                    guard error is Errno, hasEnded.isSet else { throw error }
                    while try await channel.read() != nil {}
                }
            }
            // The first failure ends the others: `waitForAll` would wait for them.
            while try await group.next() != nil {}
        }
    }

    private func copyOut(_ pipe: ProcessPipe) async throws {
        var total: Int64 = 0
        while let bytes = try await pipe.stream.read(limit: Self.chunkBytes) {
            try await channel.write(bytes)
            total += Int64(bytes.count)
            progress(total)
        }
        try Task.checkCancellation()
    }

    private func copyIn(_ pipe: ProcessPipe) async throws {
        var total: Int64 = 0
        while let bytes = try await channel.read() {
            try await pipe.stream.write(bytes)
            total += Int64(bytes.count)
            progress(total)
        }
        pipe.stream.close()
    }
}

private final class Flag: Sendable {
    private let state = Mutex(false)

    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}

extension TransferChannel {
    /// One whole stream of the peer.
    /// - Throws: `badRequest` beyond the limit.
    package func readAll(limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try await read() {
            guard bytes.count + chunk.count <= limit else {
                throw LXDError.badRequest("The other server sends more than it may")
            }
            bytes += chunk
        }
        return bytes
    }

    /// Sends bytes as one stream.
    package func send(_ bytes: [UInt8]) async throws {
        for start in stride(from: 0, to: bytes.count, by: 128 << 10) {
            try await write(Array(bytes[start..<min(start + (128 << 10), bytes.count)]))
        }
        try await finish()
    }
}
