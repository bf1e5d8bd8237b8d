internal import Glibc
import LXDAPI
import LXDHTTP
internal import NIOCore

/// An image's files as the body of an upload: one as it is, two as parts.
struct ImageUploadBody {
    let contentType: String
    let body: OutgoingBody

    init(
        _ files: [String], isVirtualMachine: Bool, fingerprint: String,
        progress: @escaping @Sendable (_ done: Int64, _ total: Int64) -> Void
    ) throws(LXDError) {
        var pieces: [Piece] = []
        if files.count == 1, let file = files.first {
            contentType = "application/octet-stream"
            pieces = [try .file(file)]
        } else {
            let boundary = "lxd-" + (0..<32).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
            contentType = "multipart/form-data; boundary=\(boundary)"
            for (index, file) in files.enumerated() {
                let part = index == 0 ? "metadata" : isVirtualMachine ? "rootfs.img" : "rootfs"
                let name = fingerprint + (index == 0 ? "" : ".rootfs")
                pieces.append(
                    .text(
                        "\(index == 0 ? "" : "\r\n")--\(boundary)\r\nContent-Disposition: form-data; name=\"\(part)\"; "
                            + "filename=\"\(name)\"\r\nContent-Type: application/octet-stream\r\n\r\n"))
                pieces.append(try .file(file))
            }
            pieces.append(.text("\r\n--\(boundary)--\r\n"))
        }
        let all = pieces
        let length = pieces.reduce(0) { $0 + $1.size }
        body = .stream(length: length) { writer in
            for piece in all {
                try await piece.write(to: writer) { progress(Int64(writer.writtenBytes), Int64(length)) }
            }
        }
    }

    private enum Piece: Sendable {
        case text(String)
        case file(path: String, size: Int)

        static func file(_ path: String) throws(LXDError) -> Piece {
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw .internalError("Failed to read \(path): \(String(cString: strerror(errno)))")
            }
            return .file(path: path, size: Int(status.st_size))
        }

        var size: Int {
            switch self {
            case .text(let text): text.utf8.count
            case .file(_, let size): size
            }
        }

        func write(to writer: BodyWriter, _ wrote: () -> Void) async throws {
            guard case .file(let path, _) = self else {
                if case .text(let text) = self { try await writer.write(text) }
                return
            }
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw LXDError.internalError("Failed to read \(path): \(String(cString: strerror(errno)))")
            }
            defer { Glibc.close(descriptor) }
            while true {
                var buffer = ByteBufferAllocator().buffer(capacity: 256 << 10)
                let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 256 << 10) { bytes in
                    max(0, read(descriptor, bytes.baseAddress, bytes.count))
                }
                if count == 0 { return }
                try await writer.write(buffer)
                wrote()
            }
        }
    }
}
