import CLXDLinux
import Dispatch
import Glibc
import LXDHTTP

/// Copies between this process's streams and websockets. Blocking reads and writes happen on threads of their own.
enum StreamPump {
    private static let reads = DispatchQueue(label: "stdin")
    private static let writes = DispatchQueue(label: "stdout", attributes: .concurrent)

    /// Sends what a descriptor gives until it ends, then says so.
    static func send(from descriptor: Int32, to socket: WebSocketConnection) async {
        do {
            while let chunk = await read(descriptor) { try await socket.send(binary: chunk) }
            // An empty text message is the end of a stream.
            try await socket.send(text: "")
        } catch {
            // The command no longer reads: nobody is left to tell.
        }
    }

    /// Says at once that there is nothing to read.
    static func sendNothing(to socket: WebSocketConnection) async {
        try? await socket.send(text: "")  // As above.
    }

    /// Writes what a websocket brings until it ends or nobody reads any more.
    static func receive(from socket: WebSocketConnection, to descriptor: Int32) async {
        while let message = try? await socket.receive(), message.kind == .binary {
            guard await write(message.bytes, to: descriptor) else { return }
        }
    }

    /// Up to 64 KiB; nil at the end.
    static func read(_ descriptor: Int32) async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            reads.async {
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                while true {
                    let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
                    if count < 0, errno == EINTR { continue }
                    if count < 0, errno == EAGAIN {
                        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                        _ = poll(&poller, 1, -1)
                        continue
                    }
                    continuation.resume(returning: count > 0 ? Array(buffer[..<count]) : nil)
                    return
                }
            }
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) async -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if bytes.count <= 4096, poll(&poller, 1, 0) == 1, poller.revents & Int16(POLLOUT) != 0 {
            return writeAll(bytes, to: descriptor)
        }
        return await withCheckedContinuation { continuation in
            writes.async { continuation.resume(returning: writeAll(bytes, to: descriptor)) }
        }
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&poller, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
