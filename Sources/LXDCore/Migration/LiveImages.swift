import Glibc
import LXDAPI
import LXDLinux
import LXDStorage
import SystemPackage

/// The images of an instance's processes on their way over the `criu` socket: for each file its name, then its contents, each a
/// stream of the channel; an empty name ends them.
enum LiveImages {
    private static let chunkBytes = 256 << 10
    private static let filesMax = 100_000

    static func send(_ folder: String, over channel: any TransferChannel) async throws -> Int64 {
        let directory = try await BlockingPool.shared.run { try ConfinedDirectory(path: folder, resolution: .beneath) }
        let names = try await BlockingPool.shared.run { try directory.list().filter(isImage).sorted() }
        var total: Int64 = 0
        for name in names {
            try await channel.send(Array(name.utf8))
            let file = try await BlockingPool.shared.run { try Reading(directory.open(name, flags: O_RDONLY | O_NOFOLLOW)) }
            while let chunk = try await BlockingPool.shared.run({ try file.next(chunkBytes) }) {
                try await channel.write(chunk)
                total += Int64(chunk.count)
            }
            try await channel.finish()
        }
        try await channel.finish()
        return total
    }

    static func receive(into folder: String, from channel: any TransferChannel) async throws {
        let directory = try await BlockingPool.shared.run { try ConfinedDirectory(path: folder, resolution: .beneath) }
        for _ in 0..<filesMax {
            let bytes = try await channel.readAll(limit: 256)
            if bytes.isEmpty { return }
            let name = try name(bytes)
            // The first that criu reads it reads with no rights at all; the folder's name is a secret, and nobody may list it.
            let file = try await BlockingPool.shared.run {
                try Writing(directory.open(name, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644))
            }
            while let chunk = try await channel.read() {
                try await BlockingPool.shared.run { try writeAll(chunk, to: file.descriptor.descriptor) }
            }
        }
        throw LXDError.badRequest("The other server sent too many images")
    }

    /// criu's own, and liblxc's note of the console's terminal.
    private static func isImage(_ name: String) -> Bool { name.hasSuffix(".img") || name == "tty.info" }

    /// - Throws: `badRequest` for what criu does not call an image.
    static func name(_ bytes: [UInt8]) throws(LXDError) -> String {
        let isPlain = bytes.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
        }
        let name = String(decoding: bytes, as: UTF8.self)
        guard isPlain, isImage(name), !name.hasPrefix("."), bytes.count <= 100 else {
            throw .badRequest("The other server sent an image without a proper name")
        }
        return name
    }

    private final class Reading: Sendable {
        private let file: OwnedDescriptor
        init(_ file: consuming OwnedDescriptor) { self.file = file }

        func next(_ count: Int) throws -> [UInt8]? {
            var failure: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
                let got = read(file.rawValue, buffer.baseAddress, count)
                if got < 0 { failure = errno }
                used = max(got, 0)
            }
            guard failure == 0 else { throw Errno(rawValue: failure) }
            return bytes.isEmpty ? nil : bytes
        }
    }

    private final class Writing: Sendable {
        let descriptor: OwnedDescriptor
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }
}

/// Where images lie for the time of a move: in memory where there is room, since the instance stands still meanwhile.
struct LiveFolder: Sendable {
    let path: String

    /// - Parameter bytes: About what will come.
    static func make(_ path: String, bytes: Int64) async throws -> LiveFolder {
        try await BlockingPool.shared.run {
            try? Mounts.unmountTree(path)  // Of an earlier life; there should be none.
            try removeHostTree(path)
            try makeHostDirectories(path, mode: 0o711)
            if bytes + (bytes >> 2) + (64 << 20) < availableMemory() {
                do {
                    try Mounts.mount("tmpfs", at: path, type: "tmpfs", options: "mode=0711,size=100%")
                } catch {
                    // On the disk it is slower, and as good.
                }
            }
        }
        return LiveFolder(path: path)
    }

    func remove() async {
        let path = path
        await BlockingPool.shared.run {
            try? Mounts.unmountTree(path)  // What stays is removed at the next start.
            try? removeHostTree(path)
        }
    }

    private static func availableMemory() -> Int64 {
        for line in ((try? AtomicFile.readText("/proc/meminfo", limit: 1 << 16)) ?? "").split(separator: "\n")
        where line.hasPrefix("MemAvailable:") {
            return (line.split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? 0) << 10
        }
        return 0
    }
}
