import Dispatch
import Glibc

/// A connected socket whose blocking calls happen on threads of their own.
final class SSHSocket: Sendable {
    private let descriptor: Int32
    private let reads = DispatchQueue(label: "ssh-read")
    private let writes = DispatchQueue(label: "ssh-write")

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Some bytes; nil when the peer has gone.
    func read() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            reads.async { [self] in
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                var count = -1
                repeat {
                    count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
                } while count < 0 && errno == EINTR
                continuation.resume(returning: count > 0 ? Array(buffer[..<count]) : nil)
            }
        }
    }

    /// Sends bytes after those sent before. What the peer has announced to take bounds how much can wait here.
    func write(_ bytes: [UInt8]) {
        writes.async { [self] in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return }  // The reader sees that the peer has gone.
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Ends the connection once all that was written is sent.
    func finish() {
        writes.async { [self] in shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
}
