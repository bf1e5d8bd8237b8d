import Glibc
import LXDAPI
import LXDHTTP
import LXDLinux
import NIOCore

/// Sends files of ours without holding them in memory.
enum FileStream {
    private static let chunkBytes = 256 << 10

    /// Writes all of a file; the thread that reads is not one of the cooperative pool.
    static func copy(_ path: String, to writer: BodyWriter) async throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw LXDError.internalError("Failed to open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        while true {
            let chunk = try await BlockingPool.shared.run {
                var bytes = [UInt8](repeating: 0, count: chunkBytes)
                let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
                guard count >= 0 else {
                    throw LXDError.internalError("Failed to read \(path): \(String(cString: strerror(errno)))")
                }
                bytes.removeLast(bytes.count - count)
                return bytes
            }
            guard !chunk.isEmpty else { return }
            try await writer.write(chunk)
        }
    }
}
