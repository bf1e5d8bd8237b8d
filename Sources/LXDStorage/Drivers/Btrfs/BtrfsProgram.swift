internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// `btrfs send` and `btrfs receive` with their streams on a connection.
struct BtrfsProgram: Sendable {
    let channel: any TransferChannel
    let progress: @Sendable (Int64) -> Void

    /// Sends a read-only subvolume, or what differs from another one that the target has, as one stream.
    func send(_ place: String, base: String?) async throws {
        let pipe = try ProcessPipe(.fromProcess)
        guard let output = pipe.farEnd?.rawValue else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { pipe.closeFarEnd() }
                try await run(["send", "--quiet"] + (base.map { ["-p", $0] } ?? []) + [place], [1: output])
            }
            group.addTask {
                var total: Int64 = 0
                while let bytes = try await pipe.stream.read(limit: 256 << 10) {
                    try await channel.write(bytes)
                    total += Int64(bytes.count)
                    progress(total)
                }
                try Task.checkCancellation()
            }
            // The first failure ends the others: `waitForAll` would wait for them.
            while try await group.next() != nil {}
        }
        try await channel.finish()
    }

    /// Makes a subvolume of the peer's stream, in a folder that is its whole world.
    func receive(into folder: String) async throws {
        let pipe = try ProcessPipe(.toProcess)
        guard let input = pipe.farEnd?.rawValue else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await run(["receive", "--quiet", "-e", folder], [0: input]) }
            group.addTask {
                var total: Int64 = 0
                while let bytes = try await channel.read() {
                    try await pipe.stream.write(bytes)
                    total += Int64(bytes.count)
                    progress(total)
                }
                pipe.stream.close()
            }
            // The first failure ends the others: `waitForAll` would wait for them.
            while try await group.next() != nil {}
        }
    }

    private func run(_ arguments: [String], _ descriptors: [Int32: Int32]) async throws {
        guard let path = ProcessRunner.locate("btrfs") else { throw ToolError.missing(tool: "btrfs") }
        let errors = try ProcessPipe(.fromProcess)
        var request = SpawnRequest(
            executable: path, arguments: ["btrfs"] + arguments,
            environment: ["PATH=/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8"])
        request.descriptors = descriptors
        request.descriptors[2] = errors.farEnd?.rawValue
        let spawn = request
        let handle = try await BlockingPool.shared.run { try ProcessSpawner.spawn(spawn) }
        errors.closeFarEnd()
        let text = try await withTaskCancellationHandler {
            var kept: [UInt8] = []
            while let bytes = try await errors.stream.read() { kept = (kept + bytes).suffix(4096) }
            return String(decoding: kept, as: UTF8.self)
        } onCancel: {
            // It may have ended; then there is nothing to do.
            try? handle.signal(SIGKILL)
        }
        let exit = await handle.wait()
        try Task.checkCancellation()
        guard exit.isSuccess else {
            let reason = text.split(separator: "\n").suffix(2).joined(separator: "; ")
            throw LXDError.internalError("btrfs \(arguments[0]) failed: \(reason)")
        }
    }
}
